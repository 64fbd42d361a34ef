// Every option and argument of every command: whatever is given, the program says what is wrong in a line, and does
// nothing.
using System.CommandLine;
using RlLeap.Cli;
using RlLeap.Cli.Commands;
using Xunit;

namespace RlLeap.Tests.Cli;

// Alone: it changes the current folder, which programs that other tests start would begin in.
[Collection("alone")]
public sealed class ArgumentTests
{
    private static readonly string[] Values =
        ["", " ", "abc", "-3", "0", "1.5", "1e400", "1e19", "99999999999999999999", "NaN", "Infinity", "1,5", "--",
            "-", "a=b", "=", "@file", "/no/such/place", "/dev/null", "/dev/null/x", "\u00e9\n"];

    // What would change this machine or take minutes is left out, and what needs nothing: it lists.
    private static readonly string[] LeftOut =
    [
        "doctor", "data get", "data", "data list", "envs", "envs list", "networks", "networks list", "methods",
        "methods list",
        "config", "config keys",
    ];

    public static TheoryData<string> Commands =>
        [.. Leaves(Program.Commands(), "").Where(name => !LeftOut.Contains(name))];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Nonsense_in_any_option_is_one_message_and_no_defect(string name)
    {
        using var temp = new TempFolder();
        var before = Directory.GetCurrentDirectory();
        var command = Find(name);
        var tried = 0;
        try
        {
            Directory.SetCurrentDirectory(temp.Root);
            foreach (var option in command.Options.Where(option => option.Name is not ("--help" or "--version")))
                foreach (var value in Values)
                    Check([.. Begin(), option.Name, value], option);
            foreach (var value in Values) Check([.. name.Split(' '), value], null);
        }
        finally { Directory.SetCurrentDirectory(before); }
        Assert.True(tried > 0);

        IEnumerable<string> Begin() =>
            [.. name.Split(' '), .. command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > 0)
            .Select(_ => "/no/such/run")];

        void Check(string[] arguments, Option? option)
        {
            tried++;
            var (exit, error) = Run(arguments);
            var call = string.Join(' ', arguments.Select(a => $"'{a}'"));
            Assert.True(exit is 1 or 2, $"{call}: exit {exit}: {error}");
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
            Assert.StartsWith("rlleap: ", error, StringComparison.Ordinal);
            // A number that is none is wrong usage, whatever else is wrong.
            if (option is not null && IsNumber(option)
                && arguments[^1] is "abc" or "NaN" or "1e400" or "Infinity") Assert.Equal(2, exit);
            Assert.Empty(Directory.GetFileSystemEntries(temp.Root));
        }
    }

    [Fact]
    public void No_number_bypasses_the_reader_of_scalars()
    {
        foreach (var name in Leaves(Program.Commands(), ""))
            foreach (var option in Find(name).Options.Where(IsNumber))
                Assert.True(option.GetType().GetProperty("CustomParser")!.GetValue(option) is not null,
                    $"{name} {option.Name} is not a CheckedOption");
    }

    [Theory]
    [InlineData("a,b", "a", "b"),
        InlineData("MinAtar/A-v0?planes=10,MinAtar/B-v0", "MinAtar/A-v0?planes=10", "MinAtar/B-v0"),
        InlineData("gym:x/A?size=1,2", "gym:x/A?size=1,2"), InlineData("a,,b", "a", "b")]
    public void Names_may_have_commas_between(string given, params string[] names) =>
        Assert.Equal(names, CheckedOption.Names([given]));

    [Theory]
    [InlineData("report", "--bootstrap", "1e4", "/no/such/run/result.json is not there")]
    [InlineData("evaluate", "--agent-steps", "5e6", "holds no run")]
    public void Numbers_may_be_written_as_in_configs(string command, string option, string value, string expected)
    {
        var (exit, error) = Run([command, "/no/such/run", option, value]);
        Assert.Equal(1, exit);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    private static bool IsNumber(Option option) =>
        (Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) is var type
        && (type == typeof(int) || type == typeof(long) || type == typeof(double));

    private static IEnumerable<string> Leaves(Command command, string path) => command.Subcommands
        .SelectMany(sub => Leaves(sub, $"{path} {sub.Name}".Trim())).Concat(path.Length > 0 ? [path] : []);

    private static Command Find(string name) =>
        name.Split(' ').Aggregate((Command)Program.Commands(), (command, word) =>
        command.Subcommands.Single(sub => sub.Name == word));

    private static (int Exit, string Error) Run(string[] arguments)
    {
        var (output, error) = (Console.Out, Console.Error);
        var said = new StringWriter();
        Console.SetOut(TextWriter.Null);
        Console.SetError(said);
        try { return (Shell.Run(arguments, Program.Commands()), said.ToString()); }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }
}
