using RlLeap.Agents;
using RlLeap.Cli.MetaTraining;
using RlLeap.Data;
using TorchSharp;

namespace RlLeap.Cli.Export;

/// <summary>The encoder that a meta-training ended with, and the heads that its tasks share.</summary>
internal sealed class ExportedInitialization : ExportedRun
{
    private readonly MetaTrainConfig _config;
    private readonly Suite _suite;
    private readonly string _path;

    /// <summary>Opens a finished run of meta-train.</summary>
    public ExportedInitialization(string folder) : base(folder)
    {
        TrainedInitialization.RequireFinished(folder);
        _config = ConfigFile.LoadRun<MetaTrainConfig>(folder);
        _suite = Suite.Open(_config);
        _path = Path.Combine(folder, TrainedInitialization.FileName);
        using var learner = MetaTrainRun.Open(_config, _suite);
        var method = Methods.NameOf(_config.Method);
        if (learner.Initialization.Network.Name != _suite.Network.Name && !IsEmbedding)
            throw new RlLeapException($"What {method} learned is more than {_suite.Network.Name}: "
                + $"{learner.Initialization.Network.Name}, which has parts of the method's own. It is used by "
                + "evaluate; it cannot be exported.");
        using var scope = torch.NewDisposeScope();
        var tensors = SafeTensors.Read(_path).Tensors;
        if (tensors.Keys.Any(name => name.StartsWith("task:", StringComparison.Ordinal)))
            throw new RlLeapException($"What {method} learned is kept task by task, not as one network that all tasks "
                + "start from, so it cannot be exported. It is used by evaluate.");
        Model = new Model(_suite.Network, [.. Shared.Where(head => tensors.ContainsKey(head.Name + ".bias"))])
        { Training = false };
        if (Model.Import(tensors) is [var missing, ..])
        {
            Model.Dispose();
            throw new RlLeapException($"{_path} has no {missing}: what {method} learned is not one network that all "
                + "tasks start from, so it cannot be exported. It is used by evaluate.");
        }
    }

    // A method that compares images uses the features themselves.
    private bool IsEmbedding => _config.Method is FewShotMethod;

    private IEnumerable<Head> Shared => IsEmbedding ? [] : _suite.Pool[0].Info.Heads.Where(head => head.Shared);

    public override Model Model { get; }

    public override string Sentence =>
        $"{(IsEmbedding ? "An embedding of images" : "An initialization")}, meta-learned with "
            + $"{Methods.NameOf(_config.Method)} over {_config.Meta.Steps:N0} meta-steps on {Tasks}: network "
            + $"{Model.Network.Name}, {Model.Parameters.Layout.Count:N0} parameters, seed {_config.Run.Seed}.";

    private string Tasks => _suite.Pool is [var only] ? only.Info.Id
        : $"{_suite.Pool.Count} tasks ({string.Join(", ", _suite.Pool.Take(5).Select(task => task.Info.Id))}"
            + $"{(_suite.Pool.Count > 5 ? ", ..." : "")})";

    public override IReadOnlyList<string> Tags =>
        ["meta-learning", Methods.NameOf(_config.Method), IsEmbedding ? "few-shot" : "initialization"];

    public override (string, torch.ScalarType) Input => _suite is GamesSuite && Game.Spec.Observation.Element
        == Environments.ElementType.Byte ? ("observation", torch.ScalarType.Byte)
        : (_suite is GamesSuite ? "observation" : "image", torch.ScalarType.Float32);

    private ActorCriticTask Game => (ActorCriticTask)_suite.Pool[0];

    public override string Meaning => (_suite is GamesSuite
            ? $"An observation is {Game.Spec.Observation}, as the environment gives it. "
            : $"An image is {Shape.Text(Model.Network.InputShape)}, as the tasks of the run give it. ")
        + (Model.Heads.Count > 0 ? "The outputs are those of the heads that all tasks share. "
            : $"`features` are the encoder's {Model.Network.Features} outputs. ")
        + (IsEmbedding ? "Images of one class lie near one another there; the mean of a new class's few images stands "
                + "for it. "
            : "It is where learning a task starts: new heads are drawn for it, and all of it is trained. ")
        + (Model.Buffers.Layout.Count > 0
            ? "Batch normalization uses the running statistics that the meta-training left." : "");

    public override string Code
    {
        get
        {
            var plain = $"""
                using RlLeap;
                using RlLeap.Agents;
                using RlLeap.Data;
                using RlLeap.Environments;
                using static TorchSharp.torch;


                """ + Registration(_config.Assemblies, _config.Games?.Pretraining ?? []);
            var load = $"model.Import(SafeTensors.Read(\"{WeightsName}\").Tensors);";
            return plain + (_suite is GamesSuite games ? $"""
                {OptionsCode(games.Options)}
                var task = new ActorCriticTask({CSharpCode.Of(_suite.Pool[0].Info.Id)}, options);
                using var learner = new Learner(task, task.CreateNetwork(),
                    task.LearnerOptions({_config.Games!.AgentSteps}), new Rng(1));
                var model = learner.Model;
                {load}
                while (!learner.IsDone) learner.TrainStep();
                """ : $"""
                var network = {NetworkCode()};
                using var model = new Model(network, [{string.Join(", ", Model.Heads.Select(head =>
                    $"new Head({CSharpCode.Of(head.Name)}, {head.Size}, Shared: true)"))}]);
                {load}
                model.Training = false;

                using var _ = no_grad();
                var outputs = model.Forward(zeros([1, {string.Join(", ", Model.Network.InputShape)}]));
                Console.WriteLine(outputs[0].shape[1]);
                """);
        }
    }

    private string NetworkCode() => Model.Network is ConvolutionalEncoder encoder
        ? $"new ConvolutionalEncoder({encoder.InputShape[0]}, {encoder.InputShape[1]}, filters: "
            + $"{encoder.HiddenUnits[0]}, blocks: {encoder.HiddenUnits.Count}, pooled: {encoder.Pooled})\n"
            + $"    {{ PoolFirst = {CSharpCode.Of(encoder.PoolFirst)}, Strided = {CSharpCode.Of(encoder.Strided)} }}"
        : $"Networks.Create({CSharpCode.Of(OwnNetwork)}, [{string.Join(", ", Model.Network.InputShape)}])";

    private string? OwnNetwork => _config.FewShot?.Network ?? _config.Omniglot?.Network ?? _config.MultiCv?.Network
        ?? _config.ImageSets?.Network;

    public override void Dispose() => Model.Dispose();
}
