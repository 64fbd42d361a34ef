namespace RlLeap.Environments;

/// <summary>An environment in this process did not answer in time. It cannot be stopped: save what there is, then leave.</summary>
/// <remarks>
/// The thread inside Python is lost, and with it possibly the GIL: nothing that needs Python works any more. Saving tensors does. Leave by
/// returning from Main or by Environment.Exit; what hosts Python then ends the process at once (_exit), where it would hang otherwise.
/// </remarks>
public sealed class EnvironmentHangException(string message) : EnvironmentException(message);
