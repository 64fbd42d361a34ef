// Every environment and wrapper fulfils the contract. For each kind of mistake, the contract names the broken rule.
using RlLeap.Environments;
using RlLeap.Testing;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class CounterContract : EnvironmentContract
{
    protected override IEnvironment Open(Rng rng) => new Counter(rng);

    protected override int Steps => 300;
}

public sealed class CheckedMinAtarContract : EnvironmentContract
{
    protected override IEnvironment Open(Rng rng) => Registry.Make("MinAtar/SpaceInvaders-v1", rng);
}

public sealed class ContractTests
{
    public static TheoryData<string> Ids() =>
    [
        .. MinAtarSuite.Games.SelectMany(
            game => (string[])[$"MinAtar/{game}-v0", $"MinAtar/{game}-v1?sticky=0&ramping=0"]),
        "MinAtar/Breakout-v1?planes=10",
        "MinAtar/Asterix-v1?time_limit=20",
        "MinAtar/Seaquest-v0?render=rgb84",
        "MinAtar/Breakout-v1?repeat=3",
        "MinAtar/Asterix-v1?noop=30",
        "MinAtar/SpaceInvaders-v1?clip=0.5",
        "MinAtar/Breakout-v1?stack=4",
        "MinAtar/Breakout-v1?stack=3&pad=reset",
        "MinAtar/Breakout-v1?planes=10&repeat=2&noop=4&time_limit=15&clip=1&stack=2",
    ];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Every_built_in_environment_and_wrapper_keeps_the_contract(string id)
    {
        // Freeway's episodes have 2,501 steps. Pictures take long to draw and compare.
        var steps = id.Contains("Freeway") ? 2600 : id.Contains("render") ? 200 : 1000;
        Assert.Empty(EnvironmentCheck.Run(id, steps));
    }

    public static TheoryData<string, Func<Rng, IEnvironment>> Wrapped() => new()
    {
        { "time limit", rng => new TimeLimit(new Counter(rng, int.MaxValue), 9) },
        { "sticky actions", rng => new StickyActions(new Counter(rng), 0.5, rng.Split("sticky")) },
        { "clipped rewards", rng => new ClipReward(new Counter(rng), 2) },
        { "frame stack", rng => new FrameStack(new Counter(rng), 3) },
        { "frame stack, reset padding", rng => new FrameStack(new Counter(rng), 3, StackPadding.Reset) },
        { "action repeat", rng => new ActionRepeat(new Counter(rng), 4) },
        { "no-op start", rng => new NoopStart(new Counter(rng), 12, rng.Split("noop")) },
        { "padded planes", rng => new PadPlanes(new Planes(rng), 3) },
        { "rendered", rng => new RenderedObservation(new Planes(rng), 10) },
    };

    [Theory]
    [MemberData(nameof(Wrapped))]
    public void Every_wrapper_keeps_the_contract_around_an_environment_of_the_users(
        string what, Func<Rng, IEnvironment> open)
    {
        var findings = EnvironmentCheck.Run(open, 300);
        Assert.True(findings.Count == 0, $"{what}: {string.Join("\n", findings)}");
    }

