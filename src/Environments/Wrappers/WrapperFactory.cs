namespace RlLeap.Environments;

/// <summary>Makes wrappers from an id's options: "my/Env?time_limit=500&amp;stack=4".</summary>
public static class WrapperFactory
{
    /// <summary>Every option, in the order in which wrappers are put around the environment, inside out.</summary>
    public static IReadOnlyList<EnvironmentOption> Options { get; } =
    [
        new("render", "", "rgb84: show the picture as [3, 84, 84] bytes instead of the observation"),
        new("planes", "", "pad [C, H, W] with planes of zeros to this many"),
        new("sticky", "", "probability that the last action is repeated instead"),
        new("repeat", "", "take each action this many times, rewards added up"),
        new("noop", "", "begin episodes with 1 to this many no-ops"),
        new("time_limit", "", "cut episodes off after this many agent steps (Truncated)"),
        new("clip", "", "clip rewards to plus or minus this bound; 0 does not; recorded returns stay raw"),
        new("stack", "", "show the last this many observations"),
        new("pad", "zero", "what precedes the first observation in a stack: zero or reset"),
    ];

    /// <summary>Puts the wrappers of the options around an environment; they split <paramref name="rng"/>.</summary>
    internal static IEnvironment Apply(IEnvironment environment, string id, IReadOnlyDictionary<string, string> given,
        Rng rng)
    {
        if (given.Count == 0) return environment;
        var options = new EnvironmentOptions(id, id, given, Options);
        if (options.Has("render"))
        {
            options.Choice("render", "rgb84");
            environment = new RenderedObservation(environment);
        }
        if (options.Has("planes")) environment = new PadPlanes(environment, options.Int("planes", 1, 1024));
        foreach (var name in (string[])["sticky", "noop"])
            if (options.Has(name) && environment.Spec.Action is not Discrete)
                throw new EnvironmentException(
                    $"{id}: option {name} needs numbered actions, but its actions are {environment.Spec.Action}.");
        if (options.Has("sticky"))
            environment = new StickyActions(environment, options.Double("sticky", 0, 1), rng.Split("sticky"));
        if (options.Has("repeat")) environment = new ActionRepeat(environment, options.Int("repeat", 1, 1000));
        if (options.Has("noop"))
            environment = new NoopStart(environment, options.Int("noop", 1, 10000), rng.Split("noop"));
        if (options.Has("time_limit")) environment = new TimeLimit(environment, options.Int("time_limit", 1));
        if (options.Has("clip") && options.Double("clip", 0) is > 0 and var bound)
            environment = new ClipReward(environment, (float)bound);
        var padding = options.Choice("pad", "zero", "reset") == "zero" ? StackPadding.Zero : StackPadding.Reset;
        if (given.ContainsKey("pad") && !options.Has("stack"))
            throw new EnvironmentException($"{id}: option pad says how a stack begins; give stack as well.");
        if (options.Has("stack")) environment = new FrameStack(environment, options.Int("stack", 1, 64), padding);
        return environment;
    }
}
