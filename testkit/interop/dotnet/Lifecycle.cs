using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Interop;

/// <summary>Start, stop, abort, and coming back.</summary>
public static class Lifecycle
{
    public static async Task Run(Harness harness, string protocol)
    {
        await harness.Test(protocol, "stop and start again gives a new id", async clients =>
        {
            var connection = await clients.Connect();
            var first = connection.ConnectionId;
            await connection.StopAsync();
            Check.Same<string?>(null, connection.ConnectionId);
            await connection.StartAsync();
            Check.Same(true, connection.ConnectionId is { } second && second != first);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test(protocol, "an abort closes without an error and is not come back from", async clients =>
        {
            var connection = clients.Build(configure: builder => builder.WithAutomaticReconnect());
            var closed = new TaskCompletionSource<Exception?>();
            connection.Closed += error => { closed.TrySetResult(error); return Task.CompletedTask; };
            await connection.StartAsync();
            await connection.SendAsync("Abort");
            Check.Same<string?>(null, (await closed.Task)?.Message);
        });
        await harness.Test(protocol, "a message over the limit closes with an error, and the client comes back", async clients =>
        {
            var connection = clients.Build(configure: builder => builder.WithAutomaticReconnect([TimeSpan.Zero]));
            var again = new TaskCompletionSource<string?>();
            connection.Reconnected += id => { again.TrySetResult(id); return Task.CompletedTask; };
            await connection.StartAsync();
            await connection.SendAsync("Echo", new string('x', 40_000));
            Check.Same(await again.Task, connection.ConnectionId);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test(protocol, "a connection without negotiation", async clients =>
        {
            var connection = clients.Build(configure: builder => builder.Services.Configure<Microsoft.AspNetCore.Http.Connections.Client.HttpConnectionOptions>(options =>
            {
                options.SkipNegotiation = true;
                options.Transports = Microsoft.AspNetCore.Http.Connections.HttpTransportType.WebSockets;
            }));
            await connection.StartAsync();
            Check.Same<string?>(null, connection.ConnectionId);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
    }
}
