// Replays games recorded from MinAtar itself. Every observation, reward, end and random draw must be the same. See
// Golden/README.md.
using System.Text.Json;
using RlLeap.Environments;
using RlLeap.Environments.MinAtar;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class MinAtarConformance
{
    public static TheoryData<string, string, int, string> Recorded()
    {
        var data = new TheoryData<string, string, int, string>();
        foreach (var file in Files())
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var list in (string[])["vectors", "deep"])
            {
                if (!document.RootElement.TryGetProperty(list, out var vectors)) continue;
                for (var i = 0; i < vectors.GetArrayLength(); i++)
                {
                    var v = vectors[i];
                    data.Add(file, list, i,
                        $"{v.GetProperty("game")}, seed {v.GetProperty("seed")}, sticky {v.GetProperty("sticky")}, " +
                        $"ramping {v.GetProperty("ramping")}");
                }
            }
        }
        return data;
    }

    private static IEnumerable<string> Files()
    {
        yield return Path.Combine(AppContext.BaseDirectory, "Environments", "Golden", "minatar-vectors.json");
        if (Environment.GetEnvironmentVariable("RLLEAP_EXTRA_GOLDEN") is not { Length: > 0 } extra) yield break;
        var folder = Path.Combine(extra, "minatar");
        if (!Directory.Exists(folder)) yield break;
        foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
            // skips text files, such as notes
            if (File.ReadAllText(file).TrimStart().StartsWith('{')) yield return file;
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_recorded_game_replays_bit_for_bit(string file, string list, int index, string what)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var expected = document.RootElement.GetProperty(list)[index];
        var seed = expected.GetProperty("seed").GetUInt32();
        var options = new MinAtarOptions
        {
            Sticky = expected.GetProperty("sticky").GetDouble(),
            Ramping = expected.GetProperty("ramping").GetBoolean(),
        };
        var game = NameOf(expected.GetProperty("game").GetString()!);
        using var environment = MinAtarSuite.Make(game, seed, options);

        var hash = new Fnv1A();
        var requested = expected.TryGetProperty("actions", out var digits) ? digits.GetString() : null;
        var steps = requested?.Length ?? expected.GetProperty("steps").GetInt32();
        var state = seed * 7919u + 17;
        List<int> returns = [], lengths = [];
        var (total, best, current, length) = (0, 0, 0, 0);
        FeedObservation(hash, environment.Reset());
        if (expected.TryGetProperty("reset_hash", out var reset)) Assert.Equal(reset.GetString(), hash.ToString());
        for (var t = 1; t <= steps; t++)
        {
            state = 1664525u * state + 1013904223u;
            var action = requested is null ? (int)((state >> 16) % 6) : requested[t - 1] - '0';
            var step = environment.Step(action);
            total += (int)step.Reward;
            current += (int)step.Reward;
            length++;
            FeedObservation(hash, step);
            hash.Feed((byte)step.Reward);
            hash.Feed(step.IsLast ? (byte)1 : (byte)0);
            if (step.IsLast)
            {
                returns.Add(current);
                lengths.Add(length);
                best = Math.Max(best, current);
                (current, length) = (0, 0);
                FeedObservation(hash, environment.Reset());
            }
            if (expected.GetProperty("hash").TryGetProperty(t.ToString(), out var at))
                Assert.True(at.GetString() == hash.ToString(), $"{what}: differs at or before step {t}");
        }
        Assert.Equal(expected.GetProperty("total_reward").GetInt32(), total);
        Assert.Equal(expected.GetProperty("episodes").GetInt32(), returns.Count);
        if (expected.TryGetProperty("first_returns", out var firstReturns))
            Assert.Equal(Numbers(firstReturns), returns.Take(firstReturns.GetArrayLength()));
        if (expected.TryGetProperty("first_lengths", out var firstLengths))
            Assert.Equal(Numbers(firstLengths), lengths.Take(firstLengths.GetArrayLength()));
        if (expected.TryGetProperty("events", out var events)
            && events.TryGetProperty("max_episode_return", out var most))
            Assert.Equal(most.GetInt32(), Math.Max(best, current));
        AssertStreamIsAt(expected.GetProperty("u32_draws").GetInt64(), seed, environment);
    }

    [Fact]
    public void The_generator_gives_the_published_numbers()
    {
        var random = Seeded(0);
        Assert.Equal([2357136044u, 2546248239u, 3071714933u, 3626093760u], Draw(4, () => random.NextUInt32()));
        random = Seeded(0);
        Assert.Equal([0.5488135039273248, 0.7151893663724195, 0.6027633760716439], Draw(3, () => random.NextDouble()));
        random = Seeded(42);
        Assert.Equal([6, 3, 4, 6, 2, 7], Draw(6, () => random.NextInt(8)));
        random = Seeded(7);
        Assert.Equal([5, 2, 4, 4, 5, 2, 1, 2], Draw(8, () => 1 + random.NextInt(5)));
        var after = Seeded(7);
        for (var i = 0; i < 14; i++) after.NextUInt32();
        Assert.Equal(after.NextUInt32(), random.NextUInt32());
    }

    private static Mt19937 Seeded(uint seed)
    {
        var random = new Mt19937();
        random.Seed(seed);
        return random;
    }

    private static T[] Draw<T>(int count, Func<T> next) => [.. Enumerable.Range(0, count).Select(_ => next())];

    /// <summary>
    /// Checks that the game has taken this many draws: the next 624 numbers of its stream must be those of a fresh
    /// stream after as many draws.
    /// </summary>
    private static void AssertStreamIsAt(long draws, uint seed, IEnvironment environment)
    {
        var expected = Seeded(seed);
        for (var i = 0L; i < draws; i++) expected.NextUInt32();
        var actual = ((IDrawsFromMt19937)environment).Stream;
        Assert.Equal(Draw(624, () => expected.NextUInt32()), Draw(624, () => actual.NextUInt32()));
    }

    private static void FeedObservation(Fnv1A hash, TimeStep step)
    {
        var planes = step.Observation.Bytes;
        for (var cell = 0; cell < 100; cell++)
            for (var c = 0; c < planes.Length / 100; c++) hash.Feed(planes[100 * c + cell]);
    }

    private static int[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(number => number.GetInt32())];

    private static string NameOf(string game) =>
        string.Concat(game.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    private sealed class Fnv1A
    {
        private ulong _value = 0xCBF29CE484222325;

        public void Feed(byte value) => _value = (_value ^ value) * 0x100000001B3;

        public override string ToString() => _value.ToString("x16");
    }
}
