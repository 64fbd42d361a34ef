namespace RlLeap.MetaLearning;

/// <summary>MAML, second order: the gradient of the loss after training, differentiated through training.</summary>
/// <remarks>
/// Finn, Abbeel and Levine 2017, arXiv 1703.03400, algorithm 2. The inner rule is SGD, momentum and weight decay
/// included.
/// </remarks>
public sealed record MamlOptions : InnerUpdateMethod
{
    public override string Name => "maml";
}
