// Files of ours that were changed are not taken for whole.
using TorchSharp;
using Xunit;

namespace RlLeap.Tests.Core;

public class ChecksumTests
{
    [Fact]
    public void Every_flipped_bit_of_a_tensor_file_is_noticed_or_changes_nothing()
    {
        using var folder = new TempFolder();
        var path = folder["a.safetensors"];
        using var scope = torch.NewDisposeScope();
        SafeTensors.Write(path,
            [new("weight", torch.arange(6).reshape(2, 3).to_type(torch.ScalarType.Float32)),
                new("n", torch.tensor(7L))],
            new Dictionary<string, string> { ["task"] = "Breakout", ["steps"] = "12" });
        var (bytes, whole) = (File.ReadAllBytes(path), Text(SafeTensors.Read(path)));
        var refused = 0;
        for (var i = 0; i < bytes.Length; i++)
            for (var bit = 0; bit < 8; bit++)
            {
                var damaged = bytes.ToArray();
                damaged[i] ^= (byte)(1 << bit);
                File.WriteAllBytes(path, damaged);
                try { Assert.Equal(whole, Text(SafeTensors.Read(path))); }
                catch (DamagedFileException e)
                {
                    Assert.Contains(path, e.Message, StringComparison.Ordinal);
                    refused++;
                }
            }
        // All but those in the word "sha256", which is then a note that nobody asks for.
        Assert.InRange(refused, 8 * (bytes.Length - 20), 8 * bytes.Length);

        static string Text((Dictionary<string, torch.Tensor> Tensors, Dictionary<string, string> Notes) file) =>
            $"{string.Join(',', file.Tensors["weight"].data<float>().ToArray())} {file.Tensors["n"].item<long>()} "
            + $"{file.Notes["task"]} {file.Notes["steps"]}";
    }

    [Fact]
    public void The_checksum_is_a_note_that_is_not_handed_on_and_files_without_one_are_read()
    {
        using var folder = new TempFolder();
        using var scope = torch.NewDisposeScope();
        SafeTensors.Write(folder["a"], [new("x", torch.zeros(2))]);
        Assert.Empty(SafeTensors.Read(folder["a"]).Notes);
        Assert.Contains("\"__metadata__\":{\"sha256\":\"", File.ReadAllText(folder["a"]), StringComparison.Ordinal);
        var header = "{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}      "u8.ToArray();
        File.WriteAllBytes(folder["b"], [.. BitConverter.GetBytes((long)header.Length), .. header, 5]);
        Assert.Equal(5, SafeTensors.Read(folder["b"]).Tensors["x"].item<byte>());
    }

    [Fact]
    public void A_damaged_file_is_set_aside_under_another_name()
    {
        using var folder = new TempFolder();
        folder.Write("a", "new");
        folder.Write("a.damaged", "older");
        Assert.Equal(folder["a.damaged"], DamagedFileException.SetAside(folder["a"]));
        Assert.False(File.Exists(folder["a"]));
        Assert.Equal("new", File.ReadAllText(folder["a.damaged"]));
    }
}
