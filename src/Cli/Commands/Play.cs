// rlleap play RUN: an episode of a trained agent, as a picture that moves.
using System.CommandLine;
using RlLeap.Agents;
using RlLeap.Environments;
using RlLeap.Cli.Config;
using RlLeap.Cli.Runs;
using TorchSharp;

namespace RlLeap.Cli.Commands;

/// <summary>Plays episodes with the model of a `rlleap train` run and records the first as an animated PNG.</summary>
public static class Play
{
    private const int Side = 320; // of a recorded picture, at least; small ones are enlarged

    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Folder of a run of rlleap train, complete or not." };
        var task = new Option<string?>("--task") { Description = "Environment to play, if not the run's own; observations and actions must fit." };
        var record = new Option<string?>("--record") { Description = "File of the recording (.png, animated)." };
        var episodes = new Option<int>("--episodes") { Description = "Episodes to play; the first is recorded.", DefaultValueFactory = _ => 1 };
        var greedy = new Option<bool>("--greedy") { Description = "Take the most probable action instead of drawing one." };
        var seed = new Option<long>("--seed") { Description = "Where the randomness of environment and actions comes from.", DefaultValueFactory = _ => 1 };
        var most = new Option<int>("--max-steps") { Description = "Agent steps after which an episode is left.", DefaultValueFactory = _ => 2000 };
        var rate = new Option<int>("--fps") { Description = "Pictures a second in the recording.", DefaultValueFactory = _ => 15 };
        var assembly = Plugins.Option();
        var command = new Command("play", "Play an episode with a trained agent; --record makes a picture of it.") { run, task, record, episodes, greedy, seed, most, rate, assembly };
        command.SetAction((parsed, stop) =>
        {
            Plugins.LoadByHand(parsed.GetValue(assembly)!);
            Run(parsed.GetRequiredValue(run), parsed.GetValue(task), parsed.GetValue(record), Math.Max(1, parsed.GetValue(episodes)), parsed.GetValue(greedy),
                parsed.GetValue(seed), parsed.GetValue(most), parsed.GetValue(rate), stop);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Run(string folder, string? id, string? record, int episodes, bool greedy, long seed, int most, int rate, CancellationToken stop)
    {
        var path = RunDirectory.ConfigOf(folder);
        var config = ConfigFile.Load<TrainConfig>(path);
        id ??= config.Environment;
        var rng = new Rng(seed);
        using var model = Load(config, folder, Registry.Spec(id));
        AnimatedPng? recording = null;
        for (var k = 0; k < episodes && !stop.IsCancellationRequested; k++)
        {
            using var environment = Registry.MakeVector(id, 1, rng.Split("environment", k));
            if (record is not null && k == 0 && !environment.CanRender) throw new RlLeapException(NothingToDraw(id));
            var pictures = record is not null && k == 0 ? new List<Picture>() : null;
            var played = Evaluation.Play(model, environment, 1, greedy ? null : rng.Split("actions", k), most, seen: pictures is null ? null : e => pictures.Add(e.Render(0)), stop);
            if (played.Count == 0) break;
            Console.WriteLine(FormattableString.Invariant($"episode {k + 1}: return {played[0].Return}, {played[0].Length} agent steps"));
            if (pictures is null) continue;
            // The last one may already show the next episode.
            if (pictures.Count > 1) pictures.RemoveAt(pictures.Count - 1);
            recording = new AnimatedPng(rate, scale: Math.Max(1, Side / Math.Max(pictures[0].Width, pictures[0].Height)));
            foreach (var picture in pictures) recording.Add(picture);
        }
        stop.ThrowIfCancellationRequested();
        if (recording is null) return;
        recording.Save(record!);
        Console.WriteLine($"{recording.Count} pictures in {record}");
    }

    private static string NothingToDraw(string id) => $"{id} cannot draw itself and its observations are no images, so there is nothing to record." +
        (id.StartsWith("gym:", StringComparison.Ordinal) ? $" Most of gymnasium's draw when they are made for it: --task '{id}{(id.Contains('?') ? '&' : '?')}render_mode=rgb_array'." : "");

    private static Model Load(TrainConfig config, string folder, EnvironmentSpec spec)
    {
        var file = new[] { Path.Combine(folder, TrainRun.ModelFile) }
            .Concat(Directory.Exists(Path.Combine(folder, "checkpoints")) ? Directory.GetDirectories(Path.Combine(folder, "checkpoints")).OrderDescending(StringComparer.Ordinal).Select(c => Path.Combine(c, TrainRun.ModelFile)) : [])
            .FirstOrDefault(File.Exists) ?? throw new RlLeapException($"{folder} has no model yet: neither {TrainRun.ModelFile} nor a checkpoint. Let the run reach its first checkpoint.");
        var options = config.Agent.For(spec.Observation.Shape);
        var model = new Model(AgentNetworks.Create(options.Network, spec.Observation, options.Initialization), ActorCritic.Heads(spec.Action.Count, options.Initialization));
        using var scope = torch.NewDisposeScope();
        var missing = model.Import(SafeTensors.Read(file).Tensors);
        if (missing.Count > 0) throw new RlLeapException($"{file} lacks {missing[0]}: it was saved from another network than {model.Network.Name} for {spec.Id}.");
        return model;
    }
}
