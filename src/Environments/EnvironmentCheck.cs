namespace RlLeap.Environments;

/// <summary>
/// The contract of <see cref="IEnvironment"/>, checked by playing at random: what `rlleap envs check ID` prints, and
/// what the test class EnvironmentContract asserts.
/// </summary>
/// <remarks>
/// An environment that cannot be told from a correct one in a few thousand random steps passes; one that needs skilled
/// play to misbehave may pass too.
/// </remarks>
public static class EnvironmentCheck
{
    private static readonly Dictionary<string, Action<EnvironmentTrial>> All = new()
    {
        ["It describes itself consistently"] = Description,
        ["Reset starts an episode"] = ResetStartsAnEpisode,
        ["Steps stay within what the spec promises"] = StepsKeepTheSpec,
        ["A step before the first reset is refused"] = StepBeforeResetIsRefused,
        ["A step after the end is refused"] = StepAfterTheEndIsRefused,
        ["Actions out of range are refused and change nothing"] = BadActionsAreRefused,
        ["Observations handed out are never written again"] = ObservationsStay,
        ["Equal streams give equal episodes"] = EqualStreamsAgree,
        ["Episodes go on in the random stream"] = EpisodesDiffer,
        ["Two environments keep apart"] = EnvironmentsKeepApart,
        ["Reset works in the middle of an episode"] = ResetInTheMiddle,
        ["A saved state goes on to the same bits"] = SavedStatesGoOn,
        ["Drawing it changes nothing"] = DrawingChangesNothing,
    };

    /// <summary>The rules, in the order in which they are checked.</summary>
    public static IReadOnlyList<string> Rules { get; } = [.. All.Keys];

    /// <summary>Why a rule has nothing to say about an environment, which then keeps it; null where it has.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public static string? WhyNotApplied(string rule, IEnvironment environment) =>
        !All.TryGetValue(rule, out var check)
            ? throw new ArgumentException($"'{rule}' is not a rule of the contract.", nameof(rule))
        : check == BadActionsAreRefused && environment.Spec.Action is not Discrete
            ? $"its actions, {environment.Spec.Action}, are checked before it sees them"
        : check == SavedStatesGoOn && !environment.CanSnapshot ? "it cannot be saved (CanSnapshot)"
        : check == DrawingChangesNothing && !environment.CanRender ? "it cannot draw itself (CanRender)"
        : null;

    /// <summary>
    /// Checks a registered environment, without the guard that <see cref="Registry.Make"/> puts around it.
    /// </summary>
    public static IReadOnlyList<Finding> Run(string id, int steps = 2000, long seed = 1) =>
        Run(rng => Registry.Open(id, rng), steps, seed);

    /// <summary>Checks every rule.</summary>
    /// <param name="open">Makes the environment from a stream; called many times.</param>
    /// <param name="steps">How long to play for each rule, in agent steps.</param>
    /// <param name="seed">Of the play and of the environments' streams.</param>
    public static IReadOnlyList<Finding> Run(Func<Rng, IEnvironment> open, int steps = 2000, long seed = 1) =>
        [.. Rules.Select(rule => Run(rule, open, steps, seed)).OfType<Finding>()];

    /// <summary>Checks one rule of a registered environment, without the guard; null when it holds.</summary>
    public static Finding? Run(string rule, string id, int steps = 2000, long seed = 1) =>
        Run(rule, rng => Registry.Open(id, rng), steps, seed);

    /// <summary>Checks one rule; null when it holds.</summary>
    public static Finding? Run(string rule, Func<Rng, IEnvironment> open, int steps = 2000, long seed = 1)
    {
        if (!All.TryGetValue(rule, out var check))
            throw new ArgumentException($"'{rule}' is not a rule of the contract.", nameof(rule));
        using var trial = new EnvironmentTrial(open, steps, seed);
        try
        {
            check(trial);
            return null;
        }
        catch (BrokenRule broken)
        {
            return new Finding(rule, broken.Message, broken.LikelyCause);
        }
        // After a hang nothing of Python's can be checked any more
        catch (EnvironmentException e) when (e is not EnvironmentHangException)
        {
            return new Finding(rule, e.Message.TrimEnd('.'),
                "what it hands over does not keep to its spec, its spaces or the API, or an error of its own.")
            {
                StoppedBy = string.Concat(e.Message.Where(c => !char.IsDigit(c))),
            };
        }
        catch (Exception e) when (e is not EnvironmentHangException)
        {
            return new Finding(rule, $"it threw {e.GetType().Name}: {e.Summary()}{trial.Where}",
                $"an error of its own, at {FirstFrame(e)}.");
        }
    }

