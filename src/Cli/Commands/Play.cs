using System.CommandLine;
using RlLeap.Agents;
using RlLeap.Cli.Recordings;
using TorchSharp;

namespace RlLeap.Cli.Commands;

/// <summary>Plays episodes with a run's model, and records the first as animated PNG, GIF or MP4.</summary>
public static class Play
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Folder of a run of rlleap train, complete or not." };
        var task = new Option<string?>("--task")
        { Description = "Environment to play, if not the run's own; observations and actions must fit." };
        var record = new Option<string?>("--record")
        {
            Description =
            "File of the recording: .png (animated), .gif or .mp4."
        };
        var episodes = CheckedOption.Number<int>(
            "--episodes", "Episodes to play, 1 where left out; the first is recorded.", min: 1, max: 1e6);
        var greedy =
            new Option<bool>("--greedy") { Description = "Take the most probable action instead of drawing one." };
        var seed = CheckedOption.Number<long>(
            "--seed", "Seed of environment and actions; left out: 1.", min: long.MinValue, max: long.MaxValue);
        var most = CheckedOption.Number<int>(
            "--max-steps", "Agent steps after which an episode is left; left out: 2000.", min: 1, max: 1e9);
        var rate = CheckedOption.Number<int>(
            "--fps", "Pictures a second in the recording; left out: 15.", min: 1, max: 1000);
        var command = new Command("play", "Play an episode with a trained agent; --record makes a picture of it.")
            { run, task, record, episodes, greedy, seed, most, rate, Plugins.Option() };
        command.SetAction((parsed, stop) =>
        {
            Run(parsed.GetRequiredValue(run), parsed.GetValue(task), parsed.GetValue(record),
                parsed.GetValue(episodes) ?? 1, parsed.GetValue(greedy),
                parsed.GetValue(seed) ?? 1, parsed.GetValue(most) ?? 2000, parsed.GetValue(rate) ?? 15, stop);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Run(string folder, string? id, string? record, int episodes, bool greedy, long seed, int most,
        int rate, CancellationToken stop)
    {
        if (record is not null) Recording.Check(record);
        RequireAgent(folder);
        var config = ConfigFile.LoadRun<TrainConfig>(folder);
        RunChanges.RequireOwnConfig(folder);
        id ??= config.Environment;
        var rng = new Rng(seed);
        var spec = Registry.Spec(id);
        RequireFit(config, spec, folder);
        var distribution = new ActionDistribution(spec, config.Agent.Gaussian);
        using var model = Load(config, folder, spec, distribution);
        var recorded = 0;
        for (var k = 0; k < episodes && !stop.IsCancellationRequested; k++)
        {
            using var environment = Registry.MakeVector(id, 1, rng.Split("environment", k));
            if (record is not null && k == 0 && !environment.CanRender) throw new RlLeapException(NothingToDraw(id));
            var actions = greedy ? null : rng.Split("actions", k);
            var (played, pictures) = record is not null && k == 0
                ? Pictures(model, environment, actions, most, distribution, stop)
                : (Evaluation.Play(model, environment, 1, actions, most, null, stop, distribution), null);
            if (played.Count == 0) break;
            Console.WriteLine($"episode {k + 1}: return {played[0].Return}, {played[0].Length} agent steps"
                + (played[0].Length >= most ? $" (cut there by --max-steps {most}; the episode went on)" : ""));
            if (pictures is null) continue;
            Recording.Save(record!, pictures, rate);
            recorded = pictures.Count;
        }
        stop.ThrowIfCancellationRequested();
        if (recorded > 0) Console.WriteLine($"{recorded} pictures in {record}");
    }

    /// <summary>An episode with its pictures.</summary>
    internal static (IReadOnlyList<EpisodeRecord> Played, IReadOnlyList<Picture>? Pictures) Pictures(
        Model model, IVectorEnvironment environment, Rng? actions, int most, ActionDistribution distribution,
        CancellationToken stop)
    {
        var pictures = new List<Picture>();
        var played = Evaluation.Play(model, environment, 1, actions, most, e => pictures.Add(e.Render(0)), stop,
            distribution);
        stop.ThrowIfCancellationRequested();
        // The last one may already show the next episode.
        if (pictures.Count > 1) pictures.RemoveAt(pictures.Count - 1);
        return (played, pictures);
    }

    private static void RequireAgent(string folder)
    {
        if (ConfigFile.IsMetaTrain(folder))
            throw new RlLeapException($"{folder} is a run of meta-train: what it learned is where learning starts, not "
                + $"an agent that acts. Train one from it ({Shell.Name} train ID --from RUN), and play that run.");
    }

    private static string NothingToDraw(string id) =>
        $"{id} cannot draw itself and its observations are no images, so there is nothing to record." +
        (id.StartsWith("gym:", StringComparison.Ordinal) ? $" Most of gymnasium's draw when they are made for it: "
            + $"--task '{id}{(id.Contains('?') ? '&' : '?')}render_mode=rgb_array'." : "");

    private static void RequireFit(TrainConfig config, EnvironmentSpec spec, string folder)
    {
        if (spec.Id == config.Environment) return;
        var own = Registry.Spec(config.Environment);
        if (own.Observation.Shape.AsSpan().SequenceEqual(spec.Observation.Shape) && own.Action.Equals(spec.Action))
            return;
        throw new RlLeapException($"the agent of {folder} learned {config.Environment}, which shows {own.Observation} "
            + $"and takes {own.Action}; {spec.Id} shows {spec.Observation} and takes {spec.Action}. It plays only what "
            + "has the same shape.");
    }

    /// <summary>The agent of a run as it is now: its model, or that of its newest checkpoint.</summary>
    internal static Model Load(TrainConfig config, string folder, EnvironmentSpec spec, ActionDistribution actions)
    {
        var file = Path.Combine(folder, TrainRun.ModelFile);
        if (!File.Exists(file))
            file = RunDirectory.CheckpointsOf(folder).Find(TrainRun.ModelFile)
                ?? throw new RlLeapException($"{folder} has no model yet: neither {TrainRun.ModelFile} nor a "
                    + "checkpoint. Let the run reach its first checkpoint.");
        var options = config.Agent;
        var model = new Model(AgentNetworks.Create(options, spec.Observation), ActorCritic.Heads(actions, options));
        using var scope = torch.NewDisposeScope();
        var missing = model.Import(SafeTensors.Read(file).Tensors);
        if (missing.Count > 0) throw new RlLeapException(
            $"{file} lacks {missing[0]}: it was saved from another network than {model.Network.Name} for {spec.Id}.");
        return model;
    }
}
