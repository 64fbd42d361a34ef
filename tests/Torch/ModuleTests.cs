// The module tree: what gets registered under which name, state and files, moving, hooks, containers, and every refusal.
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using Xunit;
using static RlLeap.Tests.Torch.ModuleGolden;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace RlLeap.Tests.Torch;

public class ModuleTests
{
    private abstract class Base : Module<Tensor, Tensor>
    {
        protected readonly Linear @base = Linear(2, 2);
        protected Base() : base("Base") { }
    }

    private sealed class Net : Base
    {
        private readonly Linear first = Linear(2, 3);
        [ComponentName(Name = "renamed")] public readonly Module<Tensor, Tensor> second = Sequential(("a", Linear(3, 3)), ("b", ReLU()));
        private readonly Parameter scale = new(ones(3));
        private readonly Tensor offset = zeros(3);
        private readonly Linear? absent = null;

        public Net() => RegisterComponents();

        public Tensor Offset => offset;
        public Parameter Scale => scale;
        public bool HasNoThird => absent is null;
        public override Tensor forward(Tensor x) => second.call(first.call(x)) * scale + offset;
    }

    [Fact]
    public void Fields_are_registered_under_their_names_own_before_base()
    {
        using var net = new Net();
        Assert.Equal(["scale", "first.weight", "first.bias", "renamed.a.weight", "renamed.a.bias", "base.weight", "base.bias"], net.named_parameters().Select(p => p.name));
        Assert.Equal(["offset"], net.named_buffers().Select(b => b.name));
        Assert.Equal(["first", "renamed", "base"], net.named_children().Select(c => c.name));
        Assert.Equal(["first", "renamed", "base", "renamed.a", "renamed.b"], net.named_modules().Select(c => c.name));
        Assert.Equal(["scale", "first.weight", "first.bias", "renamed.a.weight", "renamed.a.bias", "base.weight", "base.bias", "offset"], net.state_dict().Keys);
        Assert.True(net.has_parameter("renamed.a.weight") && net.has_buffer("offset") && !net.has_parameter("renamed.weight") && net.HasNoThird);
        Assert.Equal([3L, 3L], net.get_parameter("renamed.a.weight")!.shape);
        Assert.Null(net.get_buffer("scale"));
        Assert.Equal("Base", net.GetName());
    }

    [Fact]
    public void A_shared_parameter_is_named_once_and_state_is_live()
    {
        var shared = Linear(2, 2);
        using var net = Sequential(("x", shared), ("y", shared));
        Assert.Equal(["x.weight", "x.bias"], net.named_parameters().Select(p => p.name));
        var state = net.state_dict();
        using (no_grad()) shared.weight.fill_(3);
        Assert.Equal([3, 3, 3, 3], Values(state["x.weight"]));
    }

    [Fact]
    public void Training_mode_reaches_every_module_and_apply_goes_bottom_up()
    {
        using var net = Sequential(("a", Sequential(("b", ReLU()))), ("c", Dropout()));
        net.eval();
        Assert.All(net.modules().Append(net), m => Assert.False(m.training));
        net.train();
        Assert.All(net.modules().Append(net), m => Assert.True(m.training));
        var names = new List<string>();
        net.apply(m => names.Add(m.GetType().Name));
        Assert.Equal(["ReLU", "Sequential", "Dropout", "Sequential"], names);
    }

    [Fact]
    public void Zero_grad_forgets_or_zeroes()
    {
        using var net = Linear(2, 1);
        net.call(ones(1, 2)).sum().backward();
        net.zero_grad(set_to_none: false);
        Assert.Equal([0, 0], Values(net.weight.grad!));
        net.zero_grad();
        Assert.Null(net.weight.grad);
    }

    [Fact]
    public void State_must_match_unless_asked_otherwise()
    {
        using var net = new Net();
        var state = net.state_dict().ToDictionary(e => e.Key, e => e.Value.detach().clone());
        state.Remove("offset");
        state["other"] = zeros(1);
        Assert.Throws<InvalidOperationException>(() => net.load_state_dict(state));
        var (missing, unexpected) = net.load_state_dict(state, strict: false);
        Assert.Equal(["offset"], missing);
        Assert.Equal(["other"], unexpected);
        (missing, unexpected) = net.load_state_dict(state, skip: ["offset", "other"]);
        Assert.Empty(missing.Concat(unexpected));
        state["scale"] = zeros(7);
        Assert.ThrowsAny<Exception>(() => net.load_state_dict(state, strict: false));
    }

