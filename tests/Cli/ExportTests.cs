// rlleap export: the folder, what is refused, and what a reader of its model card gets back.
using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RlLeap.Cli.Export;
using RlLeap.Environments;
using RlLeap.Tests.Data;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace RlLeap.Tests.Cli;

public sealed partial class ExportTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Train(string id, params string[] more)
    {
        ProgramProcess.Succeed(["train", id, "--agent-steps", "600", "--directory", _folder["agent"], "--set",
            "record.evaluation-episodes=0", .. more]);
        return _folder["agent"];
    }

    private string MetaTrain(string method = "leap")
    {
        ProgramProcess.Succeed("meta-train", _folder.Write("games.yaml", $$"""
            run: {directory: {{_folder["games"]}}, seed: 2, parallel: 1}
            suite: games
            games:
              pool: [MinAtar/Asterix-v1, MinAtar/Breakout-v1]
              agent-steps: 320
              agent: {preset: minatar, layer-norm: true, optimizer: {learning-rate: 0.001} }
            method: {name: {{method}}}
            meta: {steps: 2, batch: 2}
            evaluation: {tasks: [MinAtar/Breakout-v1], seeds: 2, agent-steps: 4000}
            """));
        return _folder["games"];
    }

    private string FewShot()
    {
        SampleFiles.ClassFolder(_folder["images"], 0, 12, images: 8);
        ProgramProcess.Succeed("meta-train", _folder.Write("few.yaml", $$"""
            run: {directory: {{_folder["few"]}}, seed: 2, parallel: 1}
            suite: few-shot
            few-shot:
              data: {{_folder["images"]}}
              split: {validation: 3, test: 4}
              train: {way: 4, shot: 1, query: 3}
              test: [{way: 4, shot: 1, query: 3}]
              validation-episodes: 0
              test-episodes: 20
              filters: 8
            method: {name: prototypical}
            meta: {steps: 2, batch: 3, optimizer: {kind: adam, learning-rate: 0.003} }
            """));
        return _folder["few"];
    }

    [Fact]
    public async Task A_reader_of_the_model_card_gets_the_same_outputs_to_the_bit()
    {
        var runs = new Dictionary<string, (string Run, string File)>
        {
            ["Agent"] = (Train("MinAtar/Breakout-v1", "--set", "agent.layer-norm=true", "--set",
                "agent.optimizer.learning-rate=0.002"), "model.safetensors"),
            ["Games"] = (MetaTrain(), "initialization.safetensors"),
            ["Few"] = (FewShot(), "initialization.safetensors"),
        };
        foreach (var (name, (run, file)) in runs)
        {
            var output = ProgramProcess.Succeed("export", run, "-o", _folder["out/" + name], "--episodes", "3");
            Assert.Contains("README.md", output);
            // What was trained, not what was drawn: the weights are the run's own, to the bit.
            using var scope = NewDisposeScope();
            var (weights, own) = (SafeTensors.Read(_folder[$"out/{name}/weights.safetensors"]).Tensors,
                SafeTensors.Read(Path.Combine(run, file)).Tensors);
            foreach (var (key, value) in weights)
                if (own.TryGetValue(key, out var its)) Assert.True(value.bytes.SequenceEqual(its.bytes), key);
            Assert.True(own.Keys.Where(key => !key.StartsWith("learner.", StringComparison.Ordinal)
                && !key.Contains(':') && !key.StartsWith("meta.", StringComparison.Ordinal))
                .All(weights.ContainsKey));
            Assert.DoesNotContain(Directory.GetDirectories(_folder["out"]), path => path.Contains(".tmp"));
        }
        var assembly = await Compile(runs.Keys);
        foreach (var name in runs.Keys)
        {
            using var session = new InferenceSession(_folder[$"out/{name}/model.onnx"]);
            var (key, about) = session.InputMetadata.Single();
            long[] shape = [2, .. about.Dimensions.Skip(1)];
            using var scope = NewDisposeScope();
            manual_seed(1);
            var input = randint(0, 2, shape).to_type(
                about.ElementDataType == TensorElementType.UInt8 ? ScalarType.Byte : ScalarType.Float32);
            var loaded = (float[][])assembly.GetType("Loaded." + name)!.GetMethod("Run")!.Invoke(null,
                [_folder[$"out/{name}"], input])!;
            using var exported = ExportedRun.Open(runs[name].Run);
            using var _ = no_grad();
            var expected = exported.Model.Heads.Count == 0 ? [exported.Model.Features(input)]
                : exported.Model.Forward(input);
            var onnx = Outputs(session, key, input);
            for (var i = 0; i < expected.Length; i++)
            {
                var values = expected[i].contiguous().data<float>().ToArray();
                Assert.Equal(values, loaded[i]); // to the bit
                Assert.Contains(values, value => value != 0);
                foreach (var (mine, its) in onnx[i].Zip(values)) Assert.Equal(its, mine, 1e-5f);
            }
        }
    }

    [Fact]
    public void The_model_card_says_what_was_reached_and_where_it_comes_from()
    {
        var run = Train("Classic/Pendulum-v1");
        ProgramProcess.Succeed("export", run, "-o", _folder["out"], "--episodes", "3");
        Assert.Equal(["README.md", "config.yaml", "episode.png", "model.onnx", "result.json", "weights.safetensors"],
            Directory.GetFiles(_folder["out"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        var card = File.ReadAllText(_folder["out/README.md"]);
        Assert.StartsWith("---\nlibrary_name: rlleap\n", card);
        Assert.Contains("- \"Classic/Pendulum-v1\"\n", card);
        Assert.Matches(@"\| drawn from its policy, as in training \| -[\d.]+ \[-[\d.]+, -[\d.]+\] \| 3 \|", card);
        Assert.Contains("![An episode](episode.png)", card);
        Assert.Contains("ActorCriticOptions.Presets[\"classic\"]", card);
        Assert.Contains("| out: `log_std` | [N, 1] | float32 |", card);
        Assert.Contains("-1 and 1 of a draw stand for the bounds", card);
        Assert.Matches(@"\| SHA-256 of weights.safetensors \| [0-9a-f]{64} \|", card);
        Assert.Equal(File.ReadAllBytes(_folder["agent/config.yaml"]), File.ReadAllBytes(_folder["out/config.yaml"]));
        // Exported twice, it is the same to the bit.
        ProgramProcess.Succeed("export", run, "-o", _folder["again"], "--episodes", "3");
        foreach (var file in Directory.GetFiles(_folder["out"]))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(_folder["again/" + Path.GetFileName(file)]));
    }

    [Fact]
    public void What_cannot_be_exported_is_one_clear_error_and_leaves_nothing()
    {
        var run = Train("Classic/CartPole-v1");
        Refused($"{_folder["nothing"]} holds no run", _folder["nothing"], _folder["out"]);
        _folder.Write("full/mine.txt", "mine");
        Refused($"{_folder["full"]} is not empty, and nothing is overwritten", run, _folder["full"]);
        Assert.Equal("mine", File.ReadAllText(_folder["full/mine.txt"]));
        Refused($"{_folder["full/mine.txt"]} is a file", run, _folder["full/mine.txt"]);
        Directory.CreateDirectory(_folder["empty"]);
        ProgramProcess.Succeed("export", run, "-o", _folder["empty"], "--no-onnx", "--episodes", "2");
        Assert.False(File.Exists(_folder["empty/model.onnx"]));
        Assert.DoesNotContain("onnx", File.ReadAllText(_folder["empty/README.md"]));

        File.Delete(Path.Combine(run, "result.json"));
        Refused($"{run} is not finished", run, _folder["out"]);
        Assert.False(Directory.Exists(_folder["out"]));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_folder.Root), path => path.EndsWith(".tmp"));

        void Refused(string expected, string from, string to)
        {
            var (code, output, error) = ProgramProcess.Run("export", from, "-o", to);
            Assert.Equal((1, ""), (code, output));
            Assert.Contains(expected, error);
            Assert.Single(error.TrimEnd().Split('\n'));
        }
    }

    [Theory]
    [InlineData("hat", "What hat learned is kept task by task")]
    [InlineData("warp", "What warp learned is more than minatar: minatar+warp")]
    public void What_is_not_one_network_is_refused(string method, string expected)
    {
        var run = MetaTrain(method);
        foreach (var more in new[] { Array.Empty<string>(), ["--no-onnx"] })
        {
            var (code, _, error) = ProgramProcess.Run(["export", run, "-o", _folder["out"], .. more]);
            Assert.Equal(1, code);
            Assert.Contains(expected, error);
            Assert.False(Directory.Exists(_folder["out"]));
        }
    }

    [Fact]
    public void A_network_of_a_user_s_own_is_refused_by_name_and_exported_without_onnx()
    {
        var plugin = Path.Combine(AppContext.BaseDirectory, "RlLeap.Tests.dll");
        var run = Train("Classic/CartPole-v1", "--assembly", plugin, "--set", "agent.network=my/two-layers");
        var (code, _, error) = ProgramProcess.Run("export", run, "-o", _folder["out"]);
        Assert.Equal(1, code);
        Assert.Contains("The network two-layers (TwoLayers) does not say how it is written as ONNX", error);
        Assert.False(Directory.Exists(_folder["out"]));
        ProgramProcess.Succeed("export", run, "-o", _folder["out"], "--no-onnx", "--episodes", "2");
        Assert.Contains("Networks.Register(", File.ReadAllText(_folder["out/README.md"]));
    }

    // The C# of each card as a method of a library, which this process loads: it has libtorch.
    private async Task<Assembly> Compile(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            var code = CSharp().Match(File.ReadAllText(_folder[$"out/{name}/README.md"])).Groups[1].Value;
            var usings = string.Join('\n', code.Split('\n').Where(line => line.StartsWith("using ")
                && line.EndsWith(';') && !line.Contains('=')));
            var body = string.Join('\n', code.Split('\n').Except(usings.Split('\n')))
                .Replace("\"weights.safetensors\"", "System.IO.Path.Combine(folder, \"weights.safetensors\")");
            var at = body.IndexOf('\n', body.IndexOf("model.Import(", StringComparison.Ordinal)) + 1;
            body = body[..at] + """
                var training = model.Training;
                model.Training = false;
                using (TorchSharp.torch.no_grad())
                    result = [.. (model.Network is RlLeap.Data.ConvolutionalEncoder || folder.EndsWith("Games")
                        ? [model.Features(input)] : model.Forward(input)).Select(o => o.data<float>().ToArray())];
                model.Training = training;

                """ + body[at..];
            _folder.Write($"code/{name}.cs", $$"""
                using System; using System.Collections.Generic; using System.Linq;
                {{usings}}
                namespace Loaded;
                public static class {{name}}
                {
                    public static float[][] Run(string folder, TorchSharp.torch.Tensor input)
                    {
                        float[][] result;
                        {{body}}
                        return result;
                    }
                }
                """);
        }
        _folder.Write("code/Loaded.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup>
                <Reference Include="{AppContext.BaseDirectory}RlLeap.*.dll"
                           Exclude="{AppContext.BaseDirectory}*Tests.dll" />
                <Reference Include="{AppContext.BaseDirectory}TorchSharp.dll" />
              </ItemGroup>
            </Project>
            """);
        using var build = Process.Start(new ProcessStartInfo("dotnet",
            ["build", "-nologo", "-v", "q", "-o", _folder["built"], _folder["code"]])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = build.StandardError.ReadToEndAsync();
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, output + await error);
        return Assembly.LoadFrom(_folder["built/Loaded.dll"]);
    }

    private static float[][] Outputs(InferenceSession session, string input, Tensor value)
    {
        int[] sizes = [.. value.shape.Select(size => (int)size)];
        using var results = session.Run([value.dtype == ScalarType.Byte
            ? NamedOnnxValue.CreateFromTensor(input, new DenseTensor<byte>(value.data<byte>().ToArray(), sizes))
            : NamedOnnxValue.CreateFromTensor(input, new DenseTensor<float>(value.data<float>().ToArray(), sizes))]);
        return [.. results.Select(result => result.AsEnumerable<float>().ToArray())];
    }

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharp();
}
