namespace RlLeap.Environments.Classic;

/// <summary>The car on the hill, with a force from -1 to 1 that costs energy.</summary>
/// <remarks>Moore 1990, with a continuous action; the state is kept in single precision, as recorded transitions
/// show.</remarks>
internal struct MountainCarContinuous : IClassicSystem<MountainCarContinuous>
{
    private const double Power = 0.0015, Goal = 0.45;

    public double Position, Velocity;

    public static ClassicInfo Info { get; } = new("MountainCarContinuous-v0", "a weak car swings up a hill, by a force",
        Box.Floats(2), [], 1, 999);

    public void Reset(Rng random) => (Position, Velocity) = ((float)ClassicControl.Uniform(random, -0.6, -0.4), 0);

    public bool Step(double action, out double reward)
    {
        var force = Math.Clamp(action, -1, 1);
        var velocity = Velocity + force * Power - MountainCar.Slope * Math.Cos(3 * Position);
        velocity = Math.Clamp(velocity, -MountainCar.MostVelocity, MountainCar.MostVelocity);
        var position = Math.Clamp(Position + velocity, MountainCar.Left, MountainCar.Right);
        if (position == MountainCar.Left && velocity < 0) velocity = 0;
        var reached = position >= Goal && velocity >= 0;
        reward = (reached ? 100 : 0) - 0.1 * action * action;
        (Position, Velocity) = ((float)position, (float)velocity);
        return reached;
    }

    public readonly void Observe(Span<float> row) => (row[0], row[1]) = ((float)Position, (float)Velocity);

    public readonly void Draw(Canvas canvas) => MountainCar.Draw(canvas, Position, Goal);
}
