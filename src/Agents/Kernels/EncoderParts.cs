namespace RlLeap.Agents;

/// <summary>A <see cref="ConvolutionalNetwork"/>'s features for a rollout's parts, differentiated at once.</summary>
/// <remarks>
/// <para>Autograd would make the dense layer's gradient, which has most of the weights, once for each part and add the
/// copies up. Here the values of the parts are kept and the dense layer is differentiated once for all rows. A first
/// layer on sparse planes (<see cref="PlaneConvolution"/>) has its gradient made by hand too; other convolutions keep
/// autograd's graph.</para>
/// <para>An exception inside a custom function's backward ends the process. There is none that the shapes, checked in
/// the forward pass, leave possible; that the parameters have not changed is checked by autograd through
/// <see cref="_guard"/>.</para>
/// </remarks>
internal sealed class EncoderParts : IncrementalFeatures
{
    private readonly ConvolutionalNetwork _network;
    private readonly Pass _pass;
    private readonly bool _planes;
    // [N, C, H, W] bytes of planes; [N, units]; [N, F]
    private readonly List<Tensor> _inputs = [], _lower = [], _features = [];
    private Tensor? _guard; // a function of a parameter, whose graph knows the parameters' version at the first part

    /// <summary>Parts of <paramref name="network"/>, whose last layer is dense and has a ReLU and no hooks.</summary>
    /// <param name="planes">Whether its only convolution is one of sparse planes.</param>
    public EncoderParts(ConvolutionalNetwork network, Pass pass, bool planes)
        : base(input => network.Forward(pass, input)) =>
        (_network, _pass, _planes) = (network, pass, planes);

    private int Dense => 2 * (_network.HiddenUnits.Count - 1);

    public override Tensor Add(Tensor input)
    {
        if (_guard is null)
            using (enable_grad()) _guard = _pass.Parameter(Dense + 1).select(0, 0).square().DetachFromDisposeScope();
        Tensor lower;
        using (_planes ? no_grad() : enable_grad())
        {
            lower = input;
            for (var layer = 0; layer < _network.HiddenUnits.Count - 1; layer++)
                lower = _network.Layer(layer, _pass, lower);
            lower = lower.flatten(1);
        }
        using var _ = no_grad();
        if (_planes) _inputs.Add(input.clone().DetachFromDisposeScope()); // the rollout's memory is written again
        _lower.Add(lower.DetachFromDisposeScope());
        _features.Add(_network.Layer(_network.HiddenUnits.Count - 1, _pass, lower).DetachFromDisposeScope());
        return _features[^1];
    }

    public override Tensor Join()
    {
        using var _ = enable_grad();
        object[] parameters = [this, _guard!, _pass.Parameter(Dense), _pass.Parameter(Dense + 1)];
        return _planes
            ? Function.apply([.. parameters, _pass.Parameter(0), _pass.Parameter(1)])
            : Function.apply([.. parameters, cat([.. _lower], 0)]);
    }

    public override void Dispose()
    {
        foreach (var kept in _inputs.Concat(_lower).Concat(_features)) kept.Dispose();
        _inputs.Clear();
        _lower.Clear();
        _features.Clear();
        _guard?.Dispose();
        _guard = null;
        base.Dispose();
    }

    // (parts, guard, dense weight, dense bias, then the convolution's weight and bias or the dense layer's input) to
    // features.
    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "EncoderParts";

        private sealed record Saved(Tensor Weight, int Filters); // 0 where autograd goes on below the dense layer

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            var parts = (EncoderParts)inputs[0];
            var features = cat([.. parts._features], 0);
            using Scalar zero = 0;
            List<Tensor> saved = [features.gt(zero), parts._planes ? cat([.. parts._lower], 0) : (Tensor)inputs[4]];
            if (parts._planes) saved.Add(cat([.. parts._inputs], 0));
            context.save_for_backward(saved);
            // Not saved as a variable: a changed one would be an exception in backward.
            context.save_data("weight",
                new Saved((Tensor)inputs[2], parts._planes ? (int)((Tensor)inputs[4]).size(0) : 0));
            return features;
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            var saved = context.get_saved_variables();
            var (weight, filters) = (Saved)context.get_data("weight");
            var lower = saved[1];
            var above = gradient * saved[0]; // through the ReLU
            var below = DenseGradient.OfInput(above, weight);
            List<Tensor> gradients = [null!, zeros([], weight.dtype, weight.device),
                DenseGradient.OfWeight(lower, above), above.sum([0])];
            if (filters > 0)
            {
                var convolution = PlaneConvolution.Gradients(saved[2], lower, below, filters);
                gradients.AddRange([convolution.Weight, convolution.Bias]);
            }
            else gradients.Add(below);
            return gradients;
        }
    }
}
