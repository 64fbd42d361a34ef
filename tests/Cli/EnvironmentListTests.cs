// What the terminal shows of environments and of their rules.
using RlLeap.Cli.Commands;
using RlLeap.Environments;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class EnvironmentListTests
{
    private static string List(string? prefix, params (string Id, string Summary)[] own)
    {
        var builtIn = Registry.List().Select(entry => entry.Id).Except(own.Select(entry => entry.Id)).ToHashSet();
        var output = new StringWriter();
        EnvironmentList.Print([.. Registry.List().Where(entry => builtIn.Contains(entry.Id)), .. own], builtIn, prefix,
            output);
        return output.ToString().ReplaceLineEndings("\n");
    }

    [Fact]
    public void Own_ids_come_first_and_options_stand_below_what_takes_them()
    {
        var list = List(null, ("MinAtar/Breakout-v1", "my own of that name's family"));
        Assert.StartsWith("MinAtar/  (yours)\n  MinAtar/Breakout-v1  my own of that name's family\n    ?sticky=0.1",
            list, StringComparison.Ordinal);
        var mountainCar = list[list.IndexOf("  Classic/MountainCar-v0", StringComparison.Ordinal)..].Split('\n');
        Assert.StartsWith("    ?time_limit=200  ", mountainCar[1], StringComparison.Ordinal);
        Assert.Contains("Every id takes:\n  render ", list, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_ids_that_are_described_alike_are_folded_unless_they_are_asked_for()
    {
        (string, string)[] many = [.. Enumerable.Range(0, 30).Select(n => ("MinAtar/Breakout-v1", "one of many"))];
        var folded = List(null, many);
        Assert.Contains("  30 ids, one of many:\n    Breakout-v1, Breakout-v1, ", folded, StringComparison.Ordinal);
        Assert.All(folded.Split('\n'), line => Assert.True(line.Length <= 120, line));
        var each = List("MinAtar/B", many);
        Assert.DoesNotContain("30 ids", each, StringComparison.Ordinal);
        Assert.Equal(30, each.Split("one of many").Length - 1);
        Assert.DoesNotContain("Classic/", each, StringComparison.Ordinal);
        Assert.Contains("No environment begins with Min/", Assert.Throws<RlLeapException>(() => List("Min/")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_that_does_not_apply_is_not_said_to_hold()
    {
        var pendulum = ProgramProcess.Succeed("envs", "check", "Classic/Pendulum-v1", "--steps", "100");
        Assert.Contains("-   Actions out of range are refused and change nothing: does not apply", pendulum,
            StringComparison.Ordinal);
        Assert.Contains($"keeps all {EnvironmentCheck.Rules.Count - 1} rules that apply.", pendulum,
            StringComparison.Ordinal);
        var mlp = ProgramProcess.Succeed("networks", "check", "mlp", "--input", "4");
        Assert.Contains("-   Layer by layer gives the same features: does not apply", mlp, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => NetworkCheck.WhyNotApplied("no rule", null!));
        Assert.Throws<ArgumentException>(() => EnvironmentCheck.WhyNotApplied("no rule", null!));
    }

    [Fact]
    public void Before_an_episode_has_ended_the_line_says_so_in_words()
    {
        using var folder = new TempFolder();
        var output = ProgramProcess.Succeed("train", "MinAtar/Freeway-v1", "--agent-steps", "480", "--directory",
            folder["a"], "--set", "record.evaluation-episodes=0");
        Assert.Contains("no episode ended yet", output, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", output, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", File.ReadAllText(folder["a/run.log"]), StringComparison.Ordinal);
    }

    [Fact]
    public void An_agent_is_told_what_it_can_play_in_words_about_observations()
    {
        using var folder = new TempFolder();
        ProgramProcess.Succeed("train", "MinAtar/Breakout-v1", "--agent-steps", "160", "--directory", folder["a"],
            "--set", "record.evaluation-episodes=0");
        foreach (var id in new[] { "MinAtar/Asterix-v1", "Classic/CartPole-v1" })
        {
            var (code, _, error) = ProgramProcess.Run("play", folder["a"], "--task", id);
            Assert.Equal(1, code);
            Assert.Contains("It plays only what has the same shape", error, StringComparison.Ordinal);
            Assert.Contains(id, error, StringComparison.Ordinal);
        }
        Assert.Contains("cut there by --max-steps 3", ProgramProcess.Succeed("play", folder["a"], "--max-steps", "3"),
            StringComparison.Ordinal);
    }
}
