// One tensor in TorchSharp's own format: LEB128 type (ScalarType's value), LEB128 rank, LEB128 sizes, raw elements in row-major order.

namespace TorchSharp;

public static partial class TensorExtensionMethods
{
    public static void Save(this torch.Tensor tensor, string location)
    {
        using var stream = File.Create(location);
        tensor.Save(stream);
    }

    public static void Save(this torch.Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream);
        tensor.Save(writer);
    }

    public static void Save(this torch.Tensor tensor, BinaryWriter writer)
    {
        using var _ = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var shape = tensor.shape;
        writer.Write7BitEncodedInt((int)tensor.dtype);
        writer.Write7BitEncodedInt(shape.Length);
        foreach (var size in shape) writer.Write7BitEncodedInt64(size);
        Visit(tensor.cpu().contiguous(), chunk => writer.Write(chunk));
    }

    /// <summary>Reads one tensor from the stream; with skip its bytes are passed over and the result is null.</summary>
    public static torch.Tensor Load(BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (skip)
        {
            for (var left = shape.TotalSize() * type.ElementSize(); left > 0;)
            {
                var passed = reader.ReadBytes((int)Math.Min(left, 1 << 20)).Length;
                if (passed == 0) throw new EndOfStreamException("The file ends within a tensor.");
                left -= passed;
            }
            return null!;
        }
        var tensor = torch.empty(shape, dtype: type, device: torch.CPU);
        ReadElements(tensor, reader);
        return tensor;
    }

    /// <summary>Reads into this CPU tensor, whose type and shape must be those in the stream (ArgumentException).</summary>
    public static void Load(this torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (type != tensor.dtype)
            throw new ArgumentException($"Mismatched tensor data types while loading: expected {tensor.dtype}, but the file has {type}.");
        if (!shape.AsSpan().SequenceEqual(tensor.shape))
            throw new ArgumentException($"Mismatched tensor shape while loading: expected [{string.Join(", ", tensor.shape)}], but the file has [{string.Join(", ", shape)}].");
        using var _ = torch.no_grad();
        if (tensor.device_type == DeviceType.CPU && tensor.is_contiguous() && !skip)
        {
            ReadElements(tensor, reader);
            return;
        }
        using var read = torch.empty(shape, dtype: type, device: torch.CPU);
        ReadElements(read, reader);
        if (!skip) tensor.copy_(read);
    }

    public static void Load(ref torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        if (tensor is null) tensor = Load(reader, skip);
        else tensor.Load(reader, skip);
    }

    private static (torch.ScalarType type, long[] shape) Header(BinaryReader reader)
    {
        var type = (torch.ScalarType)reader.Read7BitEncodedInt();
        if (!Enum.IsDefined(type)) throw new InvalidDataException($"Not a saved tensor: {(int)type} is no element type.");
        var rank = reader.Read7BitEncodedInt();
        if (rank is < 0 or > 64) throw new InvalidDataException($"Not a saved tensor: a rank of {rank}.");
        var shape = new long[rank];
        for (var i = 0; i < rank; i++) shape[i] = reader.Read7BitEncodedInt64();
        return (type, shape);
    }

    private static void ReadElements(torch.Tensor tensor, BinaryReader reader) => Visit(tensor, chunk =>
    {
        while (chunk.Length > 0)
        {
            var count = reader.Read(chunk);
            if (count == 0) throw new EndOfStreamException("The file ends within a tensor.");
            chunk = chunk[count..];
        }
    });

    private delegate void Visitor(Span<byte> chunk);

    // In pieces, as a span holds two gigabytes at most.
    private static void Visit(torch.Tensor contiguous, Visitor visit)
    {
        const long Piece = 1 << 24; // elements
        using var flat = contiguous.reshape(-1);
        for (var (at, count) = (0L, flat.numel()); at < count; at += Piece)
        {
            using var part = flat.narrow(0, at, Math.Min(Piece, count - at));
            visit(part.bytes);
        }
    }
}

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>Reads a tensor that TensorExtensionMethods.Save wrote.</summary>
        public static Tensor Load(BinaryReader reader) => TensorExtensionMethods.Load(reader);

        public static Tensor Load(Stream stream)
        {
            using var reader = new BinaryReader(stream);
            return Load(reader);
        }

        public static Tensor Load(string location)
        {
            using var stream = File.OpenRead(location);
            return Load(stream);
        }
    }
}
