// Downloads from a local server that a test can make misbehave.
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using RlLeap.Data;
using Xunit;

namespace RlLeap.Tests.Data;

public sealed class DownloadTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly HttpListener _server = new();
    private readonly HttpClient _http = new();
    private readonly byte[] _content = SampleFiles.Bytes(200_000);
    private readonly List<string> _ranges = [];
    private readonly string _url;
    private readonly Task _loop;

    // What the server does with the n-th request. By default it serves the file and respects ranges.
    private readonly Dictionary<int, Action<HttpListenerContext>> _misbehaviour = [];

    public DownloadTests()
    {
        var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        _url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        probe.Stop();
        _server.Prefixes.Add(_url);
        _server.Start();
        _loop = Task.Run(Serve);
    }

    public void Dispose()
    {
        _server.Close();
        _loop.Wait();
        _http.Dispose();
        _folder.Dispose();
    }

    private DataFile TestFile => new("f.bin", [_url + "f.bin"], Convert.ToHexStringLower(MD5.HashData(_content)));

    private DataDownload Download =>
        new(_http) { Attempts = 3, RetryDelay = TimeSpan.Zero, StallTimeout = TimeSpan.FromSeconds(2) };

    private string Target => _folder["f.bin"];

    [Fact]
    public async Task A_file_arrives_checked_with_progress_and_is_not_fetched_twice()
    {
        var seen = new List<DataDownload.Progress>();
        await Download.Get(TestFile, Target, seen.Add);
        Assert.Equal(_content, File.ReadAllBytes(Target));
        Assert.Equal(new DataDownload.Progress("f.bin", 200_000, 200_000), seen[^1]);
        Assert.False(File.Exists(Target + ".part"));
        await Download.Get(TestFile, Target);
        Assert.Single(_ranges);
    }

    [Fact]
    public async Task An_interrupted_transfer_goes_on_where_it_ended()
    {
        _misbehaviour[0] = Cut(70_000);
        await Download.Get(TestFile, Target);
        Assert.Equal(_content, File.ReadAllBytes(Target));
        Assert.Equal(2, _ranges.Count);
        Assert.Equal("bytes=70000-", _ranges[1]);
    }

    [Fact]
    public async Task A_part_is_kept_when_the_server_gives_up_and_used_by_the_next_run()
    {
        for (var n = 0; n < 3; n++) _misbehaviour[n] = Cut(30_000);
        var error = await Assert.ThrowsAsync<DataException>(() => Download.Get(TestFile, Target));
        Assert.Contains("90,000 bytes are kept", error.Message);
        Assert.False(File.Exists(Target)); // an incomplete file never gets the final name
        await Download.Get(TestFile, Target);
        Assert.Equal("bytes=90000-", _ranges[^1]);
        Assert.Equal(_content, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task A_server_that_ignores_ranges_is_read_from_the_start()
    {
        File.WriteAllBytes(Target + ".part", _content[..1000]);
        _misbehaviour[0] = context => Send(context, 200, _content);
        await Download.Get(TestFile, Target);
        Assert.Equal(_content, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task A_part_that_is_whole_or_too_long_is_dealt_with()
    {
        File.WriteAllBytes(Target + ".part", _content);
        await Download.Get(TestFile, Target);
        Assert.Equal(_content, File.ReadAllBytes(Target));
        File.Delete(Target);
        File.WriteAllBytes(Target + ".part", [.. _content, 1]);
        await Download.Get(TestFile, Target);
        Assert.Equal(_content, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task A_wrong_checksum_is_refused_and_nothing_is_left_behind()
    {
        var wrong = TestFile with { Md5 = new string('0', 32) };
        Assert.Contains("checksum mismatch",
            (await Assert.ThrowsAsync<DataException>(() => Download.Get(wrong, Target))).Message);
        Assert.Empty(Directory.GetFiles(_folder.Root));
        File.WriteAllBytes(Target, [1]);
        Assert.Contains("move it away",
            (await Assert.ThrowsAsync<DataException>(() => Download.Get(TestFile, Target))).Message);
        Assert.Equal([1], File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task A_mirror_is_used_when_the_first_address_fails()
    {
        _misbehaviour[0] = context => Send(context, 404, []);
        await Download.Get(TestFile with { Urls = [_url + "gone", _url + "f.bin"] }, Target);
        Assert.Equal(_content, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task No_server_at_all_is_one_clear_error()
    {
        var unreachable = TestFile with { Urls = ["http://127.0.0.1:1/f.bin"] };
        var error = await Assert.ThrowsAsync<DataException>(() => Download.Get(unreachable, Target));
        Assert.Contains("RLLEAP_DATA", error.Message);
        Assert.Empty(Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public async Task A_stop_keeps_the_part_and_is_a_cancellation()
    {
        using var stop = new CancellationTokenSource();
        _misbehaviour[0] = context =>
        {
            context.Response.ContentLength64 = _content.Length;
            context.Response.OutputStream.Write(_content, 0, 50_000);
            context.Response.OutputStream.Flush();
            stop.Cancel();
            stop.Token.WaitHandle.WaitOne();
            context.Response.Abort();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Download.Get(TestFile, Target, progress: null, stop.Token));
        Assert.False(File.Exists(Target));
        await Download.Get(TestFile, Target);
        Assert.Equal(_content, File.ReadAllBytes(Target));
    }

    [Fact]
    public async Task A_set_goes_to_its_own_folder_and_one_without_download_says_so()
    {
        Assert.Equal(_folder["tiny"], await Download.Get(new DataSource("tiny", "", [TestFile]), _folder.Root));
        Assert.Equal(_content, File.ReadAllBytes(_folder["tiny/f.bin"]));
        var facescrub = DataCatalog.Get("facescrub");
        var error = await Assert.ThrowsAsync<DataException>(() => Download.Get(facescrub, _folder.Root));
        Assert.Contains("no public download", error.Message);
    }

    private async Task Serve()
    {
        for (var n = 0; ; n++)
        {
            HttpListenerContext context;
            try
            {
                context = await _server.GetContextAsync();
            }
            catch (Exception e)
                when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            var range = context.Request.Headers["Range"];
            _ranges.Add(range ?? "");
            if (_misbehaviour.TryGetValue(n, out var misbehave))
            {
                misbehave(context);
                continue;
            }
            var from = From(range);
            if (from >= _content.Length)
            {
                context.Response.Headers["Content-Range"] = $"bytes */{_content.Length}";
                Send(context, 416, []);
                continue;
            }
            if (range is not null)
                context.Response.Headers["Content-Range"] = $"bytes {from}-{_content.Length - 1}/{_content.Length}";
            Send(context, range is null ? 200 : 206, _content[from..]);
        }
    }

    // Serves this many bytes of the requested range and then cuts the connection.
    private Action<HttpListenerContext> Cut(int bytes) => context =>
    {
        var from = From(context.Request.Headers["Range"]);
        context.Response.StatusCode = from > 0 ? 206 : 200;
        if (from > 0)
            context.Response.Headers["Content-Range"] = $"bytes {from}-{_content.Length - 1}/{_content.Length}";
        context.Response.ContentLength64 = _content.Length - from;
        context.Response.OutputStream.Write(_content, from, bytes);
        context.Response.OutputStream.Flush();
        context.Response.Abort();
    };

    private static int From(string? range) => range is null ? 0 : int.Parse(range["bytes=".Length..].TrimEnd('-'));

    private static void Send(HttpListenerContext context, int status, byte[] content)
    {
        context.Response.StatusCode = status;
        context.Response.ContentLength64 = content.Length;
        context.Response.Close(content, willBlock: true);
    }
}
