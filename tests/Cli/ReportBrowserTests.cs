// A report opened in a browser, clicked, typed at, and measured at three widths.
using System.Globalization;
using System.Text.RegularExpressions;
using PuppeteerSharp;
using PuppeteerSharp.Media;
using RlLeap.Cli.Reports;
using RlLeap.Cli.Runs;
using Xunit;

namespace RlLeap.Tests.Cli;

public sealed class ReportBrowserTests : IAsyncLifetime
{
    private const string Evil = "x\"><img src=x onerror=\"window.hacked = 1\">";
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;
    private readonly TempFolder _folder = new();
    private readonly List<string> _errors = [];
    private IBrowser _browser = null!;
    private IPage _page = null!;

    public async Task InitializeAsync()
    {
        if (Browser.Path is null || !Tier.Long) return;
        long[] steps = [.. Enumerable.Range(0, 101).Select(i => i * 1000L)];
        List<Curve> curves =
        [
            .. from task in new[] { "MinAtar/Breakout-v0?planes=10", "MinAtar/Asterix-v0?planes=10", Evil }
               from method in new[] { "leap", "<b>own</b>", "none" }
               from seed in new[] { 0, 1, 2 }
               let slope = method == "leap" ? 3 : method == "none" ? 1 : 2
               select new Curve(task, method, seed, steps, [.. steps.Select(s => slope * s / 1e4 + seed)]),
        ];
        var result = new Result("meta-train", Evil, curves, [new("meta", "path/length", [0, 1, 2], [3, 2, 1])],
            Record: new Dictionary<string, string> { [Evil] = Evil })
        { Method = "leap" };
        ReportFiles.Write(Report.Of([("run", result)], new Rng(0), 300), _folder.Root);
        _browser = await Browser.Start();
        _page = await _browser.NewPageAsync();
        _page.PageError += (_, e) => _errors.Add(e.Message);
        _page.Console += (_, e) => _errors.Add(e.Message.Text);
        await Open(1400);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _folder.Dispose();
    }

    private async Task Open(int width)
    {
        await _page.SetViewportAsync(new ViewPortOptions { Width = width, Height = 900 });
        await _page.GoToAsync("file://" + _folder["report.html"]);
        await _page.WaitForSelectorAsync(".chart svg");
    }

    private Task<T> Ask<T>(string expression) => _page.EvaluateExpressionAsync<T>(expression);

    // Clicks the first of what is seen, and waits until the page has drawn again.
    private async Task Click(string selector)
    {
        foreach (var element in await _page.QuerySelectorAllAsync(selector))
        {
            if (await element.BoundingBoxAsync() is null) continue;
            await element.ClickAsync();
            return;
        }
        Assert.Fail($"nothing to click: {selector}");
    }

    // A chart that is drawn again under a pointer at rest shows no tip. So the pointer moves a little, as a person's.
    private async Task PointAtTheFirstChart()
    {
        for (var i = 0; i < 100 && await Seen("#each .tip.seen") == 0; i++)
        {
            var chart = await (await _page.QuerySelectorAsync("#each .chart"))!.BoundingBoxAsync();
            await _page.Mouse.MoveAsync(chart.X + chart.Width / 2 + i % 2, chart.Y + chart.Height / 2);
            await Task.Delay(100);
        }
        Assert.True(await Seen("#each .tip.seen") > 0, "no tip is shown where the pointer is");
    }

    private Task<int> Seen(string selector) => Ask<int>(
        $"[...document.querySelectorAll({System.Text.Json.JsonSerializer.Serialize(selector)})]"
            + ".filter(e => e.getClientRects().length > 0).length");

