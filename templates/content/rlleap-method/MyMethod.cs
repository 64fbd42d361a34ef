using RlLeap;
using RlLeap.MetaLearning;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>Moves the initialization toward the point that training reaches, weighted by a part of the way.</summary>
/// <param name="Fraction">The part: an option of the name, "my/my-part?fraction=0.25".</param>
[Method("my/my-part", "moves toward a point on the way to the end of training")]
public sealed record MyMethod(double Fraction = 0.5) : PerTaskMethod
{
    public override string Name => "my-part";

    public override PathObserver Observe(string taskId) => new Observer(taskId, Fraction);

    private sealed class Observer(string taskId, double fraction) : PathObserver(taskId)
    {
        // Called at every point of the path, before the update that leaves it.
        protected override void ObservePoint(Tensor position, Tensor gradient, double loss)
        {
            if (Points == 0) Keep("start", position);
        }

        // The contribution of this task: the meta-optimizer goes against the average of all.
        protected override Tensor MetaGradient(Tensor end, IDictionary<string, double> metrics) =>
            (this["start"] - end) * fraction;
    }
}