    private static void Description(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        var spec = environment.Spec;
        Require(spec.Id.Length > 0, "its Spec.Id is empty", "give it the id it is registered under.");
        Require(spec.ActionNames.Count == 0
            || (spec.Action is Discrete numbered && spec.ActionNames.Count == numbered.Count),
            $"its actions are {spec.Action} but it has {spec.ActionNames.Count} names for them",
            "list one name an action, or none.");
        Require(spec.ChannelNames.Count == 0
            || spec.Observation.Shape.Length == 3 && spec.ChannelNames.Count == spec.Observation.Shape[0],
            $"its observation is {spec.Observation} but it has {spec.ChannelNames.Count} names of planes",
            "list one name a plane of [C, H, W], or none.");
        Require(spec.MaxEpisodeSteps is null or > 0, $"MaxEpisodeSteps is {spec.MaxEpisodeSteps}",
            "null means no limit.");
        Require(spec.FramesPerStep > 0, $"FramesPerStep is {spec.FramesPerStep}",
            "it is 1 unless several frames pass in each step.");
        environment.Reset();
        Require(environment.Spec.Observation == spec.Observation && environment.Spec.Action == spec.Action,
            "its spec changed after Reset", "make the spec once, in the constructor, from the options.");
        environment.Dispose();
        environment.Dispose();
    }

    private static void ResetStartsAnEpisode(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        for (var i = 0; i < 3; i++)
        {
            var first = environment.Reset();
            Require(first.StepType == StepType.First, $"Reset returned {first.StepType}",
                "return TimeStep.First(observation).");
            Require(first.Reward == 0, $"Reset returned a reward of {first.Reward}",
                "a reward belongs to the action that led to it: hand it out by Step.");
            trial.RequireObservation(environment, first);
        }
    }

    private static void StepsKeepTheSpec(EnvironmentTrial trial)
    {
        var environment = trial.Open(checks: SourceChecks.Values);
        var (ended, length) = (0, 0);
        var most = environment.Spec.MaxEpisodeSteps;
        foreach (var step in trial.Play(environment))
        {
            trial.RequireObservation(environment, step);
            if (step.StepType == StepType.First)
            {
                length = 0;
                continue;
            }
            length++;
            if (!float.IsFinite(step.Reward)) throw new BrokenRule($"the reward is {step.Reward}{trial.Where}",
                "a division by zero, a logarithm of zero, or a value used before it was set.");
            if (step.RawReward == 0 && step.Reward != 0)
                throw new BrokenRule($"a reward of {step.Reward} has a RawReward of 0{trial.Where}",
                "change rewards with `step with { Reward = ... }`, which keeps the raw one.");
            if (length >= most && !step.IsLast)
                throw new BrokenRule($"an episode goes on after {length} steps, but MaxEpisodeSteps is {most}",
                "return Truncated in the last step of the limit; count steps from Reset.");
            if (step.IsLast) ended++;
        }
        Require(ended > 0 || most > trial.Steps || trial.Steps < 1000,
            $"no episode ended in {trial.Steps} random steps",
            "learners record returns when episodes end; give it an end, or a time limit (?time_limit=... on its id). "
                + "If its episodes are just long, declare MaxEpisodeSteps.");
    }

    private static void StepBeforeResetIsRefused(EnvironmentTrial trial) =>
        RequireRefusal(trial.Open(), 0, "before the first Reset",
        "keep a flag that Reset sets, and throw InvalidOperationException in Step while it is not set.");

    private static void StepAfterTheEndIsRefused(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        foreach (var step in trial.Play(environment))
        {
            if (!step.IsLast) continue;
            RequireRefusal(environment, 0, "after the episode's end",
                "clear the flag that Reset sets when an episode ends. It must not reset itself either: vectors do "
                    + "that, and keep the final observation.");
            return;
        }
    }