    [BrowserFact]
    public async Task Pointer_legend_tabs_and_theme_answer()
    {
        Assert.StartsWith("Over 3 tasks, leap does better than learning from a random initialization",
            await Ask<string>("document.querySelector('.headline').textContent"), StringComparison.Ordinal);
        // All tasks first; then each.
        Assert.Equal(0, await Seen("#each"));
        await Click("#tab-each");
        Assert.Equal((0, 1), (await Seen("#all"), await Seen("#each")));
        const string Lines = "#each [data-figure=data-curves] .line";
        Assert.Equal(9, await Seen(Lines));

        // The pointer tells values: at the middle of the first chart, the highest first.
        await PointAtTheFirstChart();
        var tip = await Ask<string[]>("[...document.querySelectorAll('#each .tip.seen span')].map(e => e.textContent)");
        Assert.Equal("leap", tip[0]);
        // Seeds are 0, 1 and 2 above 3 x step / 10,000.
        var head = await Ask<string>("document.querySelector('#each .tip.seen b').textContent");
        var step = 1e3 * double.Parse(Regex.Match(head, "[0-9.]+").Value, Invariant);
        double[] numbers = [.. Regex.Matches(tip[1], "[0-9.]+").Select(n => double.Parse(n.Value, Invariant))];
        Assert.Equal([3 * step / 1e4 + 1, 3 * step / 1e4, 3 * step / 1e4 + 2], numbers,
            (a, b) => Math.Abs(a - b) < 0.02);
        Assert.Equal(["<b>own</b>", "none"], [tip[2], tip[4]]);

        // A method goes from all figures at once, and comes back.
        await Click("#each .legend [data-name=leap]");
        Assert.Equal(6, await Seen(Lines));
        Assert.Equal("false", await Ask<string>("document.querySelector('#all .legend [data-name=leap]').ariaPressed"));
        await Click("#each .legend [data-name=leap]");
        Assert.Equal(9, await Seen(Lines));
        // Single seeds, and one of them gone.
        const string One = "#each [data-figure=data-curves] .one";
        Assert.Equal(0, await Seen(One));
        await Click("#each .legend .each");
        Assert.Equal(27, await Seen(One));
        await Click("#each .legend [data-group='seed 1']");
        Assert.Equal(18, await Seen(One));

        // One task of three.
        await _page.SelectAsync("[data-task-choice]", Evil);
        Assert.Equal(1, await Seen("#each [data-figure=data-curves] .chart"));
        Assert.Equal(3, await Seen("#each tbody tr"));

        // Dark and light.
        const string Paper = "getComputedStyle(document.body).backgroundColor";
        Assert.Equal("rgb(255, 255, 255)", await Ask<string>(Paper));
        await Click(".theme");
        Assert.NotEqual("rgb(255, 255, 255)", await Ask<string>(Paper));
        await Click(".theme");
        await _page.EvaluateExpressionAsync("delete document.documentElement.dataset.theme");
        await _page.EmulateMediaFeaturesAsync(
            [new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = "dark" }]);
        Assert.NotEqual("rgb(255, 255, 255)", await Ask<string>(Paper));

        // Names that look like markup did nothing; nothing was asked of a network; no script failed.
        Assert.Equal(0,
            await Ask<int>("(window.hacked ?? 0) + document.querySelectorAll('main img, .legend b').length"));
        Assert.Equal(0, await Ask<int>("performance.getEntriesByType('resource').length"));
        Assert.Empty(_errors);
    }

    [BrowserFact]
    public async Task The_keyboard_reaches_everything()
    {
        await _page.FocusAsync("#tab-all");
        await _page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("tab-each", await Ask<string>("document.activeElement.id"));
        await _page.FocusAsync("#each .legend [data-name=leap]");
        await _page.Keyboard.PressAsync("Space");
        Assert.Equal("false", await Ask<string>("document.activeElement.ariaPressed")); // still there, and switched
        await _page.Keyboard.PressAsync("Enter");
        Assert.Equal("true", await Ask<string>("document.activeElement.ariaPressed"));
        await _page.FocusAsync("#each .chart");
        await _page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("agent steps 0", await Ask<string>("document.querySelector('#each .tip.seen b').textContent"));
        for (var i = 0; i < 3; i++) await _page.Keyboard.PressAsync("ArrowRight");
        Assert.NotEqual("agent steps 0", await Ask<string>("document.querySelector('#each .tip.seen b').textContent"));
        await _page.Keyboard.PressAsync("Escape");
        Assert.Equal(0, await Seen("#each .tip.seen"));
        // What a chart shows can be read aloud.
        Assert.Matches(@"^Asterix, episodic return, over agent steps\. leap ends at 31;",
            await Ask<string>("document.querySelector('#each .chart').ariaLabel"));
    }

    [BrowserFact]
    public async Task Nothing_is_wider_than_the_window()
    {
        foreach (var width in new[] { 375, 800, 1400 })
        {
            await Open(width);
            foreach (var tab in new[] { "#tab-all", "#tab-each" })
            {
                await Click(tab);
                await _page.EvaluateExpressionAsync("document.querySelectorAll('details').forEach(d => d.open = true)");
                Assert.True(await Ask<int>("document.documentElement.scrollWidth") <= width, $"at {width}, {tab}");
            }
        }
        Assert.Empty(_errors);
    }

    [BrowserFact]
    public async Task Text_stands_out_from_the_page_dark_and_light()
    {
        // Contrast as WCAG 2 defines it: 4.5 for text.
        const string Least = """
            (() => {
              const rgb = colour => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
              const light = c => rgb(c).map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const behind = e => { while (e && /rgba\(.*, 0\)|transparent/.test(getComputedStyle(e).backgroundColor))
                e = e.parentElement; return getComputedStyle(e ?? document.body).backgroundColor; };
              const texts = 'p, li, td, th, button, a, summary, figcaption, h1, h2, dt, dd';
              const all = [...document.querySelectorAll(texts)]
                .filter(e => e.getClientRects().length > 0).map(e => {
                  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
                  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                });
              return Math.min(...all);
            })()
            """;
        foreach (var scheme in new[] { "light", "dark" })
        {
            await _page.EmulateMediaFeaturesAsync(
                [new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme }]);
            Assert.InRange(await Ask<double>(Least), 4.5, 21);
        }
    }
}
