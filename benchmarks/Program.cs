// `rlleap bench [NAME] [options]`: every benchmark, or one of them. A benchmark is a class in this project; it is listed here.
using RlLeap.Benchmarks;

IBenchmark[] benchmarks =
[
    new AgentBenchmark(),
    new CoreBenchmark(),
    new DataBenchmark(),
    new EnvironmentBenchmark(),
    new LeapBenchmark(),
    new AleBenchmark(),
    new TorchBenchmark(),
];

if (args.Length == 0)
{
    var worst = 0;
    foreach (var each in benchmarks)
    {
        Console.WriteLine($"== {each.Name}: {each.Summary}");
        worst = Math.Max(worst, each.Run([]));
    }
    return worst;
}

if (benchmarks.FirstOrDefault(each => each.Name == args[0]) is { } named) return named.Run(args[1..]);
Console.Error.WriteLine($"No benchmark is named {args[0]}. There are:");
foreach (var each in benchmarks) Console.Error.WriteLine($"  {each.Name,-10} {each.Summary}");
return 1;
