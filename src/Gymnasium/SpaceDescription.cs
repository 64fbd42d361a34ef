using System.Text.Json;

namespace RlLeap.Gymnasium;

/// <summary>Reads an action space as the bridge describes it (rlleap_spaces.py).</summary>
internal static class SpaceDescription
{
    /// <summary>The space of a description.</summary>
    /// <exception cref="EnvironmentException">The space is empty or its bounds contradict each other.</exception>
    public static Space Read(string id, string description)
    {
        using var document = JsonDocument.Parse(description);
        try
        {
            return Read(document.RootElement);
        }
        catch (EnvironmentException e)
        {
            throw new EnvironmentException($"{id}: its action space cannot be used. {e.Message}", e);
        }
    }

    /// <summary>The images in a flattened observation.</summary>
    public static IReadOnlyList<SpacePart> ReadImages(string description)
    {
        using var document = JsonDocument.Parse(description);
        return [.. document.RootElement.EnumerateArray().Select(image => new SpacePart(image[0].GetString()!,
            Box.Between(0, 1, [.. image[1].EnumerateArray().Select(size => size.GetInt64())]), image[2].GetInt32()))];
    }

    private static Space Read(JsonElement space) => space.GetProperty("kind").GetString() switch
    {
        "discrete" => new Discrete(space.GetProperty("n").GetInt32()),
        "multi-discrete" => new MultiDiscrete([.. List(space, "counts").Select(count => count.GetInt32())]),
        "multi-binary" => new MultiBinary(space.GetProperty("n").GetInt32()),
        "box" => Box.Between(
            Bounds(space, "low", double.NegativeInfinity), Bounds(space, "high", double.PositiveInfinity),
            [.. List(space, "shape").Select(size => size.GetInt64())]),
        _ => new Dict([.. List(space, "parts").Select(part => (part[0].GetString()!, Read(part[1])))]),
    };

    private static IEnumerable<JsonElement> List(JsonElement space, string name) =>
        space.GetProperty(name).EnumerateArray();

    // JSON has no infinity: null stands for it.
    private static double[] Bounds(JsonElement space, string name, double unbounded) =>
        [.. List(space, name).Select(bound => bound.ValueKind == JsonValueKind.Null ? unbounded : bound.GetDouble())];
}
