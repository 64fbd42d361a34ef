namespace RlLeap.Environments.Classic;

/// <summary>A pole on a cart is kept upright by pushing the cart left or right.</summary>
/// <remarks>
/// Barto, Sutton and Anderson 1983 (doi:10.1109/TSMC.1983.6313077), with the equations of motion without friction as
/// Florian 2007 ("Correct equations for the dynamics of the cart-pole system") gives them, integrated by Euler's
/// method.
/// </remarks>
internal struct CartPole : IClassicSystem<CartPole>
{
    private const double Gravity = 9.8, CartMass = 1, PoleMass = 0.1, HalfLength = 0.5, Force = 10, Seconds = 0.02;
    private const double Mass = CartMass + PoleMass, PoleMoment = PoleMass * HalfLength;
    private const double MostX = 2.4, MostAngle = 12 * 2 * Math.PI / 360;

    public double X, Velocity, Angle, AngularVelocity;

    public static ClassicInfo Info { get; } = new("CartPole-v1", "a pole on a cart is kept upright", Box.Floats(4),
        ["left", "right"], 0, 500);

    public void Reset(Rng random)
    {
        X = ClassicControl.Uniform(random, -0.05, 0.05);
        Velocity = ClassicControl.Uniform(random, -0.05, 0.05);
        Angle = ClassicControl.Uniform(random, -0.05, 0.05);
        AngularVelocity = ClassicControl.Uniform(random, -0.05, 0.05);
    }

    public bool Step(double action, out double reward)
    {
        var force = action == 1 ? Force : -Force;
        var (sin, cos) = Math.SinCos(Angle);
        var push = (force + PoleMoment * (AngularVelocity * AngularVelocity) * sin) / Mass;
        var angular = (Gravity * sin - cos * push) / (HalfLength * (4.0 / 3.0 - PoleMass * (cos * cos) / Mass));
        var linear = push - PoleMoment * angular * cos / Mass;
        X += Seconds * Velocity;
        Velocity += Seconds * linear;
        Angle += Seconds * AngularVelocity;
        AngularVelocity += Seconds * angular;
        reward = 1;
        return X < -MostX || X > MostX || Angle < -MostAngle || Angle > MostAngle;
    }

    public readonly void Observe(Span<float> row) =>
        (row[0], row[1], row[2], row[3]) = ((float)X, (float)Velocity, (float)Angle, (float)AngularVelocity);

    public readonly void Draw(Canvas canvas)
    {
        canvas.View(-MostX, -0.6, MostX, 1.8);
        canvas.Line(-MostX, 0, MostX, 0, 0.02, Canvas.Grey);
        canvas.Rectangle(X - 0.25, -0.12, X + 0.25, 0.12, Canvas.Dark);
        var (sin, cos) = Math.SinCos(Angle);
        canvas.Line(X, 0, X + 2 * HalfLength * sin, 2 * HalfLength * cos, 0.08, Canvas.Orange);
        canvas.Disc(X, 0, 0.06, Canvas.Blue);
    }
}