    public static TheoryData<string, string, Func<Rng, IEnvironment>> Broken()
    {
        float[] shared = new float[2];
        return new()
        {
            { "It describes itself consistently", "names", _ => new Named() },
            { "Reset starts an episode", "Mid", rng => new BadReset(rng) },
            { "Steps stay within what the spec promises", "NaN",
                rng => new Misbehaving(rng, 3, step => step with { Reward = float.NaN }) },
            { "Steps stay within what the spec promises", "element 0",
                rng => new Misbehaving(rng, 3, step => step with { Observation = new[] { float.NaN, 0 } }) },
            { "Steps stay within what the spec promises", "observation of 3 floats",
                rng => new Misbehaving(rng, 3, step => step with { Observation = new float[3] }) },
            { "Steps stay within what the spec promises", "2 bytes",
                rng => new Misbehaving(rng, 3, step => step with { Observation = new byte[2] }) },
            { "Steps stay within what the spec promises", "empty",
                rng => new Misbehaving(rng, 3, step => step with { Observation = default }) },
            { "Steps stay within what the spec promises", "outside 0 to 1", rng => new Planes(rng) { Value = 2 } },
            { "Steps stay within what the spec promises", "no episode ended", rng => new Counter(rng, int.MaxValue) },
            { "A step before the first reset is refused", "accepted", rng => new Tolerant(rng) },
            { "A step after the end is refused", "accepted", rng => new Tolerant(rng) },
            { "Actions out of range are refused and change nothing", "accepted", rng => new Tolerant(rng) },
            { "Actions out of range are refused and change nothing", "was refused", rng => new MovesFirst(rng) },
            { "Observations handed out are never written again", "written again",
                rng => new Misbehaving(rng, 1, step => Reuse(shared, step)) },
            { "Equal streams give equal episodes", "observation differs",
                _ => new Counter(new Rng(System.Diagnostics.Stopwatch.GetTimestamp())) },
            { "Episodes go on in the random stream", "every episode", rng => new Reseeding(rng) },
            { "Two environments keep apart", "beside it", rng => new Shared(rng) },
            { "Reset works in the middle of an episode", "threw InvalidOperationException",
                rng => new OnlyAfterTheEnd(rng) },
            { "A saved state goes on to the same bits", "observation differs", rng => new Forgetful(rng) },
            { "A saved state goes on to the same bits", "last byte", rng => new Careless(rng) },
            { "Drawing it changes nothing", "pictures", rng => new MovingPicture(rng) },
        };
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void The_contract_names_what_is_wrong(string rule, string hint, Func<Rng, IEnvironment> open)
    {
        var finding = EnvironmentCheck.Run(rule, open, 1500);
        Assert.NotNull(finding);
        Assert.Contains(hint, finding.What);
        Assert.NotEmpty(finding.LikelyCause);
    }

    private static TimeStep Reuse(float[] shared, TimeStep step)
    {
        step.Observation.Floats.CopyTo(shared, 0);
        return step with { Observation = shared };
    }

    private sealed class Planes(Rng rng) : Counter(rng), IEnvironment
    {
        public byte Value { get; init; } = 1;
        public override EnvironmentSpec Spec { get; } = new("test/Planes", Box.Bytes(1, 2, 3, 3), new Discrete(3));
        public override bool CanSnapshot => false;
        protected override Observation Show() =>
            Enumerable.Range(0, 18).Select(i => i == Taken ? Value : (byte)0).ToArray();
        bool IEnvironment.CanRender => true;
        Picture IEnvironment.Render() => new(3, 3, [.. Enumerable.Range(0, 27).Select(i => (byte)(i * Taken))]);
    }

    private sealed class Named() : Counter(new Rng(0))
    {
        public override EnvironmentSpec Spec { get; } =
            new("test/Named", Box.Floats(2), new Discrete(3)) { ActionNames = ["one"] };
    }

    private sealed class BadReset(Rng rng) : Counter(rng)
    {
        public override TimeStep Reset() => base.Reset() with { StepType = StepType.Mid };
    }

    private sealed class Tolerant(Rng rng) : Counter(rng)
    {
        public override TimeStep Step(int action) => ++Taken % 7 == 0
            ? TimeStep.Terminated(1, Show())
            : TimeStep.Mid(1, Show());
    }

    private sealed class MovesFirst(Rng rng) : Counter(rng)
    {
        public override TimeStep Step(int action)
        {
            Rng.NextSingle();
            return base.Step(action);
        }
    }

    private sealed class Reseeding(Rng rng) : Counter(rng)
    {
        private readonly byte[] _start = rng.SaveState();

        public override TimeStep Reset()
        {
            Rng = Rng.FromState(_start);
            return base.Reset();
        }
    }

    private sealed class Shared(Rng rng) : Counter(rng)
    {
        [ThreadStatic] private static int s_steps;

        public override TimeStep Reset()
        {
            s_steps = 0;
            return base.Reset();
        }

        protected override Observation Show() => new float[] { s_steps++, 0 };
    }

    private sealed class OnlyAfterTheEnd(Rng rng) : Counter(rng)
    {
        public override TimeStep Reset() => Taken is 0 or 7
            ? base.Reset()
            : throw new InvalidOperationException("still playing");
    }

    private sealed class Forgetful(Rng rng) : Counter(rng)
    {
        public override void Restore(ReadOnlySpan<byte> snapshot)
        {
            var rng = Rng;
            base.Restore(snapshot);
            Rng = rng;
        }
    }

    private sealed class Careless(Rng rng) : Counter(rng)
    {
        public override byte[] Snapshot() => [.. base.Snapshot(), 0];
        public override void Restore(ReadOnlySpan<byte> snapshot) => base.Restore(snapshot[..66]);
    }

    private sealed class MovingPicture(Rng rng) : Counter(rng), IEnvironment
    {
        bool IEnvironment.CanRender => true;
        Picture IEnvironment.Render() => new(1, 1, [(byte)Rng.NextInt(256), (byte)Rng.NextInt(256), 0]);
    }
}
