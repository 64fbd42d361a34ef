// Leap on a torch.nn.Module of one's own, with a training loop and an optimizer of one's own. The lines marked (1) to
// (5) are all that Leap asks for. Tasks: sine waves of different heights and shifts. Prints the loss after ten gradient
// steps on a new wave, before and after meta-training.
using System.Globalization;
using RlLeap;
using RlLeap.MetaLearning;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace LeapOnAnyModule;

public sealed class Net : nn.Module<Tensor, Tensor>
{
    private readonly TorchSharp.Modules.Linear first = nn.Linear(1, 40), second = nn.Linear(40, 40),
        last = nn.Linear(40, 1);

    public Net() : base(nameof(Net)) => RegisterComponents();

    public override Tensor forward(Tensor x) => last.call(second.call(first.call(x).tanh()).tanh());
}

public static class Program
{
    private const int GradientSteps = 10;

    public static void Main() => Run(metaSteps: 300, Console.Out);

    /// <summary>Meta-trains and returns the mean loss on new waves before and after.</summary>
    public static (double Before, double After) Run(int metaSteps, TextWriter output)
    {
        manual_seed(1);
        using var net = new Net();
        // (1)
        using var leap = new LeapModule(net, new LeapOptions(),
            new OptimizerOptions { Kind = OptimizerKind.Adam, LearningRate = 3e-3 });
        var rng = new Rng(1);
        var before = MeanLoss(net, leap);
        for (var step = 0; step < metaSteps; step++)
        {
            for (var task = 0; task < 5; task++)
            {
                var wave = new Wave(rng.Split("wave", 5 * step + task));
                using var path = leap.Begin();                                                   // (2)
                Train(net, wave, loss => path.Observe(loss));                                    // (3)
                leap.Add(path);                                                                  // (4)
            }
            leap.Step();                                                                         // (5)
        }
        var after = MeanLoss(net, leap);
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"loss after {GradientSteps} gradient steps on new waves: "
            + $"{before:0.000} from where the module started, {after:0.000} after {metaSteps} meta-steps"));
        return (before, after);
    }

    // An ordinary training loop; whoever wants to see the loss sees it between backward and step.
    private static void Train(Net net, Wave wave, Action<Tensor>? seen = null)
    {
        using var optimizer = optim.SGD(net.parameters(), 0.02);
        for (var k = 0; k < GradientSteps; k++)
        {
            using var scope = NewDisposeScope();
            var (x, y) = wave.Batch(20);
            optimizer.zero_grad();
            var loss = F.mse_loss(net.call(x), y);
            loss.backward();
            seen?.Invoke(loss);
            optimizer.step();
        }
    }

    private static double MeanLoss(Net net, LeapModule leap)
    {
        const int Waves = 20;
        var sum = 0.0;
        for (var i = 0; i < Waves; i++)
        {
            leap.Reset();
            var wave = new Wave(new Rng(2).Split("new wave", i));
            Train(net, wave);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (x, y) = wave.Batch(100);
            sum += F.mse_loss(net.call(x), y).item<float>();
        }
        leap.Reset();
        return sum / Waves;
    }

    private sealed class Wave(Rng rng)
    {
        private readonly double _height = 0.1 + 4.9 * rng.NextDouble(), _shift = Math.PI * rng.NextDouble();

        public (Tensor X, Tensor Y) Batch(int count)
        {
            var x = Enumerable.Range(0, count).Select(_ => (float)(10 * rng.NextDouble() - 5)).ToArray();
            return (tensor(x, [count, 1]),
                tensor(x.Select(v => (float)(_height * Math.Sin(v - _shift))).ToArray(), [count, 1]));
        }
    }
}
