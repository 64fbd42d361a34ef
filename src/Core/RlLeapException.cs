namespace RlLeap;

/// <summary>An error that a user can act on: its message says what is wrong, where, and what to do about it.</summary>
/// <remarks>
/// The program prints the message alone and leaves with exit code 1; anything else that escapes is a defect.
/// </remarks>
public class RlLeapException(string message, Exception? inner = null) : Exception(message, inner);
