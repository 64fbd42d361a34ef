using System.Collections;
using System.Text.RegularExpressions;
using TorchSharp.PyBridge;

namespace RlLeap.MetaLearning;

/// <summary>What became of a file's weights, and what a model did not get from it.</summary>
/// <param name="Loaded">Entries of the model that got values, by the names that files use.</param>
/// <param name="Missing">Entries of the model that the file does not have: they stay as they were.</param>
/// <param name="Unused">Names of the file, after renaming, that the model does not have.</param>
/// <param name="Misshapen">Entries that both have in other shapes, with both shapes: they stay as they were.</param>
public sealed record WeightMatch(
    IReadOnlyList<string> Loaded, IReadOnlyList<string> Missing, IReadOnlyList<string> Unused,
    IReadOnlyList<string> Misshapen)
{
    /// <summary>Whether every entry of the model got its values and nothing of the file is left over.</summary>
    public bool IsComplete => Missing.Count + Unused.Count + Misshapen.Count == 0;

    /// <summary>How many were loaded, and every name that was not.</summary>
    public override string ToString() => $"{Loaded.Count} loaded" + Part("missing in the file", Missing)
        + Part("not in the model", Unused) + Part("of another shape", Misshapen);

    private static string Part(string what, IReadOnlyList<string> names) =>
        names.Count == 0 ? "" : $"; {names.Count} {what}: {string.Join(", ", names)}";
}

/// <summary>Weights of PyTorch for models of ours: state dicts (.pt, .pth, .bin) and safetensors files.</summary>
/// <example>
/// <code>
/// var match = PretrainedWeights.Load(model, "resnet18.pth", ["^layer" => "body.layer"]);
/// Console.WriteLine(match);      // 120 loaded; 2 not in the model: fc.weight, fc.bias
/// </code>
/// </example>
public static class PretrainedWeights
{
    /// <summary>All tensors of a file by name, on the CPU. They join the caller's dispose scope.</summary>
    /// <param name="path">A .safetensors file, or a state dict that torch.save wrote (PyTorch 1.6 or later).</param>
    /// <exception cref="RlLeapException">The file is missing or damaged, or it is something else.</exception>
    public static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        if (Path.GetExtension(path) == ".safetensors") return SafeTensors.Read(path).Tensors;
        Hashtable state;
        try
        {
            state = PyTorchUnpickler.UnpickleStateDict(path);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new RlLeapException($"{path} is not a state dict that torch.save wrote: {e.Message.TrimEnd('.')}. "
                + "Save one by torch.save(module.state_dict(), path), or as safetensors.", e);
        }
        return state.Cast<DictionaryEntry>().Where(entry => entry.Value is Tensor)
            .ToDictionary(entry => (string)entry.Key, entry => (Tensor)entry.Value!);
    }

    /// <summary>Puts a file's weights into a model; see <see cref="Load(Model, IReadOnlyDictionary{string, Tensor},
    /// IEnumerable{ValueTuple{string, string}}?)"/>.</summary>
    public static WeightMatch Load(
        Model model, string path, IEnumerable<(string Pattern, string Replacement)>? renames = null)
    {
        using var scope = NewDisposeScope();
        return Load(model, Read(path), renames);
    }

    /// <summary>Puts weights into a model by their names: parameters and statistics of batch norm.</summary>
    /// <remarks>
    /// What does not match stays as it was and is listed. Counters of batch norm (num_batches_tracked) are passed over.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="weights">By the names of PyTorch.</param>
    /// <param name="renames">
    /// Regular expressions and their replacements, applied to every name in this order; null for none.
    /// </param>
    /// <exception cref="RlLeapException">Two weights get one name.</exception>
    public static WeightMatch Load(
        Model model, IReadOnlyDictionary<string, Tensor> weights,
        IEnumerable<(string Pattern, string Replacement)>? renames = null)
    {
        using var _ = no_grad();
        var rules = renames?.ToList() ?? [];
        var given = new Dictionary<string, Tensor>();
        foreach (var (name, value) in weights)
        {
            var renamed = rules.Aggregate(name, (now, rule) => Regex.Replace(now, rule.Pattern, rule.Replacement));
            if (renamed.EndsWith("num_batches_tracked", StringComparison.Ordinal)) continue;
            if (!given.TryAdd(renamed, value))
                throw new RlLeapException($"Two weights are called {renamed} after renaming; one of them is {name}.");
        }
        var (loaded, missing, misshapen) = (new List<string>(), new List<string>(), new List<string>());
        Fill(model.Parameters);
        Fill(model.Buffers);
        return new WeightMatch(loaded, missing, [.. given.Keys.Order(StringComparer.Ordinal)], misshapen);

        void Fill(ParameterVector vector)
        {
            foreach (var (i, entry) in vector.Layout.Entries.Index())
            {
                if (!given.Remove(entry.Name, out var value)) missing.Add(entry.Name);
                else if (!value.shape.AsSpan().SequenceEqual(entry.Shape))
                    misshapen.Add($"{entry} is {Shape.Text(value.shape)} in the file");
                else
                {
                    vector.Views[i].copy_(value);
                    loaded.Add(entry.Name);
                }
            }
        }
    }
}
