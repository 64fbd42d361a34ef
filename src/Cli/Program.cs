// The program `rlleap`. A command is a file in Commands/ with a Create(); it is listed here and nowhere else.
using System.CommandLine;
using RlLeap.Cli;
using RlLeap.Cli.Commands;
using RlLeap.Gymnasium;

HangupSafeWriter.Install();
GymnasiumEnvironments.Register();
return Shell.Run(args, Commands());

internal static partial class Program
{
    /// <summary>All commands.</summary>
    internal static RootCommand Commands() =>
        new("Reinforcement learning and meta-learning across tasks. `./rlleap test`, `./rlleap bench` and "
            + "`./rlleap docs` run the tests and the benchmarks and build the API reference.")
            {
                ConfigCommand.Create(),
                DataCommand.Create(),
                Doctor.Create(),
                ExportCommand.Create(),
                Play.Create(),
                ReportCommand.Create(),
                EnvsCommand.Create(),
                GridCommand.Create(),
                Evaluate.Create(),
                MetaTrain.Create(),
                MethodsCommand.Create(),
                NetworksCommand.Create(),
                Status.Create(),
                TaskCommand.Create(),
                Train.Create(),
                WatchCommand.Create(),
            };
}
