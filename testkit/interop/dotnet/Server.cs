using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Interop;

/// <summary>The real binary as a child process; ended by its process id.</summary>
public sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly Process process;

    private Server(Process process, string url)
    {
        this.process = process;
        Url = url;
    }

    public string Url { get; }

    public const string Secret = "a key for tests alone, of more than 32 bytes";

    public static async Task<Server> Start(string binary, Dictionary<string, string>? options = null)
    {
        var start = new ProcessStartInfo(binary, "dev --listen 127.0.0.1:0 --admin 127.0.0.1:0")
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["HUBPLANE_AUTH__KEYS__TEST"] = Secret;
        start.Environment["HUBPLANE_LOG__FILTER"] = "warn";
        foreach (var (name, value) in options ?? []) start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new InvalidOperationException("the server does not start");
        // Whatever becomes of this process, its child does not stay.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => { try { process.Kill(); } catch (InvalidOperationException) { } };
        using var deadline = new CancellationTokenSource(Limit);
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            var open = Regex.Match(line, @"open\s+(http:\S+)");
            if (open.Success) return new Server(process, open.Groups[1].Value.TrimEnd('/'));
        }
        throw new InvalidOperationException("the server ended before it was ready");
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
