// dotnet run: trains an agent with the network. dotnet test: checks that the network keeps the rules.
// In the program: rlleap train Classic/CartPole-v1 --set agent.network=my/my-part --assembly
// bin/Release/net10.0/MyNetwork.dll
using System.Globalization;
using RlLeap;
using RlLeap.Agents;

Networks.Register(typeof(MyNetwork).Assembly);
var options = ActorCriticOptions.Presets["classic"] with { Network = "my/my-part?units=64" };
var task = new ActorCriticTask("Classic/CartPole-v1", options);
using var learner = new Learner(task, task.CreateNetwork(), task.LearnerOptions(agentSteps: 20_000), new Rng(1));
while (!learner.IsDone) learner.TrainStep();
var episodes = ((IAgentStream)learner.Stream).Episodes;
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{episodes.Count} episodes with "
    + $"{learner.Model.Network.Name}; mean return of the last hundred: {episodes.MeanReturn:0.0}"));
