using RlLeap.Environments;

namespace RlLeap.Gymnasium;

/// <summary>
/// Makes gymnasium's environments ("gym:...") and the Arcade Learning Environment ("ALE/...") known to
/// <see cref="Registry"/>.
/// </summary>
public static class GymnasiumEnvironments
{
    /// <summary>
    /// Registers both families. Needs no Python: it is found when the first environment is made. A second call changes
    /// nothing.
    /// </summary>
    public static void Register()
    {
        Registry.Register(new GymnasiumFamily());
        Registry.Register(new AleFamily());
    }
}
