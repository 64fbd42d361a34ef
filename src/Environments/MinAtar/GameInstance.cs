namespace RlLeap.Environments.MinAtar;

/// <summary>One running game as a block of bytes: the board, the random stream, and what is common to all games.</summary>
/// <remarks>Common rules: each step first draws U; below the sticky probability the action executed last is taken again. That memory and the
/// stream survive resets.</remarks>
internal struct GameInstance<TGame> where TGame : unmanaged, IGame<TGame>
{
    public TGame Game;
    public Mt19937 Random;
    public int Last;
    public int Length;
    public double Return;

    /// <summary>Starts an episode.</summary>
    public void Reset()
    {
        Game.Reset(ref Random);
        (Length, Return) = (0, 0);
    }

    /// <summary>Asks for one of the six actions; returns the reward.</summary>
    public int Step(int action, double sticky, bool ramping, int limit, out StepType moment)
    {
        Last = Random.NextDouble() < sticky ? Last : action;
        var ended = false;
        var reward = Game.Step(Last, ramping, ref Random, ref ended);
        Return += reward;
        moment = ended ? StepType.Terminated : ++Length >= limit ? StepType.Truncated : StepType.Mid;
        if (ended) Length++;
        return reward;
    }
}
