using System.Globalization;

namespace RlLeap.Gymnasium;

/// <summary>
/// How ALE's frames, actions and episodes become observations, steps and ends; every default is here and in every run's
/// record.
/// </summary>
/// <remarks>
/// Rewards are never clipped by ale-py, since it would hide the raw returns: clip in the agent, or with
/// <see cref="Clip"/>. The number of threads is the vector's own unless <see cref="Threads"/> says otherwise; results
/// do not depend on it.
/// </remarks>
public sealed record AleOptions
{
    /// <summary>The preset that the others start from.</summary>
    public string Preset { get; init; } = "leap";

    /// <summary>Frames emulated per agent step, with the action held.</summary>
    public int FrameSkip { get; init; } = 4;

    /// <summary>Whether the last two of those frames are joined by their maximum (sprites that flicker).</summary>
    public bool MaxPool { get; init; } = true;

    /// <summary>
    /// Episodes begin with 0 .. this - 1 no-ops, drawn anew each time (one fewer where FIRE was pressed); 0: none.
    /// </summary>
    public int NoopMax { get; init; } = 30;

    /// <summary>
    /// Probability, each frame, that the last action is repeated instead (Machado et al. 2018: 0.25).
    /// </summary>
    public double Sticky { get; init; }

    /// <summary>Whether a lost life really ends the episode and resets the game.</summary>
    public bool EpisodicLife { get; init; }

    /// <summary>
    /// Whether a lost life is signalled to the learner as Terminated while the game goes on; recorded episodes are
    /// whole games.
    /// </summary>
    public bool LifeLoss { get; init; }

    /// <summary>Whether FIRE is pressed at reset in games that have it.</summary>
    public bool FireReset { get; init; }

    /// <summary>Bound of the rewards' absolute value, applied on our side; 0: none.</summary>
    public double Clip { get; init; }

    /// <summary>Gray (ALE's palette) or RGB.</summary>
    public bool Gray { get; init; } = true;

    /// <summary>Pixels, after averaging over areas from 210.</summary>
    public int Height { get; init; } = 84;

    /// <summary>Pixels, after averaging over areas from 160.</summary>
    public int Width { get; init; } = 84;

    /// <summary>Frames shown at once; the first of an episode are zeros.</summary>
    public int Stack { get; init; } = 4;

    /// <summary>All 18 actions of the console instead of the game's minimal set.</summary>
    public bool FullActions { get; init; }

    /// <summary>Emulated frames after which an episode is truncated (108,000: half an hour of play).</summary>
    public int MaxFrames { get; init; } = 108_000;

    /// <summary>Emulator threads; 0: as many as the vector was asked for.</summary>
    public int Threads { get; init; }

    /// <summary>Until a step that does not return counts as hung; zero: never.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The presets by name.</summary>
    public static IReadOnlyDictionary<string, AleOptions> Presets { get; } = new Dictionary<string, AleOptions>
    {
        // Flennerhag et al. 2019 (Leap), 4.3 and appendix F: 84x84x3 RGB. It names nothing else; no-op starts, frame
        // skip 4, max-pooling and whole games are the custom of its time (A3C, A2C).
        ["leap"] = new() { Preset = "leap", Gray = false, Stack = 1 },
        // Mnih et al. 2015 (DQN), methods and extended data table 1: 84x84 gray, four frames, up to 30 no-ops, life
        // loss as a terminal signal.
        ["dqn"] = new() { Preset = "dqn", LifeLoss = true },
        // Machado et al. 2018, table 1 and section 5: sticky actions 0.25 instead of no-ops, no life signal. Their full
        // action set is full_actions=1.
        ["machado"] = new() { Preset = "machado", NoopMax = 0, Sticky = 0.25 },
    };

