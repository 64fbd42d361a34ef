namespace RlLeap.Environments;

/// <summary>Actions as rows of numbers: their checks, and actions at random.</summary>
public static class ActionNumbers
{
    /// <summary>Draws one action at random, each number uniformly; numbers of an unbounded Box from -1 to 1.</summary>
    /// <param name="space">The space of actions.</param>
    /// <param name="rng">What it is drawn from.</param>
    /// <param name="action">space.Length numbers, written.</param>
    public static void Sample(Space space, Rng rng, Span<float> action)
    {
        foreach (var part in space.Parts)
        {
            var numbers = action.Slice(part.Start, part.Space.Length);
            for (var k = 0; k < numbers.Length; k++)
            {
                if (part.Space is Box box)
                {
                    var (low, high) = box.BoundsOf(k);
                    (low, high) = (double.IsFinite(low) ? low : -1, double.IsFinite(high) ? high : 1);
                    numbers[k] = (float)(low + (high - low) * rng.NextDouble());
                }
                else numbers[k] = rng.NextInt(CountOf(part.Space, k));
            }
        }
    }

    /// <summary>What is wrong with an action, in words, or null.</summary>
    internal static string? Wrong(EnvironmentSpec spec, ReadOnlySpan<float> action)
    {
        if (spec.Action is not Dict) return Wrong(spec, spec.Action, "", action);
        foreach (var part in spec.Action.Parts)
        {
            var numbers = action.Slice(part.Start, part.Space.Length);
            if (Wrong(spec, part.Space, part.Name, numbers) is { } wrong) return wrong;
        }
        return null;
    }

    private static string? Wrong(EnvironmentSpec spec, Space space, string name, ReadOnlySpan<float> numbers)
    {
        for (var k = 0; k < numbers.Length; k++)
        {
            var number = numbers[k];
            if (space is Box)
            {
                if (!float.IsFinite(number)) return $"{NameOf(space, name, k)} is {Describe.NotAFloat(number)}.";
                continue;
            }
            var count = CountOf(space, k);
            if (number >= 0 && number < count && number == MathF.Floor(number)) continue;
            if (space is Discrete && name.Length == 0 && number == (int)number)
                return Describe.BadAction((int)number, spec);
            return FormattableString.Invariant(
                $"{NameOf(space, name, k)} is {number}, not a whole number from 0 to {count - 1}.");
        }
        return null;
    }

    /// <summary>Refuses a step of a vector that must not begin; nothing has moved then.</summary>
    internal static void CheckStep(EnvironmentSpec spec, int count, ReadOnlySpan<float> actions, bool started,
        string? failure = null)
    {
        var length = spec.Action.Length;
        VectorEnvironmentChecks.CheckStarted(spec, started, failure);
        if (actions.Length != count * length)
            throw new EnvironmentException(
                $"{spec.Id}: Step was given {actions.Length} numbers for {count} copies whose actions are "
                + $"{spec.Action}: expected are {count * length}.");
        for (var i = 0; i < count; i++)
            if (Wrong(spec, actions.Slice(i * length, length)) is { } wrong)
                throw new EnvironmentException($"{spec.Id} (copy {i} of {count}): {wrong} No copy was stepped.");
    }

    /// <summary>"2", or "[0.5, -1]".</summary>
    internal static string Text(ReadOnlySpan<float> action)
    {
        var numbers = new string[action.Length];
        for (var k = 0; k < numbers.Length; k++) numbers[k] = FormattableString.Invariant($"{action[k]}");
        return numbers.Length == 1 ? numbers[0] : $"[{string.Join(", ", numbers)}]";
    }

    /// <summary>The space of actions that have numbers.</summary>
    /// <exception cref="EnvironmentException">The actions are of another space.</exception>
    internal static Discrete RequireDiscrete(EnvironmentSpec spec) => spec.Action as Discrete
        ?? throw new EnvironmentException($"{spec.Id}: its actions are {spec.Action}, not numbered ones.");

    /// <summary>The number of a Discrete action.</summary>
    internal static int ToIndex(EnvironmentSpec spec, ReadOnlySpan<float> action)
    {
        RequireDiscrete(spec);
        if (action.Length != 1)
            throw new EnvironmentException($"{spec.Id}: a Discrete action is 1 number; it was given {action.Length}.");
        if (action[0] != (int)action[0])
            throw new EnvironmentException(
                FormattableString.Invariant($"{spec.Id}: the action {action[0]} is no whole number."));
        return (int)action[0];
    }

    /// <summary>How many values the k-th number of a space has that is not a Box or a Dict.</summary>
    public static int CountOf(Space space, int k) => space switch
    {
        Discrete discrete => discrete.Count,
        MultiDiscrete multi => multi.Counts[k],
        MultiBinary => 2,
        _ => throw new EnvironmentException($"The numbers of {space} are not counted."),
    };

    private static string NameOf(Space space, string part, int k)
    {
        var name = part.Length > 0 ? $" {part}" : "";
        return space.Length > 1 ? $"element {k} of its action{name}" : $"its action{name}";
    }
}
