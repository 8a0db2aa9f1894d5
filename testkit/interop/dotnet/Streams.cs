using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Streams both ways, and results of clients.</summary>
public static class Streams
{
    private static async Task<List<T>> Collect<T>(IAsyncEnumerable<T> stream)
    {
        var items = new List<T>();
        await foreach (var item in stream) items.Add(item);
        return items;
    }

    private static async IAsyncEnumerable<T> Give<T>(IEnumerable<T> items)
    {
        foreach (var item in items)
        {
            await Task.Yield();
            yield return item;
        }
    }

    private static string[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(number => number.ToString())];

    public static async Task Run(Harness harness, string protocol)
    {
        await harness.Test(protocol, "streams as enumerables and as channels", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same<IEnumerable<string>>(["a", "b", "c"], await Collect(connection.StreamAsync<string>("Stream")));
            var channel = await connection.StreamAsChannelAsync<string>("CounterChannel", 100);
            Check.Same<IEnumerable<string>>(Numbers(100), await Collect(channel.ReadAllAsync()));
            Check.Same(0, (await Collect(connection.StreamAsync<string>("EmptyStream"))).Count);
        });
        await harness.Test(protocol, "a cancelled stream ends", async clients =>
        {
            var connection = await clients.Connect();
            var cancelled = new TaskCompletionSource();
            connection.On("StreamCanceled", cancelled.SetResult);
            using var source = new CancellationTokenSource();
            var reading = Collect(connection.StreamAsync<int>("InfiniteStream", source.Token));
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
            source.Cancel();
            await cancelled.Task;
            try { await reading; } catch (OperationCanceledException) { }
        });
        await harness.Test(protocol, "errors of streams, and calls in the wrong mode", async clients =>
        {
            var connection = await clients.Connect();
            await Check.Fails("An unexpected error occurred invoking 'StreamThrowException' on the server. InvalidOperationException: An error occurred.",
                () => Collect(connection.StreamAsync<string>("StreamThrowException", "An error occurred.")));
            await Check.Fails("The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.",
                () => connection.InvokeAsync("Stream"));
        });
        await harness.Test(protocol, "uploads by enumerable and by channel", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same("Hello world!", await connection.InvokeAsync<string>("StreamingConcat", Give(["Hello ", "world", "!"])));
            var channel = Channel.CreateUnbounded<int>();
            var sum = connection.InvokeAsync<int>("StreamingSum", channel.Reader);
            for (var number = 0; number < 500; number++) await channel.Writer.WriteAsync(2);
            channel.Writer.Complete();
            Check.Same(1000, await sum);
        });
        await harness.Test(protocol, "both ways at once", async clients =>
        {
            var connection = await clients.Connect();
            var echoed = await Collect(connection.StreamAsync<string>("StreamEcho", Give(Numbers(50))));
            Check.Same<IEnumerable<string>>(Numbers(50).Select(number => $"echo:{number}"), echoed);
        });
        await harness.Test(protocol, "a client answers a hub", async clients =>
        {
            var connection = await clients.Connect();
            connection.On<int, int>("Sum", number => number + 1);
            Check.Same(10, await connection.InvokeAsync<int>("GetClientResult", 9));
            Check.Same(5, await connection.InvokeAsync<int>("GetClientResultTwoWays", 1, 2));
        });
        await harness.Test(protocol, "a client's failure reaches the hub", async clients =>
        {
            var connection = await clients.Connect();
            connection.On<int, int>("Sum", int (_) => throw new InvalidOperationException("from callback"));
            await Check.Fails("An unexpected error occurred invoking 'GetClientResult' on the server. HubException: from callback",
                () => connection.InvokeAsync<int>("GetClientResult", 1));
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test(protocol, "a result is awaited while the same client floods", async clients =>
        {
            var connection = await clients.Connect();
            connection.On<int, int>("Sum", number => number + 1);
            var asked = connection.InvokeAsync<int>("GetClientResult", 1);
            var flood = Numbers(200).Select(number => connection.InvokeAsync<string>("Echo", number)).ToArray();
            Check.Same(2, await asked);
            Check.Same(Numbers(200), await Task.WhenAll(flood));
        });
    }
}
