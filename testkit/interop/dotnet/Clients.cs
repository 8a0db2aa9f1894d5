using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections.Client;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Serialization;

namespace Interop;

/// <summary>The connections of one test, stopped when it ends.</summary>
public sealed class Clients(Column column, Server server, Server open) : IAsyncDisposable
{
    private readonly List<HubConnection> connections = [];

    /// <summary>Accepts the certificate of the tests, which nobody signed.</summary>
    private static readonly HttpClient Http = new(new HttpClientHandler
    {
        ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
    });

    /// <summary>A server without keys of its own, which gives tokens away.</summary>
    public Server OpenServer => open;

    public Server Server => server;

    public Task<string> Get(Server from, string path) => Http.GetStringAsync($"{from.Url}{path}");

    public async Task<HubConnection> Connect(
        string? user = null, Dictionary<string, string>? claims = null, string path = "/hubs/conformance", Server? on = null,
        Action<HttpConnectionOptions>? options = null, Action<IHubConnectionBuilder>? configure = null)
    {
        var connection = Build(user, claims, path, on, options, configure);
        await connection.StartAsync();
        return connection;
    }

    public HubConnection Build(
        string? user = null, Dictionary<string, string>? claims = null, string path = "/hubs/conformance", Server? on = null,
        Action<HttpConnectionOptions>? options = null, Action<IHubConnectionBuilder>? configure = null)
    {
        var builder = new HubConnectionBuilder().WithUrl($"{(on ?? server).Url}{path}", made =>
        {
            made.Transports = column.Type;
            made.SkipNegotiation = column.IsDirect;
            made.HttpMessageHandlerFactory = handler =>
            {
                if (handler is HttpClientHandler http) http.ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator;
                return handler;
            };
            made.WebSocketConfiguration = socket => socket.RemoteCertificateValidationCallback = (_, _, _, _) => true;
            if (user is not null) made.AccessTokenProvider = () => Task.FromResult<string?>(Token(user, claims));
            options?.Invoke(made);
        });
        // Members travel under the names that they are declared with, as the official suite's server has it.
        if (column.Protocol == "json") builder.AddJsonProtocol(json => json.PayloadSerializerOptions.PropertyNamingPolicy = null);
        if (column.Protocol == "newtonsoft") builder.AddNewtonsoftJsonProtocol(json => json.PayloadSerializerSettings.ContractResolver = new DefaultContractResolver());
        if (column.Protocol == "messagepack") builder.AddMessagePackProtocol();
        configure?.Invoke(builder);
        var connection = builder.Build();
        connections.Add(connection);
        return connection;
    }

    /// <summary>What a connection closes with.</summary>
    public static Task<Exception?> Closed(HubConnection connection)
    {
        var closed = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Closed += error => { closed.TrySetResult(error); return Task.CompletedTask; };
        return closed.Task;
    }

    /// <summary>The id that a connection comes back with.</summary>
    public static Task<string?> Back(HubConnection connection)
    {
        var again = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Reconnected += id => { again.TrySetResult(id); return Task.CompletedTask; };
        return again.Task;
    }

    /// <summary>An HS256 token whose subject is the user.</summary>
    public static string Token(string user, Dictionary<string, string>? claims = null)
    {
        static string Part(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var head = Part(JsonSerializer.SerializeToUtf8Bytes(new { alg = "HS256", typ = "JWT" }));
        var all = new Dictionary<string, object> { ["sub"] = user, ["exp"] = DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeSeconds() };
        foreach (var (name, value) in claims ?? []) all[name] = value;
        var body = Part(JsonSerializer.SerializeToUtf8Bytes(all));
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Server.Secret), Encoding.UTF8.GetBytes($"{head}.{body}"));
        return $"{head}.{body}.{Part(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) await connection.DisposeAsync();
    }
}
