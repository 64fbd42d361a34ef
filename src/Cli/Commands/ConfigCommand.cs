using System.CommandLine;

namespace RlLeap.Cli.Commands;

/// <summary>Prints the reference of all keys.</summary>
public static class ConfigCommand
{
    public static Command Create()
    {
        var keys = new Command("keys",
            "Every key: its values, its default and what it does. docs/config-keys.md is made by it.");
        keys.Add(Plugins.Option());
        keys.SetAction(_ => Console.Write(KeyReference.Markdown(Methods.Ids)));
        return new Command("config", "Config files.") { keys };
    }
}
