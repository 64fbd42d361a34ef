// Saved states have one form; those of version 0.1, which had three, go on.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Environments;

public sealed class SavedStateTests
{
    private static readonly string Recorded = File.ReadAllText(
        Path.Combine(AppContext.BaseDirectory, "Environments", "Golden", "snapshots-of-0.1.json"));

    // Id, copies (0: a single environment), the state in base64, and the hash of 100 steps after it.
    public static TheoryData<string, int, string, string> Old()
    {
        var data = new TheoryData<string, int, string, string>();
        using var document = JsonDocument.Parse(Recorded);
        foreach (var row in document.RootElement.GetProperty("snapshots").EnumerateArray())
            data.Add(row.GetProperty("id").GetString()!, row.GetProperty("count").GetInt32(),
                row.GetProperty("state").GetString()!, row.GetProperty("then").GetString()!);
        return data;
    }

    [Theory]
    [MemberData(nameof(Old))]
    public void A_state_saved_by_an_older_version_goes_on_to_the_same_bits(
        string id, int count, string state, string then)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (rng, saved) = (new Rng(3), Convert.FromBase64String(state));
        byte[] again;
        Action<byte[]> restore;
        if (count > 0)
        {
            var vector = Registry.MakeVector(id, count, new Rng(77));
            restore = bytes => vector.Restore(bytes);
            restore(saved);
            again = vector.Snapshot();
            var length = vector.Spec.Action.Length;
            var actions = new float[count * length];
            for (var t = 0; t < 100; t++)
            {
                for (var i = 0; i < count; i++)
                    ActionNumbers.Sample(vector.Spec.Action, rng, actions.AsSpan(i * length, length));
                vector.Step(actions);
                hash.AppendData(vector.Observations.Raw);
                hash.AppendData(MemoryMarshal.AsBytes(vector.Rewards.AsSpan()));
            }
        }
        else
        {
            var environment = Registry.Make(id, new Rng(77));
            restore = bytes => environment.Restore(bytes);
            restore(saved);
            again = environment.Snapshot();
            var last = default(TimeStep);
            var action = new float[environment.Spec.Action.Length];
            for (var t = 0; t < 100; t++)
            {
                ActionNumbers.Sample(environment.Spec.Action, rng, action);
                if (t > 0 && last.IsLast) environment.Reset();
                last = environment.Step(action);
                hash.AppendData(BitConverter.GetBytes(last.Reward));
                hash.AppendData(last.Observation.Element == ElementType.Byte
                    ? last.Observation.Bytes : MemoryMarshal.AsBytes(last.Observation.Floats));
            }
        }
        Assert.StartsWith(then, Convert.ToHexString(hash.GetHashAndReset()));

        Assert.Equal("RLM1"u8.ToArray(), again[..4]);
        for (var k = 0; k < again.Length; k += 1 + again.Length / 20)
        {
            var damaged = again.ToArray();
            damaged[k] ^= 4;
            Assert.Contains("damaged", Assert.Throws<EnvironmentException>(() => restore(damaged)).Message);
        }
        foreach (var cut in (byte[][])[saved[..^1], [.. saved, 0], []])
            Assert.Contains("damaged", Assert.Throws<EnvironmentException>(() => restore(cut)).Message);
        restore(again);
    }

    // Games index without bounds checks: bytes without a checksum must not get there.
    [Fact]
    public void A_games_state_without_its_mark_moves_nothing()
    {
        using var game = Registry.MakeVector("MinAtar/Asterix-v1", 2, new Rng(1));
        game.Reset();
        game.Step([1, 1]);
        var before = game.Snapshot();
        var content = before[4..^8]; // as states of classic control were
        content.AsSpan(30).Fill(255);
        byte[][] damaged = [content, [.. "XLM1"u8, .. content], before[4..]];
        foreach (var state in damaged) Assert.Throws<EnvironmentException>(() => game.Restore(state));
        Assert.Equal(before, game.Snapshot());
    }

    [Fact]
    public void A_state_of_another_wrapper_is_refused_by_name()
    {
        using var sticky = Registry.Make("Classic/CartPole-v1?sticky=0.5", new Rng(1));
        using var clipped = Registry.Make("Classic/CartPole-v1?clip=0.5", new Rng(1));
        sticky.Reset();
        Assert.Contains("the saved state is of 'StickyActions', but this is 'ClipReward'",
            Assert.Throws<EnvironmentException>(() => clipped.Restore(sticky.Snapshot())).Message);
    }
}
