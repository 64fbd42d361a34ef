namespace RlLeap.Environments.Classic;

/// <summary>A double pendulum with a motor at its elbow swings its tip above a line.</summary>
/// <remarks>
/// Sutton 1996 ("Generalization in reinforcement learning: successful examples using sparse coarse coding"), with the
/// equations of Sutton and Barto's book, integrated by a Runge-Kutta step of fourth order. Angles are 0 where the links
/// hang down.
/// </remarks>
internal struct Acrobot : IClassicSystem<Acrobot>
{
    private const double Seconds = 0.2, Length = 1, Mass = 1, Centre = 0.5, Inertia = 1, Gravity = 9.8;
    private const double MostVelocity1 = 4 * Math.PI, MostVelocity2 = 9 * Math.PI;

    public double Angle1, Angle2, Velocity1, Velocity2;

    public static ClassicInfo Info { get; } = new("Acrobot-v1", "a double pendulum swings its tip above a line",
        Box.Floats(6), ["clockwise", "none", "counter-clockwise"], 0, 500);

    public void Reset(Rng random)
    {
        Angle1 = ClassicControl.Uniform(random, -0.1, 0.1);
        Angle2 = ClassicControl.Uniform(random, -0.1, 0.1);
        Velocity1 = ClassicControl.Uniform(random, -0.1, 0.1);
        Velocity2 = ClassicControl.Uniform(random, -0.1, 0.1);
    }

    public bool Step(double action, out double reward)
    {
        var (torque, half) = (action - 1, Seconds / 2);
        var start = this;
        var k1 = start.Slope(torque);
        var k2 = start.Along(k1, half).Slope(torque);
        var k3 = start.Along(k2, half).Slope(torque);
        var k4 = start.Along(k3, Seconds).Slope(torque);
        const double Sixth = Seconds / 6;
        Angle1 = Wrapped(start.Angle1 + Sixth * (k1.Angle1 + 2 * k2.Angle1 + 2 * k3.Angle1 + k4.Angle1));
        Angle2 = Wrapped(start.Angle2 + Sixth * (k1.Angle2 + 2 * k2.Angle2 + 2 * k3.Angle2 + k4.Angle2));
        Velocity1 = Math.Clamp(
            start.Velocity1 + Sixth * (k1.Velocity1 + 2 * k2.Velocity1 + 2 * k3.Velocity1 + k4.Velocity1),
            -MostVelocity1, MostVelocity1);
        Velocity2 = Math.Clamp(
            start.Velocity2 + Sixth * (k1.Velocity2 + 2 * k2.Velocity2 + 2 * k3.Velocity2 + k4.Velocity2),
            -MostVelocity2, MostVelocity2);
        var above = -Math.Cos(Angle1) - Math.Cos(Angle2 + Angle1) > 1;
        reward = above ? 0 : -1;
        return above;
    }

    public readonly void Observe(Span<float> row)
    {
        var (sin1, cos1) = Math.SinCos(Angle1);
        var (sin2, cos2) = Math.SinCos(Angle2);
        (row[0], row[1], row[2], row[3]) = ((float)cos1, (float)sin1, (float)cos2, (float)sin2);
        (row[4], row[5]) = ((float)Velocity1, (float)Velocity2);
    }

    public readonly void Draw(Canvas canvas)
    {
        canvas.View(-2.4, -2.2, 2.4, 2.2);
        canvas.Line(-2.4, 1, 2.4, 1, 0.02, Canvas.Grey);
        var (x, y) = (Length * Math.Sin(Angle1), -Length * Math.Cos(Angle1));
        var (tipX, tipY) = (x + Length * Math.Sin(Angle1 + Angle2), y - Length * Math.Cos(Angle1 + Angle2));
        canvas.Line(0, 0, x, y, 0.14, Canvas.Blue);
        canvas.Line(x, y, tipX, tipY, 0.14, Canvas.Orange);
        canvas.Disc(0, 0, 0.1, Canvas.Dark);
        canvas.Disc(x, y, 0.1, Canvas.Dark);
    }

    // The time derivative of the state.
    private readonly Acrobot Slope(double torque)
    {
        var (sin2, cos2) = Math.SinCos(Angle2);
        var d1 = Mass * Centre * Centre
            + Mass * (Length * Length + Centre * Centre + 2 * Length * Centre * cos2) + Inertia + Inertia;
        var d2 = Mass * (Centre * Centre + Length * Centre * cos2) + Inertia;
        var phi2 = Mass * Centre * Gravity * Math.Cos(Angle1 + Angle2 - Math.PI / 2);
        var phi1 = -Mass * Length * Centre * Velocity2 * Velocity2 * sin2
            - 2 * Mass * Length * Centre * Velocity2 * Velocity1 * sin2
            + (Mass * Centre + Mass * Length) * Gravity * Math.Cos(Angle1 - Math.PI / 2) + phi2;
        var acceleration2 = (torque + d2 / d1 * phi1 - Mass * Length * Centre * Velocity1 * Velocity1 * sin2 - phi2)
            / (Mass * Centre * Centre + Inertia - d2 * d2 / d1);
        var acceleration1 = -(d2 * acceleration2 + phi1) / d1;
        return new Acrobot
        {
            Angle1 = Velocity1, Angle2 = Velocity2, Velocity1 = acceleration1, Velocity2 = acceleration2,
        };
    }

    private readonly Acrobot Along(in Acrobot slope, double seconds) => new()
    {
        Angle1 = Angle1 + seconds * slope.Angle1, Angle2 = Angle2 + seconds * slope.Angle2,
        Velocity1 = Velocity1 + seconds * slope.Velocity1, Velocity2 = Velocity2 + seconds * slope.Velocity2,
    };

    private static double Wrapped(double angle)
    {
        while (angle > Math.PI) angle -= 2 * Math.PI;
        while (angle < -Math.PI) angle += 2 * Math.PI;
        return angle;
    }
}
