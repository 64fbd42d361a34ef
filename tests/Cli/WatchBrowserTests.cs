// The page of runs in a browser, while a run grows, is killed and is deleted.
using PuppeteerSharp;
using PuppeteerSharp.Media;
using RlLeap.Cli.Watch;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class WatchBrowserTests : IAsyncLifetime
{
    private const string Evil = "<img src=x onerror=window.hacked=1>";

    private readonly TempFolder _folder = new();
    private readonly List<string> _errors = [];
    private WatchServer _server = null!;
    private IBrowser _browser = null!;
    private IPage _page = null!;

    public async Task InitializeAsync()
    {
        if (Browser.Path is null || !Tier.Long) return;
        _folder.Write("runs/done/config.yaml", $"suite: games\nmethod: {{name: \"{Evil}\"}}\nmeta: {{steps: 2}}\n");
        _folder.Write("runs/done/metrics.jsonl", string.Concat(Enumerable.Range(0, 2).Select(i =>
            $"{{\"series\":\"meta\",\"step\":{i},\"path/length\":{2 - i},\"loss/mean\":{i}}}\n"
            + $"{{\"series\":\"task/{Evil}\",\"step\":{i},\"return/mean\":{i},\"path/length\":3}}\n"
            + $"{{\"series\":\"task/b\",\"step\":{i},\"return/mean\":{i + 4},\"path/length\":5}}\n")));
        _folder.Write("runs/done/run.log", $"{Evil}\n");
        _folder.Write("runs/done/result.json", $"{{\"record\":{{\"{Evil}\":\"{Evil}\"}}}}");
        _server = await WatchServer.Start([_folder["runs"]], 0);
        _browser = await Browser.Start();
        _page = await _browser.NewPageAsync();
        _page.PageError += (_, e) => _errors.Add(e.Message);
        _page.Console += (_, e) => _errors.Add(e.Message.Text);
        await _page.SetViewportAsync(new ViewPortOptions { Width = 1300, Height = 900 });
        await _page.GoToAsync(_server.Address.ToString());
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        _folder.Dispose();
    }

    private Task<T> Ask<T>(string expression) => _page.EvaluateExpressionAsync<T>(expression);

    private Task Until(string expression) =>
        _page.WaitForExpressionAsync(expression, new WaitForFunctionOptions { Timeout = 60_000 });

    private Task Choose(string run) =>
        _page.ClickAsync($"#runs a[href=\"#{Uri.EscapeDataString(_folder["runs/" + run])}\"]");

    // Where the line of the returns ends.
    private const string Returns =
        "[...document.querySelectorAll('#sections section')].find(s => s.textContent.includes('Returns'))";

    [BrowserFact]
    public async Task A_run_is_seen_as_it_grows_as_it_is_killed_and_as_it_goes()
    {
        await Until("document.querySelectorAll('#runs li').length === 1");
        using var run = ProgramProcess.Start("train", "MinAtar/Breakout-v1", "--directory", _folder["runs/growing"],
            "--agent-steps", "500_000_000", "--set", "record.every=2000", "--set", "record.evaluate-every=0");
        _ = run.StandardOutput.ReadToEndAsync();
        _ = run.StandardError.ReadToEndAsync();
        try
        {
            // It appears by itself, first.
            await Until("document.querySelector('#runs li b')?.textContent.endsWith('growing')");
            await Choose("growing");
            await Until($"{Returns}?.querySelector('.line')?.getAttribute('d').length > 40");
            Assert.Equal("running", await Ask<string>("document.querySelector('#state .state').textContent"));
            Assert.Contains("MinAtar/Breakout-v1", await Ask<string>("document.querySelector('#state').textContent"));
            Assert.InRange(await Ask<double>("document.querySelector('#progress').value"), 1e-6, 0.5);
            foreach (var title in new[] { "Losses", "Network", "Throughput" })
                Assert.True(await Ask<bool>(
                    $"[...document.querySelectorAll('#sections h3')].some(h => h.textContent === '{title}')"), title);
            Assert.Contains("train MinAtar/Breakout-v1",
                await Ask<string>("document.querySelector('#log').textContent"));

            var before = await Ask<string>("document.querySelector('#state').textContent.match(/([^ ]+) of/)[1]");
            await Until($"document.querySelector('#state').textContent.match(/([^ ]+) of/)[1] !== '{before}'");

            // The pointer reads values; meanwhile what is read stays.
            var chart = await _page.QuerySelectorAsync("#sections .chart");
            await chart.HoverAsync();
            await Until("document.querySelector('#sections .tip.seen')?.textContent.includes('agent steps')");
            await _page.Mouse.MoveAsync(5, 5);

            run.Kill();
            run.WaitForExit();
            await Until("document.querySelector('#state .state').textContent === 'killed'");
            Assert.Contains("--resume", await Ask<string>("document.querySelector('#state').textContent"));
            Directory.Delete(_folder["runs/growing"], recursive: true);
            await Until("document.querySelector('#choose').textContent.includes('is not there any more')");
            await Until("document.querySelectorAll('#runs li').length === 1");
        }
        finally
        {
            if (!run.HasExited) run.Kill();
        }
        // The browser itself names the answer 404 of a run that went.
        Assert.DoesNotContain(_errors, error => !error.Contains("404", StringComparison.Ordinal));
    }

    [BrowserFact]
    public async Task Without_a_choice_runs_stand_side_by_side_and_the_title_leads_back()
    {
        _folder.Write("runs/b/config.yaml", "environment: MinAtar/Breakout-v1\nagent-steps: 10\n");
        _folder.Write("runs/b/metrics.jsonl", string.Concat(Enumerable.Range(1, 3).Select(i =>
            $"{{\"series\":\"train\",\"step\":{i},\"charts/mean_return_100\":{i}}}\n")));
        await Until("document.querySelectorAll('#overview .chart .line').length === 2");
        Assert.Equal(["MinAtar/Breakout-v1: return", "games: return"], await Ask<string[]>(
            "[...document.querySelectorAll('#overview .title')].map(t => t.textContent).sort()"));
        await _page.TypeAsync("#filter", "breakout");
        await Until("document.querySelectorAll('#overview .chart .line').length === 1");
        await Choose("b");
        await Until("document.querySelector('#overview').hidden && !document.querySelector('#run').hidden");
        await _page.ClickAsync("h1 a");
        await Until("!document.querySelector('#overview').hidden && document.querySelector('#run').hidden");
        Assert.Empty(_errors);
    }

    [BrowserFact]
    public async Task Names_and_logs_are_text_whatever_they_hold()
    {
        await Until("document.querySelectorAll('#runs li').length === 1");
        await Choose("done");
        await Until("document.querySelectorAll('#tasks tbody tr').length === 2");
        foreach (var place in new[] { "#state", "#tasks tbody", "#log", "#facts", "#sections .legend" })
            Assert.Contains(Evil, await Ask<string>($"document.querySelector('{place}').textContent"),
                StringComparison.Ordinal);
        Assert.Equal(0, await Ask<int>("document.querySelectorAll('img').length"));
        Assert.True(await Ask<bool>("window.hacked === undefined"));

        // A curve is switched off by its name.
        const string B = "document.querySelectorAll('#sections [data-name=b]')";
        var shown = await Ask<int>($"[...{B}].filter(e => e.tagName === 'g').length");
        await _page.ClickAsync("#sections button[data-name=b]");
        Assert.True(await Ask<int>($"[...{B}].filter(e => e.tagName === 'g').length") < shown);

        // The filter leaves what it names.
        await _page.TypeAsync("#filter", "nothing like it");
        Assert.Equal(0, await Ask<int>("document.querySelectorAll('#runs li').length"));

        // Nothing is wider than the page, dark or light.
        foreach (var (width, theme) in new[] { (420, "dark"), (800, "light"), (1500, "dark") })
        {
            await _page.SetViewportAsync(new ViewPortOptions { Width = width, Height = 900 });
            await _page.EmulateMediaFeaturesAsync(
                [new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = theme }]);
            Assert.True(await Ask<bool>("document.documentElement.scrollWidth <= innerWidth"), $"{width}");
            var paper = await Ask<string>("getComputedStyle(document.body).backgroundColor");
            Assert.Equal(theme == "dark" ? "rgb(20, 23, 28)" : "rgb(255, 255, 255)", paper);
        }
        Assert.Empty(_errors);
    }

    [BrowserFact]
    public async Task A_program_that_ended_is_said_and_found_again()
    {
        await Until("document.querySelectorAll('#runs li').length === 1");
        var port = _server.Address.Port;
        await _server.DisposeAsync();
        await Until("!document.querySelector('#gone').hidden");
        Assert.Equal(1, await Ask<int>("document.querySelectorAll('#runs li').length"));
        _server = await WatchServer.Start([_folder["runs"]], port);
        await Until("document.querySelector('#gone').hidden");
    }
}
