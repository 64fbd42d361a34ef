namespace RlLeap.Environments.Classic;

/// <summary>A pendulum is swung up and kept upright by a torque that is too weak to lift it.</summary>
/// <remarks>
/// The swing-up problem, as in Doya 2000 ("Reinforcement learning in continuous time and space",
/// doi:10.1162/089976600300015961), for a rod of mass 1 and length 1. The angle is 0 upright. Episodes only end by
/// their time limit.
/// </remarks>
internal struct Pendulum : IClassicSystem<Pendulum>
{
    private const double Gravity = 10, Mass = 1, Length = 1, Seconds = 0.05, MostVelocity = 8, MostTorque = 2;

    public double Angle, Velocity;
    private double _torque; // the last one, for pictures

    public static ClassicInfo Info { get; } = new("Pendulum-v1", "a pendulum is swung up and kept upright by a torque",
        Box.Floats(3), [], MostTorque, 200);

    public void Reset(Rng random)
    {
        Angle = ClassicControl.Uniform(random, -Math.PI, Math.PI);
        Velocity = ClassicControl.Uniform(random, -1, 1);
        _torque = 0;
    }

    public bool Step(double action, out double reward)
    {
        _torque = Math.Clamp(action, -MostTorque, MostTorque);
        var angle = Wrapped(Angle);
        reward = -(angle * angle + 0.1 * (Velocity * Velocity) + 0.001 * (_torque * _torque));
        var acceleration = 3 * Gravity / (2 * Length) * Math.Sin(Angle) + 3 / (Mass * Length * Length) * _torque;
        Velocity = Math.Clamp(Velocity + acceleration * Seconds, -MostVelocity, MostVelocity);
        Angle += Velocity * Seconds;
        return false;
    }

    public readonly void Observe(Span<float> row)
    {
        var (sin, cos) = Math.SinCos(Angle);
        (row[0], row[1], row[2]) = ((float)cos, (float)sin, (float)Velocity);
    }

    public readonly void Draw(Canvas canvas)
    {
        canvas.View(-1.8, -1.3, 1.8, 1.3);
        var (sin, cos) = Math.SinCos(Angle);
        canvas.Line(0, 0, -sin, cos, 0.16, Canvas.Orange);
        canvas.Disc(0, 0, 0.06, Canvas.Dark);
        // The torque, as a bar at the bottom.
        canvas.Rectangle(Math.Min(0, -_torque / 2), -1.25, Math.Max(0, -_torque / 2), -1.18, Canvas.Blue);
    }

    // Into [-pi, pi).
    private static double Wrapped(double angle)
    {
        var turns = (angle + Math.PI) % (2 * Math.PI);
        return (turns < 0 ? turns + 2 * Math.PI : turns) - Math.PI;
    }
}