    private static void BadActionsAreRefused(EnvironmentTrial trial)
    {
        var (checkedOne, twin) = (trial.Open(), trial.Open());
        // Numbers of other actions are checked by the registry before an environment sees them.
        if (checkedOne.Spec.Action is not Discrete { Count: var count }) return;
        checkedOne.Reset();
        twin.Reset();
        foreach (var bad in (int[])[-1, count, int.MaxValue, int.MinValue])
        {
            RequireRefusal(checkedOne, bad, $"with action {bad} of {count}",
                "compare with the space's Count first, before anything changes.");
            var action = trial.Action(checkedOne.Spec.Action);
            var (a, b) = (checkedOne.Step(action), twin.Step(action));
            RequireSame(a, b, $"after action {bad} was refused", trial,
                "it changed its state before it refused the action; check first.");
            if (!a.IsLast) continue;
            checkedOne.Reset();
            twin.Reset();
        }
    }

    private static void ObservationsStay(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        var kept = new Queue<(Observation Original, Observation Copy)>();
        foreach (var step in trial.Play(environment))
        {
            foreach (var (original, copy) in kept)
            {
                if (original.SharesArrayWith(step.Observation) || !original.SameAs(copy))
                    throw new BrokenRule($"an observation handed out before was written again{trial.Where}",
                        "it returns the same array every time; return a new one (values.ToArray()).");
            }
            kept.Enqueue((step.Observation, step.Observation.Copy()));
            if (kept.Count > 4) kept.Dequeue();
        }
    }

    private static void EqualStreamsAgree(EnvironmentTrial trial)
    {
        var recorded = trial.Play(trial.Open()).Select(Keep).ToArray();
        trial.Rewind();
        var i = 0;
        foreach (var step in trial.Play(trial.Open()))
            RequireSame(recorded[i++], step, "though stream and actions were equal", trial,
                "it draws from somewhere else than the Rng it was given (new Random(), Random.Shared, the clock, "
                    + "Guid), iterates a hash set, or keeps state in a static field.");
    }

    private static void EpisodesDiffer(EnvironmentTrial trial)
    {
        const int Length = 100;
        var environment = trial.Open();
        var first = Episode(environment);
        var other = Episode(trial.Open("another"));
        if (Same(first, other)) return; // nothing random in it, as far as these episodes show
        for (var i = 0; i < 20; i++)
            if (!Same(first, Episode(environment))) return;
        throw new BrokenRule("every episode of one environment is the same, while another seed gives another",
            "Reset starts the random stream anew; make it once, in the constructor, and let it go on.");

        List<TimeStep> Episode(IEnvironment played)
        {
            trial.Rewind();
            List<TimeStep> steps = [Keep(played.Reset())];
            while (steps.Count < Length && !steps[^1].IsLast)
                steps.Add(Keep(played.Step(trial.Action(played.Spec.Action))));
            return steps;
        }

        static bool Same(List<TimeStep> a, List<TimeStep> b) =>
            a.Count == b.Count && a.Zip(b).All(pair => IsSame(pair.First, pair.Second));
    }

    private static void EnvironmentsKeepApart(EnvironmentTrial trial)
    {
        var alone = trial.Play(trial.Open()).Select(Keep).ToArray();
        trial.Rewind();
        var (environment, other) =
            (trial.Open(checks: SourceChecks.Sharing), trial.Open("another", SourceChecks.Sharing));
        var actions = new Rng(2);
        var beside = other.Reset();
        var i = 0;
        foreach (var step in trial.Play(environment))
        {
            RequireSame(alone[i++], step, "when another one is played beside it", trial,
                "a static field, or an object that both were given; each needs a state of its own.");
            if (step.Observation.SharesArrayWith(beside.Observation))
                throw new BrokenRule($"both handed out the same array{trial.Where}",
                    "an array in a static field; return a new one (values.ToArray()).");
            var action = new float[other.Spec.Action.Length];
            ActionNumbers.Sample(other.Spec.Action, actions, action);
            beside = other.Step(action);
            if (beside.IsLast) beside = other.Reset();
        }
    }

