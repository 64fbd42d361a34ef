namespace RlLeap.Environments;

/// <summary>The rules of <see cref="EnvironmentCheck"/>. A check throws <see cref="BrokenRule"/>.</summary>
internal static class EnvironmentRules
{
    /// <summary>Each rule's check by what it says, in the order in which they are checked.</summary>
    public static Dictionary<string, Action<EnvironmentTrial>> All { get; } = new()
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

    private static void Description(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        var spec = environment.Spec;
        BrokenRule.Unless(spec.Id.Length > 0, "its Spec.Id is empty", "give it the id it is registered under.");
        BrokenRule.Unless(spec.ActionNames.Count == 0
            || (spec.Action is Discrete numbered && spec.ActionNames.Count == numbered.Count),
            $"its actions are {spec.Action} but it has {spec.ActionNames.Count} names for them",
            "list one name an action, or none.");
        BrokenRule.Unless(spec.ChannelNames.Count == 0
            || spec.Observation.Shape.Length == 3 && spec.ChannelNames.Count == spec.Observation.Shape[0],
            $"its observation is {spec.Observation} but it has {spec.ChannelNames.Count} names of planes",
            "list one name a plane of [C, H, W], or none.");
        BrokenRule.Unless(spec.MaxEpisodeSteps is null or > 0, $"MaxEpisodeSteps is {spec.MaxEpisodeSteps}",
            "null means no limit.");
        BrokenRule.Unless(spec.FramesPerStep > 0, $"FramesPerStep is {spec.FramesPerStep}",
            "it is 1 unless several frames pass in each step.");
        environment.Reset();
        BrokenRule.Unless(environment.Spec.Observation == spec.Observation && environment.Spec.Action == spec.Action,
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
            BrokenRule.Unless(first.StepType == StepType.First, $"Reset returned {first.StepType}",
                "return TimeStep.First(observation).");
            BrokenRule.Unless(first.Reward == 0, $"Reset returned a reward of {first.Reward}",
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
        BrokenRule.Unless(ended > 0 || most > trial.Steps || trial.Steps < 1000,
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

    public static void BadActionsAreRefused(EnvironmentTrial trial)
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
                if (original.SharesArrayWith(step.Observation) || !original.SameAs(copy))
                    throw new BrokenRule($"an observation handed out before was written again{trial.Where}",
                        "it returns the same array every time; return a new one (values.ToArray()).");
            kept.Enqueue((step.Observation, step.Observation.Copy()));
            if (kept.Count > 4) kept.Dequeue();
        }
    }

    private static void EqualStreamsAgree(EnvironmentTrial trial)
    {
        var recorded = trial.Play(trial.Open()).Select(step => step.Copy()).ToArray();
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
            List<TimeStep> steps = [played.Reset().Copy()];
            while (steps.Count < Length && !steps[^1].IsLast)
                steps.Add(played.Step(trial.Action(played.Spec.Action)).Copy());
            return steps;
        }

        static bool Same(List<TimeStep> a, List<TimeStep> b) =>
            a.Count == b.Count && a.Zip(b).All(pair => pair.First.SameAs(pair.Second));
    }

    private static void EnvironmentsKeepApart(EnvironmentTrial trial)
    {
        var alone = trial.Play(trial.Open()).Select(step => step.Copy()).ToArray();
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
            BrokenRule.Unless(step.StepType == StepType.First,
                $"Reset in the middle of an episode returned {step.StepType}", "Reset always starts an episode.");
            for (var t = 0; t < i && !step.IsLast; t++)
                step = environment.Step(trial.Action(environment.Spec.Action));
        }
    }

    public static void SavedStatesGoOn(EnvironmentTrial trial)
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
            foreach (var step in trial.Play(environment, actions, begun: true).Take(50)) expected.Add(step.Copy());
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

    public static void DrawingChangesNothing(EnvironmentTrial trial)
    {
        var environment = trial.Open();
        if (!environment.CanRender) return;
        var recorded = trial.Play(environment).Take(200).Select(step => step.Copy()).ToArray();
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

    private static void RequireSame(TimeStep a, TimeStep b, string when, EnvironmentTrial trial, string likelyCause)
    {
        if (a.SameAs(b)) return;
        var what = a.StepType != b.StepType ? $"{a.StepType} became {b.StepType}" : !a.Reward.Equals(b.Reward)
            ? $"a reward of {a.Reward} became {b.Reward}" : "the observation differs";
        throw new BrokenRule($"{what} {when}{trial.Where}", likelyCause);
    }
}
