// dotnet run: trains an agent on the environment. dotnet test: checks that the environment keeps the rules.
// In the program: rlleap train my/my-part --assembly bin/Release/net10.0/MyMaze.dll
using System.Globalization;
using RlLeap;
using RlLeap.Agents;
using RlLeap.Environments;

Registry.Register(typeof(MyMaze).Assembly);
var task = new ActorCriticTask("my/my-part?length=8", ActorCriticOptions.Presets["classic"]);
using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(agentSteps: 20_000), new Rng(1));
while (!learner.IsDone) learner.TrainStep();
var episodes = ((IAgentStream)learner.Stream).Episodes;
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{episodes.Count} episodes; the last hundred took "
    + $"{episodes.MeanLength:0.0} steps, return {episodes.MeanReturn:0.00} (means)"));
