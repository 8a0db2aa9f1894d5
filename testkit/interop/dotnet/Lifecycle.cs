using System.Diagnostics;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Start, stop, abort, and coming back.</summary>
public static class Lifecycle
{
    public static async Task Run(Harness harness)
    {
        var column = harness.Column;
        await harness.Test("stop and start again gives a new id [NC-2]", async clients =>
        {
            var connection = await clients.Connect();
            var first = connection.ConnectionId;
            await connection.StopAsync();
            await connection.StartAsync();
            Check.Same(true, connection.ConnectionId is { } second && second != first);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("a start from the close handler [NC-2]", async clients =>
        {
            var connection = clients.Build();
            var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            connection.Closed += async _ => { if (!again.Task.IsCompleted) { await connection.StartAsync(); again.TrySetResult(); } };
            await connection.StartAsync();
            await connection.StopAsync();
            await again.Task;
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("the client's id is the server's, and gone when stopped [NC-3]", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same(connection.ConnectionId, await connection.InvokeAsync<string>("GetCallerConnectionId"));
            await connection.StopAsync();
            Check.Same<string?>(null, connection.ConnectionId);
        });
        await harness.Test("stop ends the connection once [HH-28]", async clients =>
        {
            var (observer, connection) = (await clients.Connect(), await clients.Connect());
            var id = connection.ConnectionId;
            var closed = Clients.Closed(connection);
            await connection.InvokeAsync<string>("Echo", "x");
            await connection.StopAsync();
            Check.Same<string?>(null, (await closed)?.Message);
            string[] ends = [];
            await Check.Until(async () =>
            {
                ends = [.. (await observer.InvokeAsync<string[]>("GetEvents", id)).Where(one => one.StartsWith("disconnected", StringComparison.Ordinal))];
                return ends.Length > 0;
            }, "the end");
            Check.Same<string[]>(["disconnected none"], ends);
        });
        await harness.Test("an abort closes without an error and is not come back from [NC-28, HH-23]", async clients =>
        {
            var connection = clients.Build(configure: builder => builder.WithAutomaticReconnect());
            var closed = Clients.Closed(connection);
            await connection.StartAsync();
            await connection.SendAsync("Abort");
            Check.Same<string?>(null, (await closed)?.Message);
        });
        await harness.Test("a message over the limit closes with an error, and the client comes back [NC-25, HH-11]", async clients =>
        {
            var connection = clients.Build(configure: builder => builder.WithAutomaticReconnect([TimeSpan.Zero]));
            var again = Clients.Back(connection);
            await connection.StartAsync();
            await connection.SendAsync("Echo", new string('x', 40_000));
            Check.Same(await again, connection.ConnectionId);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("a reconnect asks who redirected again [NC-25]", async clients =>
        {
            var path = $"/redirect?numRedirects=0&baseUrl={clients.Server.Url}";
            var connection = await clients.Connect(path: path, configure: builder => builder.WithAutomaticReconnect([TimeSpan.Zero]));
            var before = await connection.InvokeAsync<int>("GetNumRedirects");
            var again = Clients.Back(connection);
            await connection.SendAsync("CloseConnection", connection.ConnectionId, true);
            Check.Same(await again, await connection.InvokeAsync<string>("GetCallerConnectionId"));
            Check.True(await connection.InvokeAsync<int>("GetNumRedirects") > before, "redirected again");
        });
        await harness.Test("without negotiation there is no id, before and after a reconnect [NC-25]", async clients =>
        {
            if (column.Type != HttpTransportType.WebSockets) throw new NotApplicable();
            var connection = await clients.Connect(
                options: options => options.SkipNegotiation = true, configure: builder => builder.WithAutomaticReconnect([TimeSpan.Zero]));
            Check.Same<string?>(null, connection.ConnectionId);
            var again = Clients.Back(connection);
            await connection.SendAsync("CloseConnection", await connection.InvokeAsync<string>("GetCallerConnectionId"), true);
            Check.Same<string?>(null, await again);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("a binary protocol without WebSockets takes long polling [NC-23]", async clients =>
        {
            if (column.Transport != "LongPolling" || column.Protocol != "messagepack") throw new NotApplicable();
            const HttpTransportType Any = HttpTransportType.WebSockets | HttpTransportType.ServerSentEvents | HttpTransportType.LongPolling;
            var connection = await clients.Connect(path: "/testhub-nowebsockets", options: options => options.Transports = Any);
            Check.Same("LongPolling", await connection.InvokeAsync<string>("GetActiveTransportName"));
        });
        await harness.Test("a stop while a poll waits is prompt [NC-24]", async clients =>
        {
            if (column.Transport != "LongPolling") throw new NotApplicable("about long polling");
            var connection = await clients.Connect();
            await connection.InvokeAsync<string>("Echo", "x");
            var watch = Stopwatch.StartNew();
            await connection.StopAsync();
            Check.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"took {watch.Elapsed}");
        });
        await harness.Test("a hub that cannot be created closes its connection", async clients =>
        {
            var connection = clients.Build(path: "/uncreatable");
            var closed = Clients.Closed(connection);
            try
            {
                await connection.StartAsync();
            }
            catch (Exception) when (column.Transport != "WebSockets")
            {
                return;
            }
            var text = (await closed)?.Message ?? "";
            Check.True(text.Contains("Unable to resolve service for type 'System.Object'", StringComparison.Ordinal), text);
        });
        await harness.Test("an invocation that still runs when its connection ends is told [HH-21]", async clients =>
        {
            var (observer, connection) = (await clients.Connect(), await clients.Connect());
            var id = connection.ConnectionId;
            var waiting = connection.InvokeAsync("BlockingMethod");
            // Takes no slot, and comes after it.
            await Streams.Collect(connection.StreamAsync<string>("Stream"));
            await connection.StopAsync();
            try { await waiting; } catch (OperationCanceledException) { }
            await Check.Until(async () => (await observer.InvokeAsync<string[]>("GetEvents", id)).Contains("BlockingMethod saw ConnectionAborted"), "its news");
        });
    }
}
