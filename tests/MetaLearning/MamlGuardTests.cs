// What would end the process inside autograd.grad is an error with a message before it gets there.
using RlLeap.MetaLearning;
using RlLeap.Testing;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.MetaLearning;

public sealed class MamlGuardTests
{
    [Fact]
    public void A_loss_without_a_gradient() =>
        Assert.Contains("needs a loss that is one number with a gradient", Error(loss => loss.detach()));

    [Fact]
    public void A_loss_of_many_numbers() =>
        Assert.Contains("this one has 3 and a gradient", Error(loss => loss.expand(3)));

    [Fact]
    public void A_tensor_changed_in_place_after_it_was_used()
    {
        var error = Error(loss =>
        {
            var power = loss.exp();
            var result = power.sqrt();
            using var _ = no_grad();
            result.add_(1);
            return result;
        });
        Assert.StartsWith("sine: the loss cannot be differentiated: one of the variables", error);
        Assert.DoesNotContain("frame #", error);
    }

    private static string Error(Func<Tensor, Tensor> change)
    {
        using var start = ReductionTests.Start();
        var job = new TaskJob
        {
            TaskId = "sine", Seed = 7, MetaStep = 0, Index = 0, Method = new MamlOptions(),
            Learner = new LearnerOptions
            {
                GradientSteps = 2, Optimizer = new OptimizerOptions { LearningRate = 0.01 },
            },
        };
        var task = new Changed(new SinusoidTask("sine", 2, 0.5, new Head("value", 1, Shared: true)), change);
        return Assert.Throws<RlLeapException>(() => TaskRun.Execute(job, task, start)).Message;
    }

    private sealed class Changed(ITask inner, Func<Tensor, Tensor> change) : ITask
    {
        public TaskInfo Info => inner.Info;

        public ITaskStream Open(Rng rng, Device device) => new Stream(inner.Open(rng, device), change);
    }

    private sealed class Stream(ITaskStream inner, Func<Tensor, Tensor> change) : ITaskStream
    {
        public IBatch NextBatch(Model model, Split split) => inner.NextBatch(model, split);
        public Tensor Loss(Model model, IBatch batch) => change(inner.Loss(model, batch));
        public IReadOnlyDictionary<string, double> Score(Model model, Split split) => inner.Score(model, split);
        public bool CanSave => inner.CanSave;
        public byte[] Save() => inner.Save();
        public void Restore(ReadOnlySpan<byte> state) => inner.Restore(state);
        public void Dispose() => inner.Dispose();
    }
}
