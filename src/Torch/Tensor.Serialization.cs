// One tensor in TorchSharp's binary form: LEB128 type, rank and sizes, then the raw row-major elements.
namespace TorchSharp;

public static partial class TensorExtensionMethods
{
    public static void Save(this torch.Tensor tensor, BinaryWriter writer)
    {
        var shape = tensor.shape;
        writer.Write7BitEncodedInt64((long)tensor.dtype);
        writer.Write7BitEncodedInt64(shape.Length);
        foreach (var s in shape) writer.Write7BitEncodedInt64(s);
        writer.Flush();
        tensor.WriteBytesToStream(writer.BaseStream);
    }

    public static void Save(this torch.Tensor tensor, Stream stream) => tensor.Save(new BinaryWriter(stream));

    public static void Save(this torch.Tensor tensor, string location)
    {
        using var writer = new BinaryWriter(File.Create(location));
        tensor.Save(writer);
    }

    private static (torch.ScalarType, long[]) Header(BinaryReader reader)
    {
        var type = (torch.ScalarType)reader.Read7BitEncodedInt64();
        var rank = reader.Read7BitEncodedInt64();
        if (rank is < 0 or > 64) throw new InvalidDataException($"a tensor of {rank} dimensions: the file is not one that Save wrote");
        var shape = new long[rank];
        for (var i = 0; i < rank; i++) shape[i] = reader.Read7BitEncodedInt64();
        return (type, shape);
    }

    /// <summary>Reads into a tensor of the same type and shape, or with <paramref name="skip"/> reads past it.</summary>
    public static void Load(this torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (skip) { Skip(reader, shape.TotalSize() * type.ElementSize()); return; }
        if (type != tensor.dtype) throw new ArgumentException($"Mismatched tensor data types while loading: the file has {type}, the tensor {tensor.dtype}.");
        if (!shape.AsSpan().SequenceEqual(tensor.shape))
            throw new ArgumentException($"Mismatched tensor shape while loading: the file has [{string.Join(", ", shape)}], the tensor [{string.Join(", ", tensor.shape)}].");
        tensor.ReadBytesFromStream(reader.BaseStream);
    }

    public static torch.Tensor Load(BinaryReader reader, bool skip = false)
    {
        torch.Tensor? tensor = null;
        Load(ref tensor, reader, skip);
        return tensor!;
    }

    /// <summary>Makes the tensor where there is none.</summary>
    public static void Load(ref torch.Tensor? tensor, BinaryReader reader, bool skip = false)
    {
        var (type, shape) = Header(reader);
        if (skip) { Skip(reader, shape.TotalSize() * type.ElementSize()); return; }
        if (tensor is null || tensor.dtype != type || !shape.AsSpan().SequenceEqual(tensor.shape))
        {
            if (tensor is not null) throw new ArgumentException("Mismatched tensor type or shape while loading.");
            tensor = torch.empty(shape, dtype: type, device: torch.CPU);
        }
        tensor.ReadBytesFromStream(reader.BaseStream);
    }

    private static void Skip(BinaryReader reader, long bytes)
    {
        Span<byte> buffer = stackalloc byte[4096];
        for (; bytes > 0; bytes -= Math.Min(bytes, buffer.Length)) reader.BaseStream.ReadExactly(buffer[..(int)Math.Min(bytes, buffer.Length)]);
    }
}
