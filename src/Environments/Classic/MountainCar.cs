namespace RlLeap.Environments.Classic;

/// <summary>A car that is too weak for a hill swings up to the flag on it.</summary>
/// <remarks>Moore 1990 ("Efficient memory-based learning for robot control", Cambridge), in the form of Sutton and
/// Barto's book, with the goal at 0.5.</remarks>
internal struct MountainCar : IClassicSystem<MountainCar>
{
    internal const double Left = -1.2, Right = 0.6, MostVelocity = 0.07, Slope = 0.0025;
    private const double Push = 0.001, Goal = 0.5;

    public double Position, Velocity;

    public static ClassicInfo Info { get; } = new("MountainCar-v0", "a weak car swings up a hill", Box.Floats(2),
        ["left", "none", "right"], 0, 200);

    public void Reset(Rng random) => (Position, Velocity) = (ClassicControl.Uniform(random, -0.6, -0.4), 0);

    public bool Step(double action, out double reward)
    {
        Velocity += (action - 1) * Push + Math.Cos(3 * Position) * -Slope;
        Velocity = Math.Clamp(Velocity, -MostVelocity, MostVelocity);
        Position = Math.Clamp(Position + Velocity, Left, Right);
        if (Position == Left && Velocity < 0) Velocity = 0;
        reward = -1;
        return Position >= Goal && Velocity >= 0;
    }

    public readonly void Observe(Span<float> row) => (row[0], row[1]) = ((float)Position, (float)Velocity);

    public readonly void Draw(Canvas canvas) => Draw(canvas, Position, Goal);

    internal static void Draw(Canvas canvas, double position, double goal)
    {
        canvas.View(Left, -0.1, Right, 1.3);
        const int Parts = 60;
        for (var i = 0; i < Parts; i++)
        {
            var (x, next) = (Left + (Right - Left) * i / Parts, Left + (Right - Left) * (i + 1) / Parts);
            canvas.Line(x, Height(x), next, Height(next), 0.015, Canvas.Grey);
        }
        canvas.Line(goal, Height(goal), goal, Height(goal) + 0.2, 0.015, Canvas.Dark);
        canvas.Rectangle(goal, Height(goal) + 0.12, goal + 0.1, Height(goal) + 0.2, Canvas.Orange);
        canvas.Disc(position, Height(position) + 0.05, 0.05, Canvas.Blue);
    }

    private static double Height(double x) => 0.45 * Math.Sin(3 * x) + 0.55;
}
