// The page of runs: what it answers, what it leaves out, whom it refuses, and how it ends.
using System.Net;
using System.Text.Json;
using RlLeap.Cli.Runs;
using RlLeap.Cli.Watch;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class WatchTests : IAsyncLifetime
{
    private const string TrainYaml = "environment: MinAtar/Breakout-v1\nagent-steps: 1000\nagent:\n  preset: minatar\n";
    private const string MetaYaml = "suite: games\nmethod:\n  name: leap\nmeta:\n  steps: 10\n  batch: 2\n";

    private readonly TempFolder _folder = new();
    private WatchServer _server = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_folder["runs"]);
        _server = await WatchServer.Start([_folder["runs"]], 0);
        _client = new() { BaseAddress = _server.Address };
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private string Id(string run) => _folder["runs/" + run];

    private async Task<JsonElement> Get(string path)
    {
        // The list is looked at once a second.
        for (var i = 0; ; i++)
        {
            var answer = await _client.GetAsync(path);
            if (answer.IsSuccessStatusCode || i == 30)
                return JsonSerializer.Deserialize<JsonElement>(await answer.EnsureSuccessStatusCode().Content
                    .ReadAsStringAsync());
            await Task.Delay(100);
        }
    }

    private Task<JsonElement> View(string run) => Get("/api/run?id=" + Uri.EscapeDataString(Id(run)));

    // Waits for what is there already and is seen at the next look.
    private async Task<JsonElement> ListWhen(Func<JsonElement, bool> seen)
    {
        for (var i = 0; ; i++)
        {
            var list = await Get("/api/runs");
            if (seen(list) || i == 100) return list;
            await Task.Delay(100);
        }
    }

    private static JsonElement Curve(JsonElement view, string panel, string name) => view.GetProperty("sections")
        .EnumerateArray().SelectMany(s => s.GetProperty("panels").EnumerateArray())
        .Single(p => p.GetProperty("title").GetString() == panel).GetProperty("marks").EnumerateArray()
        .Single(m => m.GetProperty("name").GetString() == name);

    private static double[] Values(JsonElement curve) => [.. curve.GetProperty("y").EnumerateArray()
        .Select(v => v.ValueKind == JsonValueKind.Null ? double.NaN : v.GetDouble())];

    private async Task<IEnumerable<double>> Returns(string run) =>
        Values(Curve(await View(run), "return", "mean of 100 episodes"));

    private static string Train(int step, double value) => $"{{\"series\":\"train\",\"step\":{step},"
        + $"\"charts/mean_return_100\":{value},\"losses/value_loss\":{value / 10}}}\n";

    [Fact]
    public async Task A_training_is_shown_as_it_grows_and_half_a_line_waits_for_its_end()
    {
        _folder.Write("runs/a/config.yaml", TrainYaml);
        _folder.Write("runs/a/run.log", "first\nsecond\nhal");
        var row = Train(300, 7);
        _folder.Write("runs/a/metrics.jsonl", Train(100, 3) + Train(200, 5) + row[..25]);
        _folder.Write("runs/a/times.jsonl", "{\"series\":\"train\",\"step\":200,\"charts/SPS\":50}\n");
        var listed = (await ListWhen(l => l.GetArrayLength() == 1))[0];
        Assert.Equal("a", listed.GetProperty("name").GetString());
        Assert.Equal((Id("a"), "train", "stopped", "MinAtar/Breakout-v1", 200, 1000, 5), (
            listed.GetProperty("id").GetString(), listed.GetProperty("kind").GetString(),
            listed.GetProperty("state").GetString(), listed.GetProperty("what").GetString(),
            listed.GetProperty("done").GetInt64(), listed.GetProperty("total").GetInt64(),
            listed.GetProperty("value").GetDouble()));
        var view = await View("a");
        Assert.Equal([3, 5], Values(Curve(view, "return", "mean of 100 episodes")));
        Assert.Equal([0.3, 0.5], Values(Curve(view, "value loss", "value loss")));
        Assert.Equal([50], Values(Curve(view, "agent steps a second", "agent steps/s")));
        Assert.Equal(["first", "second"], view.GetProperty("log").EnumerateArray().Select(l => l.GetString()));

        File.AppendAllText(Id("a/metrics.jsonl"), row[25..] + "{\"series\":\"train\",\"step\":400,\"charts/mean_return_"
            + "100\":null,\"losses/value_loss\":1}\nno row at all\n" + Train(500, 9));
        Assert.Equal([3, 5, 7, double.NaN, 9], await Returns("a"));

        // A resume cuts the metrics back, and writes other rows from there: also when they are longer than before.
        File.WriteAllText(Id("a/metrics.jsonl"), Train(100, 3) + Train(200, 4) + string.Concat(Enumerable.Range(3, 9)
            .Select(i => Train(100 * i, 1))));
        Assert.Equal([3, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1], await Returns("a"));
        File.WriteAllText(Id("a/metrics.jsonl"), Train(100, 8));
        Assert.Equal([8], await Returns("a"));
    }

    [Fact]
    public async Task A_meta_training_has_its_tasks_paths_and_dormant_units()
    {
        _folder.Write("runs/m/config.yaml", MetaYaml);
        string Step(int step) => $$"""
            {"series":"meta","step":{{step}},"path/length":{{10 - step}},"loss/mean":1}
            {"series":"task/x","step":{{step}},"return/mean":{{step}},"path/length":4}
            {"series":"task/y","step":{{step}},"return/mean":{{3 * step}},"path/length":6}
            {"series":"diagnosis/x","step":{{step}},"start/a/dormant":0.25,"start/b/dormant":0.5,"start/rank":9}

            """;
        _folder.Write("runs/m/metrics.jsonl", Step(0) + Step(1));
        var listed = (await ListWhen(l => l.GetArrayLength() == 1))[0];
        Assert.Equal((2, 10, "return", 2), (listed.GetProperty("done").GetInt64(),
            listed.GetProperty("total").GetInt64(), listed.GetProperty("measure").GetString(),
            listed.GetProperty("value").GetDouble()));
        var view = await View("m");
        Assert.Equal([10, 9], Values(Curve(view, "path length", "all tasks")));
        Assert.Equal([4, 4], Values(Curve(view, "path length", "x")));
        Assert.Equal([0, 2], Values(Curve(view, "return over a task's training", "all tasks")));
        Assert.Equal([0.5, 0.5], Values(Curve(view, "dormant units where tasks begin, worst layer", "x")));
        Assert.Equal([9, 9], Values(Curve(view, "effective rank where tasks begin", "x")));
        var tasks = view.GetProperty("tasks");
        Assert.Equal(["task", "times trained", "last meta-step", "return mean", "path length"],
            tasks.GetProperty("columns").EnumerateArray().Select(c => c.GetString()));
        Assert.Equal(["y", "2", "1", "3", "6"],
            tasks.GetProperty("rows")[1].EnumerateArray().Select(c => c.GetString()));
    }

    [Fact]
    public async Task Many_episodes_are_a_curve_of_few_points_that_ends_where_they_end()
    {
        _folder.Write("runs/e/config.yaml", TrainYaml);
        _folder.Write("runs/e/metrics.jsonl", string.Concat(Enumerable.Range(1, 20_000).Select(i =>
            $"{{\"series\":\"episodes\",\"step\":{i},\"charts/episodic_return\":{i},\"charts/episodic_length\":1}}"
            + "\n")));
        await ListWhen(l => l.GetArrayLength() == 1);
        var curve = Curve(await View("e"), "return", "mean of 100 episodes");
        Assert.InRange(curve.GetProperty("x").GetArrayLength(), 200, RunCurves.Most + 1);
        Assert.Equal((100, 50.5), (curve.GetProperty("x")[0].GetInt64(), Values(curve)[0]));
        Assert.Equal((20_000, 19_950.5), (curve.GetProperty("x").EnumerateArray().Last().GetInt64(),
            Values(curve)[^1]));
    }

    [Fact]
    public async Task Runs_that_vanish_or_are_damaged_keep_no_other_from_being_seen()
    {
        _folder.Write("runs/a/config.yaml", TrainYaml);
        _folder.Write("runs/b/config.yaml", "environment: [\n");
        _folder.Write("runs/c/config.yaml", TrainYaml);
        _folder.Write("runs/c/.holder", $"{int.MaxValue} {Environment.MachineName}\n");
        _folder.Write("runs/c/metrics.jsonl", "\0\0\0\n" + new string('x', 100_000));
        _folder.Write("runs/d/config.yaml", TrainYaml);
        _folder.Write("runs/d/.holder", $"{Environment.ProcessId} {Environment.MachineName}\n");
        _folder.Write("runs/d/result.json.tmp", "{");
        var list = await ListWhen(l => l.GetArrayLength() == 4);
        Assert.Equal([("a", "stopped"), ("b", "unreadable"), ("c", "killed"), ("d", "running")], list.EnumerateArray()
            .Select(r => (Path.GetFileName(r.GetProperty("id").GetString())!, r.GetProperty("state").GetString()!))
            .Order());
        Assert.Equal("running", list[0].GetProperty("state").GetString());
        Assert.Contains("config.yaml:", list.EnumerateArray().Single(r =>
            r.GetProperty("state").GetString() == "unreadable").GetProperty("about").GetString());
        foreach (var run in new[] { "a", "b", "c", "d" }) Assert.Equal(0, (await View(run)).GetProperty("sections")
            .GetArrayLength());

        Directory.Delete(Id("a"), recursive: true);
        Assert.Equal(3, (await ListWhen(l => l.GetArrayLength() == 3)).GetArrayLength());
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync("/api/run?id="
            + Uri.EscapeDataString(Id("a")))).StatusCode);
        File.WriteAllText(Id("d/result.json"), "{\"checksum\":\"1\",\"record\":{\"mean\":\"3\",\"empty\":\"\"}}");
        await ListWhen(l => l.EnumerateArray().Any(r => r.GetProperty("state").GetString() == "complete"));
        Assert.Contains(("mean", "3"), (await View("d")).GetProperty("facts").EnumerateArray()
            .Select(f => (f.GetProperty("key").GetString(), f.GetProperty("value").GetString())));
    }

    [Fact]
    public async Task Nothing_outside_the_watched_folders_is_read()
    {
        _folder.Write("secret/config.yaml", TrainYaml);
        _folder.Write("secret/run.log", "secret\n");
        _folder.Write("runs/a/config.yaml", TrainYaml);
        File.CreateSymbolicLink(Id("a/run.log"), _folder["secret/run.log"]);
        Directory.CreateSymbolicLink(Id("link"), _folder["secret"]);
        var list = await ListWhen(l => l.GetArrayLength() > 0);
        Assert.Equal([Id("a")], list.EnumerateArray().Select(r => r.GetProperty("id").GetString()));
        Assert.Equal(0, (await View("a")).GetProperty("log").GetArrayLength());
        foreach (var id in new[] { _folder["secret"], Id("../secret"), Id("link"), Id("a/../../secret"), "", "/etc",
            "config.yaml", Id("a") + "/" })
            Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync("/api/run?id="
                + Uri.EscapeDataString(id))).StatusCode);
        foreach (var path in new[] { "/../secret/run.log", "/runs/a/config.yaml", "/%2e%2e/secret/run.log", "/api" })
            Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(path)).StatusCode);
    }

    [Theory]
    [InlineData("evil.example", null, null, 403)]
    [InlineData("127.0.0.1:1", null, null, 403)]
    [InlineData("localhost.evil.example:PORT", null, null, 403)]
    [InlineData("localhost:PORT", null, null, 200)]
    [InlineData("127.0.0.1:PORT", "same-origin", "cors", 200)]
    [InlineData("127.0.0.1:PORT", "cross-site", "no-cors", 403)]
    [InlineData("127.0.0.1:PORT", "same-site", "cors", 403)]
    [InlineData("127.0.0.1:PORT", "cross-site", "navigate", 200)]
    public async Task Pages_from_elsewhere_are_refused(string host, string? site, string? mode, int expected)
    {
        foreach (var path in new[] { "/", "/api/runs" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Host = host.Replace("PORT", $"{_server.Address.Port}", StringComparison.Ordinal);
            if (site is not null) request.Headers.Add("Sec-Fetch-Site", site);
            if (mode is not null) request.Headers.Add("Sec-Fetch-Mode", mode);
            using var answer = await _client.SendAsync(request);
            Assert.Equal(expected, (int)answer.StatusCode);
            Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
            Assert.Contains("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(),
                StringComparison.Ordinal);
        }
        using var post = await _client.PostAsync("/api/runs", new StringContent(""));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
    }

    [Fact]
    public async Task It_answers_this_machine_alone_and_everything_that_the_page_names()
    {
        Assert.Equal("127.0.0.1", _server.Address.Host);
        var page = await _client.GetStringAsync("/");
        var named = System.Text.RegularExpressions.Regex.Matches(page, "(?:src|href)=\"([^\"]+\\.(?:js|css))\"")
            .Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(6, named.Count);
        foreach (var file in named) Assert.True((await _client.GetStringAsync(file)).Length > 500, file);
        Assert.DoesNotContain("http", page.Replace("http-equiv", "", StringComparison.Ordinal),
            StringComparison.Ordinal);

        using var first = await _client.GetAsync("/api/runs");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/runs");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var again = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
    }

    [Fact]
    public async Task The_command_says_where_and_ends_cleanly_when_asked()
    {
        Directory.CreateDirectory(_folder["other"]);
        using var process = ProgramProcess.Start("watch", _folder["other"]);
        var line = await process.StandardOutput.ReadLineAsync();
        Assert.Matches(@"^http://127\.0\.0\.1:\d+/ shows the runs in ", line);
        Assert.Equal("[]", await _client.GetStringAsync(line!.Split(' ')[0] + "api/runs"));
        // Not Ctrl-C: what a shell starts in the background ignores it, and so does what that starts.
        ProgramProcess.Signal(process, "TERM");
        var (code, output, error) = ProgramProcess.Wait(process);
        Assert.Equal((0, "", "rlleap: the page is closed\n"), (code, output, error));
    }

    [Fact]
    public async Task Runs_of_one_environment_stand_side_by_side()
    {
        foreach (var (run, value) in new[] { ("a", 3), ("b", 5) })
        {
            _folder.Write($"runs/{run}/config.yaml", TrainYaml);
            _folder.Write($"runs/{run}/metrics.jsonl", Train(100, value));
        }
        _folder.Write("runs/m/config.yaml", MetaYaml);
        _folder.Write("runs/m/metrics.jsonl", "{\"series\":\"meta\",\"step\":0,\"error/mean\":0.5}\n");
        await ListWhen(l => l.GetArrayLength() == 3);
        var panels = await Get("/api/compare?" + string.Join('&', new[] { "a", "b", "m", "nowhere" }
            .Select(run => "id=" + Uri.EscapeDataString(Id(run)))));
        Assert.Equal(["MinAtar/Breakout-v1: return", "games: error"],
            panels.EnumerateArray().Select(p => p.GetProperty("title").GetString()));
        Assert.Equal([("a", 3), ("b", 5)], panels[0].GetProperty("marks").EnumerateArray().Select(m =>
            (m.GetProperty("name").GetString(), Values(m)[0])));
        Assert.Equal("[]", await _client.GetStringAsync("/api/compare"));
    }

    // What a process has mapped into its memory names the assemblies that it loaded.
    [Fact]
    public async Task Only_this_command_loads_the_web_server()
    {
        if (!OperatingSystem.IsLinux()) return;
        Directory.CreateDirectory(_folder["empty"]);
        using var watch = ProgramProcess.Start("watch", _folder["empty"]);
        await watch.StandardOutput.ReadLineAsync();
        Assert.Contains("Microsoft.AspNetCore", File.ReadAllText($"/proc/{watch.Id}/maps"), StringComparison.Ordinal);
        watch.Kill();
        using var train = ProgramProcess.Start("train", "Classic/CartPole-v1", "--directory", _folder["run"],
            "--agent-steps", "1000000000");
        ProgramProcess.Until(train, () => File.Exists(_folder["run/metrics.jsonl"]));
        var maps = File.ReadAllText($"/proc/{train.Id}/maps");
        train.Kill();
        train.WaitForExit();
        Assert.Contains("RlLeap.Agents.dll", maps, StringComparison.Ordinal);
        Assert.DoesNotContain("Microsoft.AspNetCore", maps, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_watched_is_one_clear_error()
    {
        var (code, _, error) = ProgramProcess.Run("watch", _folder["nowhere"]);
        Assert.Equal((1, $"rlleap: {_folder["nowhere"]} is not there.\n"), (code, error));
        (code, _, error) = ProgramProcess.Run("watch", _folder.Root, "--port", $"{_server.Address.Port}");
        Assert.Equal(1, code);
        Assert.StartsWith($"rlleap: port {_server.Address.Port} cannot be had: ", error, StringComparison.Ordinal);
        Assert.Equal(2, ProgramProcess.Run("watch", "--port", "70000").ExitCode);
    }
}
