namespace RlLeap.Benchmarks;

/// <summary>One benchmark: a measurement that prints its own table. Listed in Program.cs and nowhere else.</summary>
public interface IBenchmark
{
    /// <summary>What follows `rlleap bench`.</summary>
    string Name { get; }

    /// <summary>One line for the list.</summary>
    string Summary { get; }

    /// <summary>Measures and prints; 0 when every limit it states was met.</summary>
    int Run(string[] args);
}
