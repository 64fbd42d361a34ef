// dotnet run: meta-trains with the method. dotnet test: checks that the method keeps the rules.
// In the program: method: {name: my/my-part} in a config, and --assembly bin/Release/net10.0/MyMethod.dll
using System.Globalization;
using RlLeap;
using RlLeap.Agents;
using RlLeap.MetaLearning;

ITask[] pool =
[
    new ActorCriticTask("Classic/CartPole-v1", ActorCriticOptions.Presets["classic"]),
    new ActorCriticTask("Classic/CartPole-v1?time_limit=100", ActorCriticOptions.Presets["classic"]),
];
var first = (ActorCriticTask)pool[0];
using var learner = new MyMethod().Create(new MetaLearnerContext
{
    Network = first.CreateNetwork(), Pool = pool, Learner = first.LearnerOptions(agentSteps: 8_000),
    MetaOptimizer = new OptimizerOptions { LearningRate = 1 }, Rng = new Rng(1),
});
for (var step = 0; step < 3; step++)
{
    var record = learner.MetaStep(pool, new ThreadExecutor());
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"meta-step {record.MetaStep}: return {record.Mean("return.mean"):0.0}, loss {record.Mean("loss.mean"):0.00}"));
}
