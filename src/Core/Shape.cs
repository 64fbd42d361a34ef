namespace RlLeap;

/// <summary>Shape checks for public numeric functions: libtorch's message comes late, or never.</summary>
public static class Shape
{
    /// <summary>Requires exactly this shape; a size of -1 stands for any.</summary>
    /// <exception cref="ArgumentException">Names the argument, its shape and the expected one.</exception>
    public static void Require(Tensor tensor, string name, params ReadOnlySpan<long> sizes)
    {
        var shape = tensor.shape;
        var fits = shape.Length == sizes.Length;
        for (var i = 0; fits && i < sizes.Length; i++) fits = sizes[i] < 0 || sizes[i] == shape[i];
        if (!fits) throw new ArgumentException($"{name} must have the shape {Text(sizes)} but has {Text(shape)}.");
    }

    /// <summary>"[2, any, 3]".</summary>
    public static string Text(ReadOnlySpan<long> sizes)
    {
        var words = new string[sizes.Length];
        for (var i = 0; i < words.Length; i++) words[i] = sizes[i] < 0 ? "any" : sizes[i].ToString();
        return $"[{string.Join(", ", words)}]";
    }
}
