// The page of `rlleap watch`: a server on the loopback interface that reads files of runs and writes none.
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RlLeap.Cli.Web;

namespace RlLeap.Cli.Watch;

/// <summary>Serves the page, its scripts, the list of runs, and single runs.</summary>
/// <remarks>
/// It answers this machine alone, and only under the names of this machine: a page from elsewhere that had its own name
/// lead here (DNS rebinding) is refused. What a request names is looked up among the runs that were found; no path of a
/// request is ever opened.
/// </remarks>
internal sealed class WatchServer : IAsyncDisposable
{
    private const string Html = "text/html; charset=utf-8", Script = "text/javascript; charset=utf-8",
        Style = "text/css; charset=utf-8", Data = "application/json; charset=utf-8";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    private readonly WebApplication _application;
    private readonly RunList _list;
    private readonly Lock _gate = new();
    // The runs that were looked at last, with what was read of them.
    private readonly List<(string Id, RunCurves Curves)> _open = [];

    private WatchServer(WebApplication application, RunList list) => (_application, _list) = (application, list);

    /// <summary>Where it answers.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1/");

    /// <summary>Starts it.</summary>
    /// <param name="port">The port; 0 for a free one.</param>
    /// <exception cref="RlLeapException">The port cannot be had.</exception>
    public static async Task<WatchServer> Start(IReadOnlyList<string> roots, int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        builder.Services.AddRoutingCore();
        // Signals are the program's own.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var application = builder.Build();
        var server = new WatchServer(application, new RunList(roots));
        application.Use(server.Guard);
        server.Map();
        try { await application.StartAsync(); }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
        {
            await application.DisposeAsync();
            throw new RlLeapException($"port {port} cannot be had: {e.Message} Choose another --port, or leave it out "
                + "for a free one.", e);
        }
        server.Address = new(application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First());
        return server;
    }

    /// <summary>Ends it; requests that are answered now have a second.</summary>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _application.StopAsync(patience.Token);
        await _application.DisposeAsync();
    }

    private void Map()
    {
        Page("/", "watch.html", Html);
        Page("/" + WebFiles.Style, WebFiles.Style, Style);
        Page("/watch.css", "watch.css", Style);
        foreach (var script in WebFiles.Scripts.Append("watch.js")) Page("/" + script, script, Script);
        _application.MapGet("/api/runs", context => Answer(context, Json(_list.Look()), Data));
        _application.MapGet("/api/run", context => View(context.Request.Query["id"].ToString()) is { } view
            ? Answer(context, Json(view), Data) : Refuse(context, 404, "there is no such run"));
        _application.MapGet("/api/compare", context => Answer(context,
            Json(Compare([.. context.Request.Query["id"].OfType<string>().Take(MostOpen)])), Data));
        _application.MapFallback(context => Refuse(context, 404, "there is nothing here"));
    }

    private void Page(string path, string file, string type)
    {
        var bytes = Encoding.UTF8.GetBytes(WebFiles.Text(file));
        _application.MapGet(path, context => Answer(context, bytes, type));
    }

    private async Task Guard(HttpContext context, RequestDelegate next)
    {
        var (request, headers) = (context.Request, context.Response.Headers);
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
            + "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-cache";
        var isOwn = request.Host.Host is "127.0.0.1" or "localhost"
            && (request.Host.Port ?? 80) == context.Connection.LocalPort;
        if (!isOwn) await Refuse(context, 403, $"this page answers at {Address} alone");
        else if (request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site"
            && request.Headers["Sec-Fetch-Mode"] != "navigate") await Refuse(context, 403, "another page asked");
        else if (request.Method != "GET") await Refuse(context, 405, "there is nothing to change here");
        else await next(context);
    }

    private static Task Refuse(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n");
    }

    // What the browser has already is not sent again.
    private static async Task Answer(HttpContext context, byte[] body, string type)
    {
        var tag = $"\"{Convert.ToHexString(SHA256.HashData(body), 0, 12)}\"";
        context.Response.Headers.ETag = tag;
        if (context.Request.Headers.IfNoneMatch == tag)
        {
            context.Response.StatusCode = 304;
            return;
        }
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    // Runs whose curves are kept.
    private const int MostOpen = 16;

    private RunView? View(string id)
    {
        lock (_gate) return Read(id) is { } read ? RunView.Of(read.Run, read.Curves) : null;
    }

    private IReadOnlyList<WatchPanel> Compare(IReadOnlyList<string> ids)
    {
        lock (_gate) return SideBySide.Of([.. ids.Distinct().Select(Read).OfType<(ListedRun, RunCurves)>()]);
    }

    // A run that was found, with what it has recorded up to now; null where there is none, or it has vanished.
    private (ListedRun Run, RunCurves Curves)? Read(string id)
    {
        if (_list.Look().FirstOrDefault(run => run.Id == id) is not { } run) return null;
        var curves = _open.Find(open => open.Id == id).Curves ?? new RunCurves(id);
        _open.RemoveAll(open => open.Id == id);
        _open.Add((id, curves));
        if (_open.Count > MostOpen) _open.RemoveAt(0);
        try { curves.Refresh(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
        return (run, curves);
    }

    private static byte[] Json<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Options);

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
