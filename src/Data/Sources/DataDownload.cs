using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace RlLeap.Data;

/// <summary>Downloads the files of a data set; goes on after interruptions, and checks every file.</summary>
/// <remarks>
/// Bytes are written to NAME.part beside the target. A later run continues where that file ends (HTTP Range). It is
/// renamed to NAME only when its MD5 checksum is right.
/// </remarks>
public sealed class DataDownload(HttpClient http)
{
    /// <summary>Progress of a file in bytes. The total is null until the server has sent it.</summary>
    public readonly record struct Progress(string File, long Done, long? Total);

    /// <summary>How often a transfer is tried before it is given up.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>How long to wait after an interruption before the next attempt.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A transfer that receives nothing for this long counts as interrupted.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Downloads a set's files into <paramref name="root"/>/NAME, but those that are right already.</summary>
    /// <returns>The folder.</returns>
    /// <exception cref="DataException">
    /// The set has no public download, no server has the file, the transfer is interrupted for good, or the checksum is
    /// wrong.
    /// </exception>
    public async Task<string> Get(DataSource set, string root, Action<Progress>? progress = null,
        CancellationToken stop = default)
    {
        if (set.Files.Count == 0) throw new DataException(set.Name, $"has no public download ({set.About})");
        var folder = Path.Combine(root, set.Name);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RlLeapException(
                $"Cannot write to {folder}: {e.Message} Choose another folder with RLLEAP_DATA.", e);
        }
        foreach (var file in set.Files) await Get(file, Path.Combine(folder, file.Name), progress, stop);
        return folder;
    }

    /// <summary>Downloads one file, unless it is already there with the right checksum.</summary>
    public async Task Get(DataFile file, string path, Action<Progress>? progress = null,
        CancellationToken stop = default)
    {
        if (File.Exists(path))
        {
            if (await Md5(path, stop) == file.Md5) return;
            throw new DataException(path, $"is there but its MD5 is not {file.Md5}; move it away and run again");
        }
        var part = path + ".part";
        var reasons = new List<string>();
        foreach (var url in file.Urls)
        {
            if (await TryTransfer(url, part, file, progress, reasons, stop) is false) continue;
            var sum = await Md5(part, stop);
            if (sum == file.Md5)
            {
                File.Move(part, path);
                return;
            }
            File.Delete(part);
            reasons.Add($"{url}: checksum mismatch, MD5 {sum} where {file.Md5} is expected");
        }
        if (File.Exists(part) && new FileInfo(part).Length == 0) File.Delete(part);
        var kept = File.Exists(part)
            ? $"; {new FileInfo(part).Length:N0} bytes are kept, run the same command to go on"
            : "";
        throw new DataException(path, $"could not be downloaded ({string.Join("; ", reasons)}){kept}. " +
            "Offline, put the file in a folder named by RLLEAP_DATA");
    }

    private async Task<bool> TryTransfer(string url, string part, DataFile file, Action<Progress>? progress,
        List<string> reasons, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Transfer(url, part, file, progress, stop);
                return true;
            }
            catch (HttpRequestException e)
                when (e.StatusCode is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError)
            {
                reasons.Add($"{url}: {(int)e.StatusCode}");
                return false;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                stop.ThrowIfCancellationRequested();
                if (attempt >= Attempts)
                {
                    reasons.Add($"{url}: {e.Message.TrimEnd('.')}");
                    return false;
                }
                await Task.Delay(RetryDelay, stop);
            }
        }
    }

    private async Task Transfer(string url, string part, DataFile file, Action<Progress>? progress,
        CancellationToken stop)
    {
        using var target = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        target.Position = target.Length;
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (target.Position > 0) request.Headers.Range = new RangeHeaderValue(target.Position, null);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        var isPartial = response.StatusCode == HttpStatusCode.PartialContent;
        var isPastTheEnd = response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable;
        var range = response.Content.Headers.ContentRange;
        // The part already holds the whole file.
        if (isPastTheEnd && range?.Length == target.Length) return;
        var resumes = isPartial && range?.From == target.Position;
        if (isPastTheEnd || isPartial && !resumes)
        {
            // The part is not a beginning of this file.
            target.SetLength(0);
            throw new IOException("the server does not go on where the part ends; starting over");
        }
        response.EnsureSuccessStatusCode();
        if (!resumes) target.SetLength(target.Position = 0);
        var total = response.Content.Headers.ContentLength + target.Position;
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await using var source = await response.Content.ReadAsStreamAsync(stop);
        var buffer = new byte[1 << 16];
        while (true)
        {
            stall.CancelAfter(StallTimeout);
            var read = await source.ReadAsync(buffer, stall.Token);
            if (read == 0) break;
            await target.WriteAsync(buffer.AsMemory(0, read), stop);
            progress?.Invoke(new Progress(file.Name, target.Position, total));
        }
        if (total is { } length && target.Position != length)
            throw new IOException($"the connection ended after {target.Position:N0} of {length:N0} bytes");
    }

    private static async Task<string> Md5(string path, CancellationToken stop)
    {
        await using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(await MD5.HashDataAsync(stream, stop));
    }
}
