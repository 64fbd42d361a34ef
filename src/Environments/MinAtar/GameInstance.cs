namespace RlLeap.Environments.MinAtar;

/// <summary>One running game: its board, its random stream, and what all games have in common.</summary>
/// <remarks>
/// Each step first draws a uniform number. If it is below the sticky probability, the last executed action is taken
/// again. A reset restarts neither the random stream nor the last action. The type is a plain value, so that an array
/// of games is one block of memory.
/// </remarks>
internal struct GameInstance<TGame> where TGame : unmanaged, IGame<TGame>
{
    public TGame Game;
    public Mt19937 Random;
    public int LastAction;
    public int Length;
    public double Return;

    /// <summary>Starts an episode.</summary>
    public void Reset()
    {
        Game.Reset(ref Random);
        (Length, Return) = (0, 0);
    }

    /// <summary>Requests one of the six actions and returns the reward.</summary>
    public int Step(int action, double sticky, bool ramping, int limit, out StepType type)
    {
        LastAction = Random.NextDouble() < sticky ? LastAction : action;
        var ended = false;
        var reward = Game.Step(LastAction, ramping, ref Random, ref ended);
        Return += reward;
        type = ended ? StepType.Terminated : ++Length >= limit ? StepType.Truncated : StepType.Mid;
        if (ended) Length++;
        return reward;
    }
}
