namespace RlLeap.MetaLearning;

/// <summary>Classifies images of new classes from a handful of labelled ones, with a learned embedding.</summary>
/// <remarks>
/// The classes can be other ones for each call: nothing is trained. Batch norm uses its running averages, so a
/// prediction depends on no other query.
/// </remarks>
public sealed class FewShotClassifier : IDisposable
{
    private readonly FewShotMethod _method;
    private readonly Model _model;

    /// <summary>A classifier with the parameters of a trained model, which are copied.</summary>
    /// <param name="method">The method that trained it.</param>
    /// <param name="trained">The model of a learner over <see cref="FewShotMethod.Episodes"/>.</param>
    public FewShotClassifier(FewShotMethod method, Model trained) =>
        (_method, _model) = (method, trained.ForEvaluation());

    private FewShotClassifier(FewShotMethod method, Network encoder, string path)
    {
        using var scope = NewDisposeScope();
        (_method, _model) = (method, new Model(method.Extend(encoder), method.Heads) { Training = false });
        var missing = _model.Import(SafeTensors.Read(path).Tensors);
        if (missing.Count == 0) return;
        var name = _model.Network.Name;
        _model.Dispose();
        throw new RlLeapException(
            $"{path} lacks {string.Join(", ", missing)}: it was not learned by {method.Name} with {name}.");
    }

    /// <summary>Reads what <see cref="Save"/> wrote, or the initialization.safetensors of a run.</summary>
    /// <param name="path">The file.</param>
    /// <param name="method">The method that learned it.</param>
    /// <param name="encoder">Its encoder, without what the method adds.</param>
    /// <exception cref="RlLeapException">The file is damaged, or it is from another method or network.</exception>
    public static FewShotClassifier Load(string path, FewShotMethod method, Network encoder) =>
        new(method, encoder, path);

    /// <summary>Writes parameters and batch-norm statistics by name (safetensors).</summary>
    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        SafeTensors.Write(path, _model.Export().Select(entry => KeyValuePair.Create(entry.Name, entry.Value)),
            new Dictionary<string, string> { ["method"] = _method.Name, ["network"] = _model.Network.Name });
    }

    /// <summary>Classifies images.</summary>
    /// <param name="support">
    /// [classes x shot, input...] labelled images: all of the first class, then all of the second, and so on.
    /// </param>
    /// <param name="shot">Images of each class.</param>
    /// <param name="queries">[n, input...] images to classify.</param>
    /// <returns>[n] each image's class, from 0.</returns>
    /// <exception cref="RlLeapException">
    /// There are fewer than two classes, no queries, or not as many images of each class.
    /// </exception>
    public int[] Classify(Tensor support, int shot, Tensor queries)
    {
        var (images, count) = (support.shape[0], queries.shape[0]);
        if (shot < 1 || images % shot != 0 || images / shot < 2)
            throw new RlLeapException($"{images} labelled images are not {shot} of each of two or more classes. "
                + "Give as many images of every class.");
        if (count < 1) throw new RlLeapException("There is no image to classify.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var way = (int)(images / shot);
        // An episode has as many queries of each class. What is missing is filled up, and its scores are left out.
        var shape = new EpisodeShape { Way = way, Shot = shot, Query = (int)((count + way - 1) / way) };
        var filling = queries.narrow(0, 0, 1).expand([shape.QueryCount - count, .. queries.shape[1..]]);
        var all = cat([support, queries, filling], 0).to(_model.Device).to_type(_model.DType);
        using var episode = new Episode(shape, all, [.. Enumerable.Range(0, way)]);
        var best = _method.Evaluate(_model, episode).Scores.narrow(0, 0, count).argmax(1);
        return [.. best.cpu().data<long>().Select(label => (int)label)];
    }

    /// <summary>Frees the parameters.</summary>
    public void Dispose() => _model.Dispose();
}
