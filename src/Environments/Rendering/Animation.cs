namespace RlLeap.Environments;

/// <summary>Pictures of one size, written as one file that shows them one after the other.</summary>
public abstract class Animation
{
    private readonly int _scale;

    private protected Animation(int framesPerSecond, int scale)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(framesPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        (FramesPerSecond, _scale) = (framesPerSecond, scale);
    }

    private protected int FramesPerSecond { get; }
    private protected int Width { get; private set; }
    private protected int Height { get; private set; }

    /// <summary>The number of pictures added.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a picture. All must have the size of the first.</summary>
    public void Add(Picture picture)
    {
        picture = picture.Resize(_scale * picture.Width, _scale * picture.Height);
        if (Count == 0) (Width, Height) = (picture.Width, picture.Height);
        if ((picture.Width, picture.Height) != (Width, Height))
            throw new EnvironmentException($"The pictures of one recording have one size: the first was {Width} x "
                + $"{Height}, number {Count + 1} is {picture.Width} x {picture.Height}.");
        Pack(picture);
        Count++;
    }

    /// <summary>Writes the file. If that fails, there is no incomplete file.</summary>
    public void Save(string path) => AtomicFile.Write(path, Save);

    /// <summary>Writes the file's bytes.</summary>
    public void Save(Stream stream)
    {
        if (Count == 0) throw new EnvironmentException("There are no pictures to save.");
        Write(stream);
    }

    // Pictures are compressed when they are added, to save memory.
    private protected abstract void Pack(Picture picture);
    private protected abstract void Write(Stream stream);
}
