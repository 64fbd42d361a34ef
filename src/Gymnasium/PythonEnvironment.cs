namespace RlLeap.Gymnasium;

/// <summary>One environment of Python's: a vector of one, whose own reset is handed out at the next Reset.</summary>
internal sealed class PythonEnvironment(PythonVector vector) : IEnvironment
{
    private bool _waiting; // the next episode began already, in the step that ended the last one

    public EnvironmentSpec Spec => vector.Spec;

    public TimeStep Reset()
    {
        if (!_waiting) vector.Reset();
        _waiting = false;
        return TimeStep.First(vector.Observations.Row(0));
    }

    public TimeStep Step(int action)
    {
        RequireRunning();
        vector.Step([action]);
        return Result();
    }

    public TimeStep Step(ReadOnlySpan<float> action)
    {
        RequireRunning();
        vector.Step(action);
        return Result();
    }

    private void RequireRunning()
    {
        if (_waiting) throw new EnvironmentException(
            $"{Spec.Id}: Step was called after the end of the episode. Call Reset first.");
    }

    private TimeStep Result()
    {
        var moment = vector.StepTypes[0];
        _waiting = moment.IsLast();
        return new TimeStep(moment, vector.Rewards[0],
            (_waiting ? vector.FinalObservations : vector.Observations).Row(0))
        { RawReward = vector.RawRewards[0] };
    }

    public bool CanRender => vector.CanRender;

    public Picture Render() => vector.Render(0, _waiting);

    public void Dispose() => vector.Dispose();
}