    private static void ResetInTheMiddle(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        for (var i = 0; i < 10; i++)
        {
            var step = environment.Reset();
            Require(step.StepType == StepType.First, $"Reset in the middle of an episode returned {step.StepType}",
                "Reset always starts an episode.");
            for (var t = 0; t < i && !step.IsLast; t++)
                step = environment.Step(trial.Action(environment.Spec.Action));
        }
    }

    private static void SavedStatesGoOn(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        if (!environment.CanSnapshot) return;
        var rounds = Math.Max(2, Math.Min(10, trial.Steps / 100));
        var last = trial.Play(environment).Take(1 + trial.Steps / 2).Last();
        for (var round = 0; round < rounds; round++)
        {
            if (last.IsLast) environment.Reset();
            var saved = environment.Snapshot();
            List<float[]> actions = [];
            List<TimeStep> expected = [];
            foreach (var step in trial.Play(environment, actions, begun: true).Take(50)) expected.Add(Keep(step));
            using var fresh = trial.Open("another");
            foreach (var target in (IEnvironment[])[environment, fresh])
            {
                target.Restore(saved);
                var i = 0;
                foreach (var step in EnvironmentTrial.Replay(target, actions, expected))
                    RequireSame(expected[i++], step, target == fresh ? "after a saved state was restored in another "
                        + "environment" : "after a saved state was restored", trial,
                        "the snapshot leaves something out: the random stream (Rng.SaveState), a counter, or what was "
                            + "shown last.");
            }
            last = expected[^1];
        }
        var broken = environment.Snapshot()[..^1];
        try
        {
            environment.Restore(broken);
        }
        catch (Exception e) when (e is not (NullReferenceException or OutOfMemoryException))
        {
            return;
        }
        throw new BrokenRule("a saved state that lacks its last byte was restored",
            "check the length (read to the very end) before using it.");
    }

    private static void DrawingChangesNothing(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        if (!environment.CanRender) return;
        var recorded = trial.Play(environment).Take(200).Select(Keep).ToArray();
        trial.Rewind();
        var drawn = trial.Open();
        var i = 0;
        foreach (var step in trial.Play(drawn).Take(200))
        {
            RequireSame(recorded[i++], step, "when pictures are drawn in between", trial, "Render must only read.");
            if (!drawn.Render().Pixels.AsSpan().SequenceEqual(drawn.Render().Pixels))
                throw new BrokenRule($"two pictures of one state differ{trial.Where}",
                    "Render must not move anything or draw random numbers.");
        }
    }

    private static void RequireRefusal(IEnvironment environment, int action, string when, string advice)
    {
        try
        {
            if (environment.Spec.Action is Discrete) environment.Step(action);
            else environment.Step(new float[environment.Spec.Action.Length]);
        }
        catch (Exception e) when (e is NullReferenceException or IndexOutOfRangeException or KeyNotFoundException)
        {
            throw new BrokenRule($"Step {when} failed by accident ({e.GetType().Name}), not by a check of its own",
                advice);
        }
        catch (Exception)
        {
            return;
        }
        throw new BrokenRule($"Step {when} was accepted", advice);
    }

    private static void Require(bool holds, string what, string likelyCause)
    {
        if (!holds) throw new BrokenRule(what, likelyCause);
    }

    private static void RequireSame(TimeStep a, TimeStep b, string when, EnvironmentTrial trial, string likelyCause)
    {
        if (IsSame(a, b)) return;
        var what = a.StepType != b.StepType ? $"{a.StepType} became {b.StepType}" : !a.Reward.Equals(b.Reward)
            ? $"a reward of {a.Reward} became {b.Reward}" : "the observation differs";
        throw new BrokenRule($"{what} {when}{trial.Where}", likelyCause);
    }

    private static bool IsSame(TimeStep a, TimeStep b) =>
        a.StepType == b.StepType && a.Reward.Equals(b.Reward) && a.Observation.SameAs(b.Observation);

    private static TimeStep Keep(TimeStep step) => step with { Observation = step.Observation.Copy() };

    private static string FirstFrame(Exception e) =>
        e.StackTrace?.Split('\n').FirstOrDefault()?.Trim() is { Length: > 3 } frame ? frame[3..] : "an unknown place";
}
