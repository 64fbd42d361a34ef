// Eight searches side by side, walking at random: what an agent sees of an environment.
using RlLeap;
using RlLeap.Environments;

Registry.Register(typeof(Program).Assembly);
var rng = new Rng(seed: 1);
using var vector = Registry.MakeVector("my/Treasure-v1?size=5", count: 8, rng.Split("environments"), threads: 2);

var actions = new int[vector.Count];
var (episodes, total) = (0, 0.0);
vector.Reset();
for (var step = 0; step < 1000; step++)
{
    // vector.Observations is one [8, 2, 5, 5] array; a policy would read it here.
    for (var i = 0; i < actions.Length; i++) actions[i] = rng.NextInt(((Discrete)vector.Spec.Action).Count);
    vector.Step(actions);
    foreach (var episode in vector.Finished)
    {
        episodes++;
        total += episode.Return;
    }
}
Console.WriteLine($"{episodes} episodes, mean return {total / episodes:F2}");
