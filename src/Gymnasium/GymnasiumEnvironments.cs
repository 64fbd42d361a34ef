namespace RlLeap.Gymnasium;

/// <summary>Makes gymnasium ("gym:...") and Atari ("ALE/...") known to <see cref="Registry"/>.</summary>
public static class GymnasiumEnvironments
{
    /// <summary>Registers both families, once. Python is looked for when the first environment is made.</summary>
    public static void Register()
    {
        Registry.Register(new GymnasiumFamily());
        Registry.Register(new AleFamily());
    }
}
