// `rlleap bench [NAME] [options]`: every benchmark, or one of them. A benchmark is a class in this project; it is
// listed here.
using RlLeap.Benchmarks;
using RlLeap.Gymnasium;

GymnasiumEnvironments.Register();
IBenchmark[] benchmarks =
[
    new AgentBenchmark(),
    new CoreBenchmark(),
    new DataBenchmark(),
    new EnvironmentBenchmark(),
    new FewShotBenchmark(),
    new LeapBenchmark(),
    new WarpBenchmark(),
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
var help = args[0] is "-h" or "-?" or "--help";
var output = help ? Console.Out : Console.Error;
output.WriteLine(help ? "rlleap bench [NAME] [options]: all benchmarks, or one of"
    : $"No benchmark is named {args[0]}. There are:");
foreach (var each in benchmarks) output.WriteLine($"  {each.Name,-10} {each.Summary}");
return help ? 0 : 2; // 2: wrong usage, as everywhere
