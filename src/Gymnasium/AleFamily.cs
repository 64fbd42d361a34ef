using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>"ALE/Alien-v5?preset=dqn&amp;sticky=0.25": Atari through ale-py's native vector environment.</summary>
internal sealed class AleFamily : IEnvironmentFamily
{
    public string Prefix => "ALE/";

    public string Summary => "an Atari 2600 game through gymnasium and ale-py";

    public IEnumerable<string> KnownIds() => AleGames.All.Select(game => game.Id);

    public EnvironmentEntry? Find(string id) =>
        AleGames.Find(id) is not { } game ? null : new EnvironmentEntry(id, Summary,
        (rng, options) => new PythonEnvironment(Make(game, 1, _ => rng, options, 1)))
        {
            Options = AleOptions.Described,
            MakeVector = (count, rng, options, threads) =>
                Make(game, count, i => rng.Split("environment", i), options, threads),
        };

    private static PythonVector Make(AleGame game, int count, Func<int, Rng> stream, EnvironmentOptions given,
        int threads)
    {
        var options = AleOptions.From(given);
        if (options is { EpisodicLife: true, LifeLoss: true })
        {
            // The preset's signal gives way to a real reset that was asked for; asking for both is a contradiction.
            if (given.Has("life_loss")) throw new EnvironmentException(
                $"{given.Id}: episodic_life=1 resets the game at a lost life, life_loss=1 lets it go on; choose one.");
            options = options with { LifeLoss = false };
        }
        return new PythonVector(
            new PythonRequest(given.Id, count, bridge => Make(bridge, game, count, options, threads))
            {
                Stream = stream,
                Timeout = options.Timeout,
                Clip = (float)options.Clip,
                Planes = !options.Gray, // gray frames are planes already, however narrow
                FramesPerStep = options.FrameSkip,
                MaxEpisodeSteps = (options.MaxFrames + options.FrameSkip - 1) / options.FrameSkip,
                Options = options.Resolved,
            });
    }

    private static PyObject Make(PyObject bridge, AleGame game, int count, AleOptions options, int threads)
    {
        using var keywords = new PyDict();
        void Add(string name, object value)
        {
            using PyObject given = value.ToPython();
            keywords[name] = given;
        }
        Add("num_threads", options.Threads > 0 ? options.Threads : threads);
        Add("max_num_frames_per_episode", options.MaxFrames);
        Add("repeat_action_probability", options.Sticky);
        Add("full_action_space", options.FullActions);
        Add("img_height", options.Height);
        Add("img_width", options.Width);
        Add("grayscale", options.Gray);
        Add("stack_num", options.Stack);
        Add("frameskip", options.FrameSkip);
        Add("maxpool", options.MaxPool);
        Add("noop_max", options.NoopMax);
        Add("episodic_life", options.EpisodicLife);
        Add("life_loss_info", options.LifeLoss);
        Add("reward_clipping", false);
        Add("use_fire_reset", options.FireReset);
        using PyObject rom = game.Rom.ToPython(), n = count.ToPython();
        return bridge.InvokeMethod("make_ale", rom, n, keywords);
    }
}
