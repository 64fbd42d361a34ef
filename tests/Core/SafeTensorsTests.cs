// safetensors files: round trips, an independent reader and writer in plain Python, and ten thousand damaged files.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static Dictionary<string, Tensor> Sample() => new()
    {
        ["weight"] = arange(0, 6, dtype: ScalarType.Float32).reshape(2, 3).transpose(0, 1),
        ["double"] = tensor(new[] { 1.5, double.NaN, double.NegativeInfinity }),
        ["count"] = tensor(7L),
        ["bytes"] = tensor(new byte[] { 1, 2, 255 }),
        ["flags"] = tensor(new[] { true, false }),
        ["nothing"] = zeros(0, 4),
    };

    [Fact]
    public void WhatWasWrittenIsReadBack()
    {
        var path = _folder["a.safetensors"];
        SafeTensors.Write(path, Sample(), new Dictionary<string, string> { ["task"] = "x \"y\" ü" });
        var (tensors, notes) = SafeTensors.Read(path);
        Assert.Equal("x \"y\" ü", notes["task"]);
        Assert.Equal(Sample().Keys.Order(), tensors.Keys.Order());
        foreach (var (name, value) in Sample())
        {
            Assert.Equal(value.shape, tensors[name].shape);
            Assert.Equal(value.dtype, tensors[name].dtype);
            Assert.Equal(value.contiguous().bytes.ToArray(), tensors[name].bytes.ToArray());
        }
        Assert.Single(Directory.GetFiles(_folder.Root));
    }

    // Written from the format's description, with nothing but the standard library.
    private const string Reader = """
        import json, struct, sys
        raw = open(sys.argv[1], 'rb').read()
        n = struct.unpack('<Q', raw[:8])[0]
        head = json.loads(raw[8:8 + n]); data = raw[8 + n:]
        assert n % 8 == 0, 'header not aligned'
        fmt = {'F32': 'f', 'F64': 'd', 'I64': 'q', 'U8': 'B', 'BOOL': '?'}
        out, end = {}, 0
        tensors = [(k, v) for k, v in head.items() if k != '__metadata__']
        for name, e in sorted(tensors, key=lambda kv: kv[1]['data_offsets']):
            a, b = e['data_offsets']; assert a == end, 'hole'; end = b
            f = fmt[e['dtype']]; count = (b - a) // struct.calcsize(f)
            out[name] = (e['shape'], struct.unpack('<%d%s' % (count, f), data[a:b]))
        assert end == len(data)
        print(head['__metadata__']['task'], out['weight'], out['count'], out['bytes'], out['flags'], out['nothing'])
        body = struct.pack('<3f', 1, 2, 3) + struct.pack('<2q', -1, 5)
        head = json.dumps({'b': {'dtype': 'I64', 'shape': [2], 'data_offsets': [12, 28]},
                           'a': {'dtype': 'F32', 'shape': [3, 1], 'data_offsets': [0, 12]}}).encode()
        open(sys.argv[2], 'wb').write(struct.pack('<Q', len(head)) + head + body)
        """;

    [Python3Fact]
    public void AnIndependentReaderAgreesAndItsFilesAreRead()
    {
        var (ours, theirs) = (_folder["ours.safetensors"], _folder["theirs.safetensors"]);
        SafeTensors.Write(ours, Sample(), new Dictionary<string, string> { ["task"] = "t" });
        using var python = Process.Start(new ProcessStartInfo("python3", ["-c", Reader, ours, theirs])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = python.StandardOutput.ReadToEnd().Trim();
        var complaint = python.StandardError.ReadToEnd();
        python.WaitForExit();
        Assert.Equal("", complaint);
        Assert.Equal("t ([3, 2], (0.0, 3.0, 1.0, 4.0, 2.0, 5.0)) ([], (7,)) ([3], (1, 2, 255)) ([2], (True, False)) "
            + "([0, 4], ())", said);
        var (tensors, _) = SafeTensors.Read(theirs);
        Assert.Equal([3L, 1L], tensors["a"].shape);
        Assert.Equal([-1L, 5L], tensors["b"].data<long>().ToArray());
    }

    [Fact]
    public void TenThousandDamagedFilesAreRefusedOrReadWhole()
    {
        var good = _folder["good.safetensors"];
        SafeTensors.Write(good, Sample(), new Dictionary<string, string> { ["task"] = "t" });
        var bytes = File.ReadAllBytes(good);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var text = Encoding.UTF8.GetString(bytes, 8, header);
        var bad = _folder["bad.safetensors"];
        var rng = new Rng(1);
        var refused = 0;
        for (var i = 0; i < 10_000; i++)
        {
            File.WriteAllBytes(bad, Damage(rng, i % 8, bytes, text));
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                foreach (var value in SafeTensors.Read(bad).Tensors.Values)
                {
                    Assert.True(value.numel() <= bytes.Length);
                    value.Dispose();
                }
            }
            catch (RlLeapException e)
            {
                Assert.StartsWith(bad, e.Message);
                refused++;
            }
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 2_000_000,
                "a damaged file made the reader allocate");
        }
        Assert.InRange(refused, 8_000, 10_000);
    }

    [Theory]
    // overlap
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"""
        + ""","b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8)] // hole
    // Product overflows to zero
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0)]
    // twice
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"""
        + ""","a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4)]
    [InlineData("""{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}""", 4)] // unknown type
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5)] // data left over
    [InlineData("""[]""", 0)]
    public void FilesThatContradictThemselvesAreRefused(string header, int data)
    {
        var path = _folder["x.safetensors"];
        File.WriteAllBytes(path, Join(Encoding.UTF8.GetBytes(header), new byte[data]));
        Assert.Contains("not a whole safetensors file",
            Assert.Throws<DamagedFileException>(() => SafeTensors.Read(path)).Message);
    }

    [Fact]
    public void AMissingFileIsNamed() =>
        Assert.Contains("/none/x", Assert.Throws<RlLeapException>(() => SafeTensors.Read("/none/x")).Message);

    private static byte[] Damage(Rng rng, int kind, byte[] good, string header)
    {
        var copy = (byte[])good.Clone();
        switch (kind)
        {
            case 0: return good[..rng.NextInt(good.Length)]; // truncated
            // Header length
            case 1:
                BinaryPrimitives.WriteInt64LittleEndian(copy, (long)rng.NextUInt64() >> rng.NextInt(60));
                return copy;
            case 2:
                for (var i = 0; i < 3; i++)
                    copy[8 + rng.NextInt(header.Length)] = (byte)rng.NextUInt32();
                return copy;
            case 3:
                var noise = new byte[rng.NextInt(400)];
                for (var i = 0; i < noise.Length; i++) noise[i] = (byte)rng.NextUInt32(); return noise;
            case 4: return Replace(good, header, "\"data_offsets\":[0,", $"\"data_offsets\":[{rng.NextInt(50) + 1},");
            case 5: return Replace(good, header, "F32", new[] { "F64", "F3", "U8", "I16" }[rng.NextInt(4)]);
            case 6:
                return Replace(good, header, "\"shape\":[3,2]",
                $"\"shape\":[{(long)(rng.NextUInt64() >> rng.NextInt(60))},2]");
            default:
                return Replace(good, header, new[] { ",", ":", "[", "}" }[rng.NextInt(4)],
                new string((char)(33 + rng.NextInt(90)), 1 + rng.NextInt(3)));
        }
    }

    private static byte[] Replace(byte[] good, string header, string what, string with)
    {
        var at = header.IndexOf(what, StringComparison.Ordinal);
        return Join(Encoding.UTF8.GetBytes(string.Concat(header.AsSpan(0, at), with, header.AsSpan(at + what.Length))),
            good.AsSpan(8 + header.Length));
    }

    private static byte[] Join(byte[] header, ReadOnlySpan<byte> data)
    {
        var file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        data.CopyTo(file.AsSpan(8 + header.Length));
        return file;
    }
}
