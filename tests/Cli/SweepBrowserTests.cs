// The page of a sweep in a browser: its dots say which trial they are.
using PuppeteerSharp;
using RlLeap.Cli.Config;
using RlLeap.Cli.Sweeps;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class SweepBrowserTests : IDisposable
{
    private const string Evil = "<img src=x onerror=window.hacked=1>";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private void Write()
    {
        TrialReport Of(int number, int rung, double value, string rate, string kind) => new(number,
            new Dictionary<string, string> { ["a.rate"] = rate, ["a.kind"] = kind }, rung, rung, value, [value], false);
        SearchFiles.Write(new(Evil, "area", Direction.Maximize, SearchKind.Halving,
            [Of(1, 1, 9, "0.01", "x"), Of(2, 1, 8, "0.1", Evil), Of(0, 0, 1, "0.001", "x")], [1, 4, 3], [])
        {
            Ranges = new Dictionary<string, RangeConfig>
            {
                ["a.rate"] = new() { Log = [1e-3, 1e-1] }, ["a.kind"] = new() { Choice = ["x", Evil] },
            },
            Rungs = [new(1, 3), new(3, 2)],
        }, _folder.Root);
    }

    [Fact]
    public void The_page_holds_the_trials_as_data_and_nothing_of_them_as_markup()
    {
        Write();
        var html = File.ReadAllText(_folder["report.html"]);
        Assert.Contains("\"names\":[\"trial-001\"],\"texts\":[\"0.01\"]", html, StringComparison.Ordinal);
        Assert.Contains("\"xTexts\":[", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<img src=x", html, StringComparison.Ordinal);
        Assert.Contains("The largest area is 9, of trial-001 at a budget of 1.", html, StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task A_dot_says_which_trial_it_is()
    {
        Write();
        await using var browser = await Browser.Start();
        await using var page = await browser.NewPageAsync();
        List<string> errors = [];
        page.PageError += (_, e) => errors.Add(e.Message);
        await page.SetViewportAsync(new ViewPortOptions { Width = 1100, Height = 1400 });
        await page.GoToAsync("file://" + _folder["report.html"]);
        await page.WaitForSelectorAsync(".chart svg");
        await (await page.QuerySelectorAsync(".chart g[data-name=best] .dot")).HoverAsync();
        await page.WaitForExpressionAsync("document.querySelector('.tip.seen')?.textContent === "
            + "'trial-001area4rate0.01'");
        await page.ClickAsync(".legend button[data-name=best]");
        Assert.Equal(0, await page.EvaluateExpressionAsync<int>(
            "document.querySelectorAll('.chart g[data-name=best]').length"));
        Assert.True(await page.EvaluateExpressionAsync<bool>("window.hacked === undefined"));
        Assert.Contains(Evil, await page.EvaluateExpressionAsync<string>(
            "[...document.querySelectorAll('.chart .tick')].map(t => t.textContent).join(' ')"));
        Assert.Empty(errors);
    }
}
