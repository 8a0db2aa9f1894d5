using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Interop;

/// <summary>Stateful reconnect behind a network that breaks, on a server of its own: reference signalr-core 17.</summary>
public static class Stateful
{
    private const int Count = 10_000;

    public static async Task Run(string binary, Harness harness, string protocol)
    {
        await harness.Test(protocol, "stateful: 10,000 numbered messages each way survive lost sockets [DX-28]",
            _ => Survives(binary, protocol));
        await harness.Test(protocol, "stateful: past the time of the buffer the client is told [DX-27]",
            _ => IsTold(binary, protocol));
    }

    private static HubConnection Build(string url, string protocol, bool stateful)
    {
        var builder = new HubConnectionBuilder().WithUrl($"{url}/hubs/conformance");
        if (protocol == "messagepack") builder.AddMessagePackProtocol();
        if (protocol == "newtonsoft") builder.AddNewtonsoftJsonProtocol();
        if (stateful) builder.WithStatefulReconnect();
        return builder.Build();
    }

    /// <summary>Completes once all numbers have come in order; fails at the first that is not the next.</summary>
    private static Task Numbers(HubConnection connection, string what)
    {
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var next = 0;
        connection.On<string>("Send", text =>
        {
            if (text != $"{next}") all.TrySetException(new InvalidOperationException($"{what}: {text} instead of {next}"));
            next++;
            if (next == Count) all.TrySetResult();
        });
        connection.Closed += error =>
        {
            all.TrySetException(new InvalidOperationException($"{what}: closed after {next}: {error?.Message}"));
            return Task.CompletedTask;
        };
        return all.Task;
    }

    private static async Task Survives(string binary, string protocol)
    {
        await using var server = await Server.Start(binary, new()
        {
            ["HUBPLANE_HUBS__STATEFUL_RECONNECT"] = "true",
            // What is sent faster than it is acknowledged waits in the queue.
            ["HUBPLANE_HUBS__OUTBOUND_QUEUE_BYTES"] = "8MiB",
        });
        await using var proxy = new Proxy(server.Url);
        await using var client = Build(proxy.Url, protocol, stateful: true);
        await using var other = Build(server.Url, protocol, stateful: false);
        await client.StartAsync();
        await other.StartAsync();
        await client.InvokeAsync("GroupAddMethod", "down");
        await other.InvokeAsync("GroupAddMethod", "up");
        var id = await client.InvokeAsync<string>("GetCallerConnectionId");
        var (heard, otherHeard) = (Numbers(client, "down"), Numbers(other, "up"));
        async Task Send(HubConnection from, string group)
        {
            for (var number = 0; number < Count; number++) await from.SendAsync("GroupSendMethod", group, $"{number}");
        }
        var all = Task.WhenAll(Send(client, "up"), Task.Run(async () =>
        {
            for (var number = 0; number < Count; number++) await other.InvokeAsync("GroupSendMethod", "down", $"{number}");
        }), heard, otherHeard);
        var breaks = 0;
        while (await Task.WhenAny(all, heard, otherHeard, Task.Delay(Random.Shared.Next(200, 800))) is var first)
        {
            if (heard.IsFaulted) await heard;
            if (otherHeard.IsFaulted) await otherHeard;
            if (all.IsCompleted) break;
            if (first != heard && first != otherHeard) breaks += proxy.BreakAll();
            else await Task.WhenAny(all, Task.Delay(100));
        }
        await all;
        if (breaks < 3) throw new InvalidOperationException($"only {breaks} sockets were lost");
        Check.Same(id, await client.InvokeAsync<string>("GetCallerConnectionId"), "the connection");
    }

    private static async Task IsTold(string binary, string protocol)
    {
        await using var server = await Server.Start(binary, new()
        {
            ["HUBPLANE_HUBS__STATEFUL_RECONNECT"] = "true",
            ["HUBPLANE_HUBS__STATEFUL_RECONNECT_TIMEOUT"] = "1s",
        });
        await using var proxy = new Proxy(server.Url);
        await using var client = Build(proxy.Url, protocol, stateful: true);
        var closed = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.Closed += error =>
        {
            closed.TrySetResult(error);
            return Task.CompletedTask;
        };
        await client.StartAsync();
        Check.Same("x", await client.InvokeAsync<string>("Echo", "x"));
        proxy.Delay = TimeSpan.FromSeconds(2);
        Check.Same(1, proxy.BreakAll(), "sockets lost");
        // With which error, or with none, is the client's business.
        await closed.Task;
        Check.Same(HubConnectionState.Disconnected, client.State);
        proxy.Delay = TimeSpan.Zero;
        await client.StartAsync();
        Check.Same("y", await client.InvokeAsync<string>("Echo", "y"));
    }
}
