using RlLeap.Agents;
using RlLeap.Cli.Recordings;
using RlLeap.Cli.Statistics;
using TorchSharp;

namespace RlLeap.Cli.Export;

/// <summary>An agent: policy and value.</summary>
internal sealed class ExportedAgent : ExportedRun
{
    // As `play` has them, where its options are left out.
    private const int RecordedSteps = 2000, PicturesPerSecond = 15, Copies = 8;

    private readonly TrainConfig _config;
    private readonly EnvironmentSpec _spec;
    private readonly ActionDistribution _actions;

    /// <summary>Opens a finished run of train.</summary>
    public ExportedAgent(string folder) : base(folder)
    {
        _config = ConfigFile.LoadRun<TrainConfig>(folder);
        _spec = Registry.Spec(_config.Environment);
        _actions = new ActionDistribution(_spec, _config.Agent.Gaussian);
        Model = Commands.Play.Load(_config, folder, _spec, _actions);
        Model.Training = false;
    }

    public override Model Model { get; }

    public override string Sentence =>
        $"An agent for {_config.Environment}: {(_config.Agent.Ppo is null ? "A2C" : "PPO")} (preset "
            + $"{_config.Agent.Preset}), network {Model.Network.Name}, {Model.Parameters.Layout.Count:N0} parameters, "
            + $"trained for {long.Parse(Result.Record!["agent-steps"]):N0} agent steps with seed "
            + $"{_config.Run.Seed}.";

    public override IReadOnlyList<string> Tags => ["reinforcement-learning", _config.Environment.Split('?')[0]];

    public override (string, torch.ScalarType) Input => ("observation",
        _spec.Observation.Element == ElementType.Byte ? torch.ScalarType.Byte : torch.ScalarType.Float32);

    public override string OutputOf(Head head) => head.Name switch
    {
        "policy" => _actions.DeviationSize == 0 ? "logits"
            : _actions.DeviationSize == _actions.OutputSize ? "mean" : "policy",
        "log_deviation" => "log_std",
        var name => name,
    };

    public override string Meaning => $"An observation is {_spec.Observation}, as the environment gives it"
        + $"{(_config.Agent.NormalizeObservations ? "; the network normalizes it" : "")}. The action is "
        + $"{_spec.Action}. "
        + (_actions.DeviationSize == 0
            ? "`logits` are those of its distribution: softmax gives probabilities (of a MultiBinary, sigmoid). "
            : $"`mean` and `log_std` are those of a normal distribution{Bounds}. ")
        + "`value` is the expected discounted return, as the agent was trained to see it.";

    private string Bounds => _config.Agent.Gaussian switch
    {
        { Squash: true } => "; tanh of a draw, rescaled from -1..1 to the bounds, is the action",
        { Rescale: true } => "; -1 and 1 of a draw stand for the bounds of the action, and it is clipped there",
        _ => "; a draw is clipped to the bounds of the action",
    };

    public override string Code => $"""
        using RlLeap;
        using RlLeap.Agents;
        using RlLeap.Environments;

        {Registration(_config.Assemblies, [_config.Environment])}{OptionsCode(_config.Agent)}
        var task = new ActorCriticTask({CSharpCode.Of(_config.Environment)}, options);
        using var model = new Model(task.CreateNetwork(), task.Info.Heads);
        model.Import(SafeTensors.Read("{WeightsName}").Tensors);

        using var environment = Registry.MakeVector({CSharpCode.Of(_config.Environment)}, 1, new Rng(1));
        var played = Evaluation.Play(model, environment, 1, new Rng(2), distribution: task.Distribution);
        Console.WriteLine(played[0].Return);
        """;

    public override IReadOnlyList<(string What, string Mean, string Episodes)> Play(
        string folder, int episodes, CancellationToken cancellation)
    {
        var rng = new Rng(1);
        using (var one = Registry.MakeVector(_config.Environment, 1, rng.Split("environment", 0)))
            if (one.CanRender)
                Recording.Save(Path.Combine(folder, EpisodeName), Commands.Play.Pictures(
                    Model, one, rng.Split("actions", 0), RecordedSteps, _actions, cancellation).Pictures!,
                    PicturesPerSecond);
        return
        [
            Row("drawn from its policy, as in training", rng.Split("sampled"), sampled: true),
            Row("the most probable action", rng.Split("greedy"), sampled: false),
        ];

        (string, string, string) Row(string what, Rng rng, bool sampled)
        {
            var copies = Enumerable.Range(1, Copies).Last(count => episodes % count == 0);
            using var environment = Registry.MakeVector(_config.Environment, copies, rng.Split("environments"));
            var played = Evaluation.Play(Model, environment, episodes / copies,
                sampled ? rng.Split("actions") : null, _config.Record.EvaluationStepsMax, null, cancellation, _actions);
            cancellation.ThrowIfCancellationRequested();
            var mean = Aggregates.Student([.. played.Select(episode => episode.Return)]);
            var text = mean.IsKnown ? $"{mean.Value:G4} [{mean.Low:G4}, {mean.High:G4}]" : $"{mean.Value:G4}";
            return (what, text, $"{played.Count}");
        }
    }

    public override void Dispose() => Model.Dispose();
}
