namespace RlLeap;

/// <summary>The file of a <see cref="Learner"/>: the state of each of its parts, by name.</summary>
internal static class LearnerCheckpoint
{
    private const string OfDiagnosis = "diagnosis.", OfObserver = "observer.", ScalarOfObserver = "observer#";

    /// <summary>As <see cref="Learner.Save"/>.</summary>
    public static void Write(Learner learner, string path, IReadOnlyDictionary<string, string>? notes)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var model = learner.Model;
        var tensors = new Dictionary<string, Tensor>
        {
            ["parameters"] = model.Parameters.Flat.detach(),
            ["buffers"] = model.Buffers.Flat.detach(),
            ["optimizer"] = tensor(learner.Optimizer.SaveState()),
            ["summary"] = tensor(learner.Summary.Save()),
            ["counters"] = tensor(new[] { learner.Count }),
            ["stream"] = tensor(learner.Stream.Save()),
        };
        if (learner.Patience is { } patience) tensors["stopping"] = tensor(patience.Save());
        foreach (var (name, value) in learner.Diagnosis?.Save() ?? []) tensors[OfDiagnosis + name] = value;
        if (learner.Observer is { } observer)
        {
            foreach (var (name, value) in observer.State) tensors[OfObserver + name] = value;
            foreach (var (name, value) in observer.Scalars) tensors[ScalarOfObserver + name] = tensor(new[] { value });
        }
        SafeTensors.Write(path, tensors, CheckpointHeader.Of(ParameterRoles.Note(model.Parameters.Layout,
            new Dictionary<string, string>(notes ?? new Dictionary<string, string>())
            {
                ["task"] = learner.Task.Info.Id,
                ["network"] = model.Network.Name,
            })));
    }

    /// <summary>As <see cref="Learner.Load"/>.</summary>
    public static IReadOnlyDictionary<string, string> Read(Learner learner, string path)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (tensors, notes) = SafeTensors.Read(path);
        var (model, task) = (learner.Model, learner.Task.Info.Id);
        if (notes.GetValueOrDefault("task") != task || notes.GetValueOrDefault("network") != model.Network.Name)
            throw new RlLeapException($"{path} is a checkpoint of {notes.GetValueOrDefault("task")} with "
                + $"{notes.GetValueOrDefault("network")}, not of {task} with {model.Network.Name}.");
        CheckpointHeader.Check(notes, path);
        ParameterRoles.CheckNote(model.Parameters.Layout, notes, path);
        Fill(model.Parameters.Flat, "parameters");
        Fill(model.Buffers.Flat, "buffers");
        learner.Optimizer.RestoreState(Bytes("optimizer"));
        learner.Count = Find("counters").data<long>()[0];
        learner.Summary.Restore(Find("summary").data<double>().ToArray());
        learner.Stream.Restore(Bytes("stream"));
        learner.Patience?.Restore(Find("stopping").data<long>().ToArray());
        if (After(OfDiagnosis) is { Count: > 0 } diagnosed) learner.Diagnosis?.Restore(diagnosed, model.Device);
        learner.Observer?.Restore(
            // An observer keeps the tensors that it is given, so they are moved to the learner's device.
            After(OfObserver).ToDictionary(t => t.Key, t => t.Value.to(model.Device)),
            After(ScalarOfObserver).ToDictionary(t => t.Key, t => t.Value.item<double>()));
        return notes;

        Tensor Find(string name) => tensors.TryGetValue(name, out var value)
            ? value : throw new RlLeapException($"{path} has no {name}: it is not a checkpoint of a learner.");
        byte[] Bytes(string name) => Find(name).data<byte>().ToArray();
        Dictionary<string, Tensor> After(string prefix) => tensors
            .Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value);
        void Fill(Tensor target, string name)
        {
            var value = Find(name);
            if (!value.shape.AsSpan().SequenceEqual(target.shape) || value.dtype != target.dtype)
                throw new RlLeapException($"{path}: {name} has {Shape.Text(value.shape)} values of {value.dtype}, this "
                    + $"learner {Shape.Text(target.shape)} of {target.dtype}: it was saved from another network.");
            target.copy_(value);
        }
    }
}
