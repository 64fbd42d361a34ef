// A method with an inner update of its own: ANIL (Raghu et al. 2020, arXiv 1909.09157). docs/inner-updates.md has it.
using RlLeap;
using RlLeap.MetaLearning;
using static TorchSharp.torch;

namespace MyMethod;

/// <summary>MAML whose tasks adapt their head alone.</summary>
/// <param name="Head">What the names of the head's parameters begin with.</param>
[Method("my/anil", "MAML whose tasks adapt their head alone")]
public sealed record Anil(string Head = "classes") : InnerUpdateMethod
{
    /// <inheritdoc/>
    public override string Name => "anil";

    /// <inheritdoc/>
    protected override Tensor? Direction(ParameterInfo entry, Tensor gradient, Func<string, Tensor?> state) =>
        entry.Name.StartsWith(Head, StringComparison.Ordinal) ? gradient : null; // null: it stands still
}