    /// <summary>What an id with "ALE/" understands; an empty default means the preset's.</summary>
    internal static IReadOnlyList<EnvironmentOption> Described { get; } =
    [
        new("preset", "leap",
            "leap (84x84x3 RGB), dqn (84x84x4 gray, no-ops, life loss) or machado (84x84x4 gray, sticky 0.25)"),
        new("frame_skip", "", "frames emulated per agent step"),
        new("max_pool", "", "join the last two frames by their maximum: 1 or 0"),
        new("noop", "", "episodes begin with 0 to this - 1 no-ops; 0: none"),
        new("sticky", "", "probability, each frame, that the last action is repeated instead"),
        new("episodic_life", "", "a lost life really resets the game: 1 or 0"),
        new("life_loss", "", "a lost life is signalled as Terminated, the game goes on: 1 or 0"),
        new("fire_reset", "", "press FIRE at reset where the game has it: 1 or 0"),
        new("clip", "", "clip rewards to plus or minus this bound; 0 does not; recorded returns stay raw"),
        new("color", "", "gray or rgb"),
        new("height", "", "pixels"),
        new("width", "", "pixels"),
        new("stack", "", "frames shown at once"),
        new("full_actions", "", "all 18 actions instead of the minimal set: 1 or 0"),
        new("max_frames", "", "frames after which an episode is truncated"),
        new("threads", "", "emulator threads; 0: as many as the vector was asked for"),
        new("timeout", "", "seconds until a step that does not return counts as hung; 0 waits for ever"),
    ];

    /// <summary>The options of an id: its preset, changed by what it gives.</summary>
    internal static AleOptions From(EnvironmentOptions given)
    {
        var preset = Presets[given.Choice("preset", [.. Presets.Keys])];
        T Or<T>(string name, T fallback, Func<string, T> read) => given.Has(name) ? read(name) : fallback;
        return preset with
        {
            FrameSkip = Or("frame_skip", preset.FrameSkip, name => given.Int(name, 1, 1000)),
            MaxPool = Or("max_pool", preset.MaxPool, given.Bool),
            NoopMax = Or("noop", preset.NoopMax, name => given.Int(name, 0, 100_000)),
            Sticky = Or("sticky", preset.Sticky, name => given.Double(name, 0, 1)),
            EpisodicLife = Or("episodic_life", preset.EpisodicLife, given.Bool),
            LifeLoss = Or("life_loss", preset.LifeLoss, given.Bool),
            FireReset = Or("fire_reset", preset.FireReset, given.Bool),
            Clip = Or("clip", preset.Clip, name => given.Double(name, 0)),
            Gray = Or("color", preset.Gray, name => given.Choice(name, "gray", "rgb") == "gray"),
            Height = Or("height", preset.Height, name => given.Int(name, 1, 1024)),
            Width = Or("width", preset.Width, name => given.Int(name, 1, 1024)),
            Stack = Or("stack", preset.Stack, name => given.Int(name, 1, 64)),
            FullActions = Or("full_actions", preset.FullActions, given.Bool),
            MaxFrames = Or("max_frames", preset.MaxFrames, name => given.Int(name, 1)),
            Threads = Or("threads", preset.Threads, name => given.Int(name, 0, 1024)),
            Timeout = Or("timeout", preset.Timeout, name => TimeSpan.FromSeconds(given.Double(name, 0, 86400))),
        };
    }

    /// <summary>Every option with its value, for a run's record; threads and timeout do not change results.</summary>
    public IReadOnlyDictionary<string, string> Resolved
    {
        get
        {
            static string Bit(bool value) => value ? "1" : "0";
            static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
            return new Dictionary<string, string>
            {
                ["preset"] = Preset, ["frame_skip"] = Text(FrameSkip), ["max_pool"] = Bit(MaxPool),
                ["noop"] = Text(NoopMax), ["sticky"] = Text(Sticky),
                ["episodic_life"] = Bit(EpisodicLife), ["life_loss"] = Bit(LifeLoss), ["fire_reset"] = Bit(FireReset),
                ["clip"] = Text(Clip),
                ["color"] = Gray ? "gray" : "rgb", ["height"] = Text(Height), ["width"] = Text(Width),
                ["stack"] = Text(Stack),
                ["full_actions"] = Bit(FullActions), ["max_frames"] = Text(MaxFrames), ["threads"] = Text(Threads),
                ["timeout"] = Text(Timeout.TotalSeconds),
            };
        }
    }
}
