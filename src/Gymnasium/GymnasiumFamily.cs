using Python.Runtime;

namespace RlLeap.Gymnasium;

/// <summary>"gym:CartPole-v1?key=value", "gym:my_module:MyEnv-v0": gymnasium's and the user's environments.</summary>
/// <remarks>
/// What follows the question mark goes to the environment as keyword arguments (Python literals, else text), but for
/// RlLeap's own options. A module before the colon is imported from the current folder or PYTHONPATH; a name after it
/// that is a class of the module needs no registration, and where its constructor takes num_envs it is a vector
/// environment.
/// </remarks>
internal sealed class GymnasiumFamily : IEnvironmentFamily
{
    private static readonly EnvironmentOption[] Own =
    [
        new("vectorization", "auto", "auto, native (the environment's own vector), singles (N stepped in turn) or sync "
            + "(gymnasium's SyncVectorEnv)"),
        new("layout", "planes", "planes: images [H, W, C] become [C, H, W]; as-is: left alone"),
        new("timeout", "60", "seconds until an environment that does not answer counts as hung; 0 waits for ever"),
        new("clip", "0", "clip rewards to plus or minus this bound; 0 does not; recorded returns stay raw"),
    ];

    public string Prefix => "gym:";

    public string Summary => "any environment registered with gymnasium, or gym:module:Id for your own Python";

    public IEnumerable<string> KnownIds() => [];

    public EnvironmentEntry? Find(string id)
    {
        var name = id[Prefix.Length..];
        if (name.Length == 0) throw new EnvironmentException(
            "gym: needs a name: gym:CartPole-v1, or gym:my_module:MyEnv-v0 for one of your own.");
        return new EnvironmentEntry(id, Summary,
            (rng, options) => new PythonEnvironment(Make(name, 1, _ => rng, options)))
        {
            Options = Own,
            TakesAnyOption = true,
            MakeVector = (count, rng, options, _) => Make(name, count, i => rng.Split("environment", i), options),
        };
    }

    private static PythonVector Make(string name, int count, Func<int, Rng> stream, EnvironmentOptions options)
    {
        var vectorization = options.Choice("vectorization", "auto", "native", "singles", "sync");
        var arguments = options.Given.Where(pair => Own.All(own => own.Name != pair.Key)).ToArray();
        return new PythonVector(new PythonRequest(options.Id, count, bridge =>
        {
            using var given = new PyDict();
            foreach (var (key, value) in arguments)
            {
                using PyObject text = value.ToPython();
                given[key] = text;
            }
            using PyObject id = name.ToPython(), n = count.ToPython(), mode = vectorization.ToPython();
            return bridge.InvokeMethod("make", id, n, mode, given);
        })
        {
            Stream = stream,
            Timeout = TimeSpan.FromSeconds(options.Double("timeout", 0, 86400)),
            Clip = (float)options.Double("clip", 0),
            Planes = options.Choice("layout", "planes", "as-is") == "planes",
            Options = options.Resolved,
        });
    }
}
