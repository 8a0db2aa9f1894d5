using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Interop;

/// <summary>Runs tests one after the other, each with a deadline, and counts them.</summary>
public sealed class Harness(Server server, string only)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public int Passed { get; private set; }
    public int Failed { get; private set; }

    public async Task Test(string protocol, string name, Func<Clients, Task> body)
    {
        var title = $"{protocol}: {name}";
        if (!title.Contains(only)) return;
        await using var clients = new Clients(server, protocol);
        try
        {
            await body(clients).WaitAsync(Limit);
            Passed++;
            Console.WriteLine($"ok      {title}");
        }
        catch (Exception error)
        {
            Failed++;
            Console.WriteLine($"FAILED  {title}\n        {error.GetType().Name}: {error.Message}");
        }
    }
}

/// <summary>The connections of one test, stopped when it ends.</summary>
public sealed class Clients(Server server, string protocol) : IAsyncDisposable
{
    private readonly List<HubConnection> connections = [];

    public async Task<HubConnection> Connect(string? user = null, Action<IHubConnectionBuilder>? configure = null)
    {
        var connection = Build(user, configure);
        await connection.StartAsync();
        return connection;
    }

    public HubConnection Build(string? user = null, Action<IHubConnectionBuilder>? configure = null)
    {
        var builder = new HubConnectionBuilder().WithUrl($"{server.Url}/hubs/conformance", options =>
        {
            options.Headers["X-Header"] = "value";
            if (user is not null) options.AccessTokenProvider = () => Task.FromResult<string?>(Token(user));
        });
        if (protocol == "messagepack") builder.AddMessagePackProtocol();
        if (protocol == "newtonsoft") builder.AddNewtonsoftJsonProtocol();
        configure?.Invoke(builder);
        var connection = builder.Build();
        connections.Add(connection);
        return connection;
    }

    /// <summary>An HS256 token whose subject is the user.</summary>
    public static string Token(string user)
    {
        static string Part(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var head = Part(JsonSerializer.SerializeToUtf8Bytes(new { alg = "HS256", typ = "JWT" }));
        var expires = DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeSeconds();
        var body = Part(JsonSerializer.SerializeToUtf8Bytes(new { sub = user, exp = expires }));
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Server.Secret), Encoding.UTF8.GetBytes($"{head}.{body}"));
        return $"{head}.{body}.{Part(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) await connection.DisposeAsync();
    }
}

/// <summary>What a client was sent, in order.</summary>
public sealed class Heard<T>
{
    private readonly Channel<T> channel = Channel.CreateUnbounded<T>();

    public Heard(HubConnection connection, string method) =>
        connection.On<T>(method, value => channel.Writer.TryWrite(value));

    public async Task<T> Next() => await channel.Reader.ReadAsync();

    public bool Silent => !channel.Reader.TryPeek(out _);
}

public static class Check
{
    public static void Same<T>(T expected, T actual, string what = "")
    {
        var (one, two) = (JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));
        if (one != two) throw new InvalidOperationException($"{what} expected {Short(one)}, got {Short(two)}");
    }

    private static string Short(string text) => text.Length > 300 ? text[..300] + "…" : text;

    public static async Task Fails(string text, Func<Task> body)
    {
        try
        {
            await body();
        }
        catch (Microsoft.AspNetCore.SignalR.HubException error)
        {
            Same(text, error.Message);
            return;
        }
        throw new InvalidOperationException($"expected to fail: {text}");
    }
}