    [Fact]
    public void A_saved_module_has_TorchSharps_bytes()
    {
        using var module = Linear(1, 1);
        using (no_grad())
        {
            module.weight.fill_(1);
            module.bias!.fill_(-2);
        }
        using var stream = new MemoryStream();
        module.save(new BinaryWriter(stream));
        byte[] expected =
        [
            0x02,
            0x06, .. "weight"u8, 0x06, 0x02, 0x01, 0x01, 0x00, 0x00, 0x80, 0x3F,
            0x04, .. "bias"u8, 0x06, 0x01, 0x01, 0x00, 0x00, 0x00, 0xC0,
        ];
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void A_file_brings_everything_back_and_says_what_it_loaded()
    {
        using var folder = new TempFolder();
        using var a = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), Flatten(), Linear(32, 2));
        using var b = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), Flatten(), Linear(32, 2));
        a.call(randn(3, 1, 6, 6)).Dispose(); // moves the running statistics
        a.save(folder["net.dat"]);
        var loaded = new Dictionary<string, bool>();
        b.load(folder["net.dat"], loadedParameters: loaded);
        Assert.Equal(a.state_dict().Keys, loaded.Keys);
        Assert.All(loaded.Values, Assert.True);
        foreach (var (key, tensor) in a.state_dict()) Assert.Equal(Values(tensor), Values(b.state_dict()[key]));

        using var smaller = Sequential(Conv2d(1, 2, 3));
        Assert.Throws<ArgumentException>(() => smaller.load(folder["net.dat"]));
        smaller.load(folder["net.dat"], strict: false);
        Assert.Equal(Values(a.state_dict()["0.weight"]), Values(smaller.state_dict()["0.weight"]));
        using var other = Sequential(Conv2d(1, 2, 4), BatchNorm2d(2), Flatten(), Linear(32, 2));
        Assert.ThrowsAny<Exception>(() => other.load(folder["net.dat"]));
        Assert.Throws<FileNotFoundException>(() => other.load(folder["missing.dat"]));
    }

    [Fact]
    public void Names_in_skip_are_neither_written_nor_read()
    {
        using var a = Linear(2, 2);
        using var b = Linear(2, 2);
        using var part = new MemoryStream();
        a.save(new BinaryWriter(part), skip: ["bias"]);
        part.Position = 0;
        var bias = Values(b.bias!);
        b.load(new BinaryReader(part), strict: false);
        Assert.Equal(Values(a.weight), Values(b.weight));
        Assert.Equal(bias, Values(b.bias!));
        using var whole = new MemoryStream();
        a.save(new BinaryWriter(whole));
        whole.Position = 0;
        using var c = Linear(2, 2);
        var weight = Values(c.weight);
        c.load(new BinaryReader(whole), skip: ["weight"]);
        Assert.Equal(weight, Values(c.weight));
        Assert.Equal(Values(a.bias!), Values(c.bias!));
    }

    [Fact]
    public void Another_type_makes_new_parameters_and_moves_fields_gradients_and_floating_buffers()
    {
        using var net = new Net();
        net.call(ones(1, 2)).sum().backward();
        var (scale, grad) = (net.Scale, Values(net.Scale.grad!));
        var same = net.to(ScalarType.Float64);
        Assert.Same(net, same);
        Assert.NotSame(scale, net.Scale);
        Assert.True(scale.IsInvalid);
        Assert.Equal(ScalarType.Float64, net.Scale.dtype);
        Assert.Equal(ScalarType.Float64, net.Offset.dtype);
        Assert.Equal(grad, Values(net.Scale.grad!));
        Assert.All(net.parameters(), p => Assert.True(p.dtype == ScalarType.Float64 && p.requires_grad && p.is_leaf));
        var kept = net.Scale;
        net.@double().cpu();
        Assert.Same(kept, net.Scale);
        Assert.Equal(ScalarType.Float64, net.call(ones(1, 2, dtype: ScalarType.Float64)).dtype);
        Assert.Throws<ArgumentException>(() => net.to(ScalarType.Int64));

        using var norm = BatchNorm2d(2).to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, norm.running_mean!.dtype);
        Assert.Equal(ScalarType.Int64, norm.num_batches_tracked!.dtype);
    }

    [Fact]
    public void Hooks_watch_and_change_calls_until_removed()
    {
        using var module = Identity();
        var calls = 0;
        var watch = module.register_forward_hook((Module m) => calls++);
        var input = module.register_forward_pre_hook((_, x) => x + 1);
        var output = module.register_forward_hook((_, x, y) => y * x);
        Assert.Equal([9], Values(module.call(tensor(new double[] { 2 }))));
        Assert.Equal([2], Values(module.forward(tensor(new double[] { 2 }))));
        Assert.Equal(1, calls);
        input.remove();
        output.remove();
        Assert.Equal([2], Values(module.call(tensor(new double[] { 2 }))));
        watch.remove();
        module.call(zeros(1));
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Sequential_chains_slices_and_grows()
    {
        using var net = Sequential(Linear(2, 3), Tanh());
        net.append(Linear(3, 1)).append("last", Sigmoid());
        Assert.Equal(4, net.Count);
        Assert.Equal(["0", "1", "2", "last"], net.named_children().Select(c => c.name));
        Assert.Equal(["0.weight", "0.bias", "2.weight", "2.bias"], net.state_dict().Keys);
        Assert.Empty(net.named_parameters(recurse: false));
        var x = ones(1, 2);
        var y = ((Module<Tensor, Tensor>)net[3]).call(net[1..3].call(net[(0, 1)].call(x)));
        Assert.Equal(Values(net.call(x)), Values(y));
        using var nothing = Sequential();
        Assert.Equal(Values(x), Values(nothing.call(x)));
    }

    private sealed class Holder : Module<Tensor, Tensor>
    {
        public readonly ModuleList<Linear> list = ModuleList(Linear(1, 1), Linear(1, 2));
        public readonly ModuleDict<Module> dict = ModuleDict<Module>(("left", ReLU()), ("right", Linear(2, 1)));
        public Holder() : base(nameof(Holder)) => RegisterComponents();
        public override Tensor forward(Tensor x) => list[1].call(list[0].call(x));
    }

    [Fact]
    public void Lists_and_dictionaries_of_modules_have_names()
    {
        using var holder = new Holder();
        Assert.Equal(["list.0.weight", "list.0.bias", "list.1.weight", "list.1.bias", "dict.right.weight", "dict.right.bias"], holder.named_parameters().Select(p => p.name));
        Assert.Equal(2, holder.list.Count);
        Assert.Equal(["left", "right"], holder.dict.Keys);
        Assert.IsType<Linear>(holder.dict["right"]);
        Assert.Equal([1L, 2L], holder.call(ones(1, 1)).shape);
    }

    [Fact]
    public void Registering_refuses_what_makes_no_sense()
    {
        using var net = new Holder();
        Assert.Throws<InvalidOperationException>(() => net.register_module("list", ReLU()));
        Assert.Throws<ArgumentException>(() => net.register_module("", ReLU()));
        Assert.Throws<ArgumentException>(() => net.register_module("a.b", ReLU()));
        Assert.Throws<ArgumentNullException>(() => net.register_parameter("p", null!));
        Assert.Throws<ArgumentNullException>(() => net.register_buffer("b", null!));
        net.register_buffer("b", zeros(1));
        Assert.Throws<InvalidOperationException>(() => net.register_buffer("b", zeros(1)));
        net.register_buffer("volatile", zeros(1), persistent: false);
        Assert.Equal(["b"], net.named_buffers().Select(b => b.name));
        Assert.Throws<InvalidOperationException>(() => ReLU().register_buffer("b", zeros(1)));
    }

    [Fact]
    public void Layers_made_in_a_scope_outlive_it()
    {
        Sequential net;
        using (NewDisposeScope()) net = Sequential(Conv2d(1, 2, 3), BatchNorm2d(2), Flatten(), Linear(2, 1), LayerNorm(1));
        Assert.Equal(11, net.state_dict().Count);
        Assert.Equal([1L, 1L], net.call(zeros(1, 1, 3, 3)).shape);
        net.Dispose();
        Assert.Empty(net.named_parameters());
    }

    [Fact]
    public void A_calls_intermediate_tensors_do_not_pile_up()
    {
        using var net = Sequential(Linear(4, 4), ReLU(), Linear(4, 4), Identity(), ReLU(inplace: true));
        using var x = ones(1, 4);
        using var _ = no_grad();
        net.call(x).Dispose();
        var statistics = DisposeScopeManager.Statistics;
        var before = statistics.ThreadTotalLiveCount;
        for (var i = 0; i < 20; i++) net.call(x).Dispose();
        Assert.Equal(before, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Norms_clip_vectors_and_parameters_round_trip()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(zeros(2)), new Parameter(zeros(1, 1)));
        var unused = new Parameter(zeros(5));
        a.grad = tensor(new float[] { 3, 0 });
        b.grad = tensor(new float[,] { { 4 } });
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b, unused], 10), 1e-6);
        Assert.Equal([3, 0], Values(a.grad!));
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b], 2.5), 1e-6);
        Assert.Equal(1.5, Values(a.grad!)[0], 1e-5);
        Assert.Equal(2.0, nn.utils.clip_grad_norm_([a, b], 100, double.PositiveInfinity), 1e-5);
        Assert.Equal(3.5, nn.utils.clip_grad_norm_([a, b], 100, 1), 1e-5);
        nn.utils.clip_grad_value_([a, b, unused], 1);
        Assert.Equal([1, 0], Values(a.grad!));
        Assert.Equal([1], Values(b.grad!));

        nn.utils.vector_to_parameters(tensor(new float[] { 1, 2, 3 }), [a, b]);
        Assert.Equal([1, 2], Values(a));
        Assert.Equal([1, 2, 3], Values(nn.utils.parameters_to_vector([a, b])));
    }

    [SystemTorchFact]
    public void A_vector_of_another_length_is_refused() =>
        Assert.Throws<ArgumentException>(() => nn.utils.vector_to_parameters(zeros(4), [new Parameter(zeros(2)), new Parameter(zeros(1))]));

    [Fact]
    public void Linear_takes_given_parameters()
    {
        var weight = new Parameter(ones(3, 2));
        using var layer = Linear(weight);
        Assert.Equal((2, 3), (layer.in_features, layer.out_features));
        Assert.Null(layer.bias);
        Assert.Equal([2, 2, 2], Values(layer.call(ones(1, 2))));
        layer.bias = new Parameter(ones(3));
        Assert.Equal(["weight", "bias"], layer.state_dict().Keys);
        Assert.Equal([3, 3, 3], Values(layer.call(ones(1, 2))));
    }
}
