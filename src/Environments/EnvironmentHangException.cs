namespace RlLeap.Environments;

/// <summary>An environment in this process did not answer in time. It cannot be stopped: save and exit.</summary>
/// <remarks>
/// The thread that hangs inside Python may hold the GIL, so nothing that needs Python works any more. Saving tensors
/// works. Exit by returning from Main or by Environment.Exit. A normal shutdown of Python would hang too, so its host
/// then ends the process at once (_exit).
/// </remarks>
public sealed class EnvironmentHangException(string message) : EnvironmentException(message);
