using System.Collections.Concurrent;
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

    public static async Task<Server> Start(string binary, Dictionary<string, string> options)
    {
        var start = new ProcessStartInfo(binary, "dev --listen 127.0.0.1:0 --admin 127.0.0.1:0")
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["HUBPLANE_LOG__FILTER"] = "error";
        foreach (var (name, value) in options) start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new InvalidOperationException("the server does not start");
        // Whatever becomes of this process, its child does not stay.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => { try { process.Kill(); } catch (InvalidOperationException) { } };
        using var deadline = new CancellationTokenSource(Limit);
        while (await process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
        {
            var open = Regex.Match(line, @"open\s+(https?:\S+)");
            if (!open.Success) continue;
            // Nobody reads the rest, and a full pipe would stop the server.
            _ = process.StandardOutput.ReadToEndAsync();
            return new Server(process, open.Groups[1].Value.TrimEnd('/'));
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

/// <summary>The servers of a run: one for each column, so that nobody else is there when it broadcasts, and one without keys.</summary>
public sealed class Servers(string binary) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Server>>> started = new();

    public Task<Server> Of(Column column) =>
        Get(column.ToString(), column.Scheme, new() { ["HUBPLANE_AUTH__KEYS__TEST"] = Server.Secret });

    public Task<Server> Open(string scheme) => Get(scheme, scheme, []);

    private Task<Server> Get(string name, string scheme, Dictionary<string, string> options)
    {
        if (scheme == "https")
        {
            options["HUBPLANE_LISTEN__TLS__CERTIFICATE"] = Certificate("first.pem");
            options["HUBPLANE_LISTEN__TLS__KEY"] = Certificate("first.key");
        }
        return started.GetOrAdd(name, _ => new(() => Server.Start(binary, options))).Value;
    }

    /// <summary>A file of testkit/certificates; run.sh runs the tests in their own folder.</summary>
    private static string Certificate(string name) => Path.GetFullPath($"../../certificates/{name}");

    /// <summary>Ends the server of a column that is done.</summary>
    public async Task End(Column column)
    {
        if (started.TryRemove(column.ToString(), out var server)) await (await server.Value).DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in started.Values) await (await server.Value).DisposeAsync();
    }
}
