using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Streams both ways, and results of clients.</summary>
public static class Streams
{
    public static async Task<List<T>> Collect<T>(IAsyncEnumerable<T> stream)
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

    private static async IAsyncEnumerable<string> Failing()
    {
        yield return "x";
        await Task.Yield();
        throw new InvalidOperationException("Something bad");
    }

    private static string[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(number => number.ToString())];

    public static async Task Run(Harness harness)
    {
        await Downloads(harness);
        await Uploads(harness);
        await Results(harness);
    }

    private static async Task Downloads(Harness harness)
    {
        await harness.Test("streams as enumerables and as channels [NC-5, HH-70]", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same<IEnumerable<string>>(["a", "b", "c"], await Collect(connection.StreamAsync<string>("Stream")));
            var channel = await connection.StreamAsChannelAsync<string>("CounterChannel", 100);
            Check.Same<IEnumerable<string>>(Numbers(100), await Collect(channel.ReadAllAsync()));
            Check.Same(0, (await Collect(connection.StreamAsync<string>("EmptyStream"))).Count);
        });
        await harness.Test("a stream is cancelled before it begins, and on its way [NC-6, HH-71]", async clients =>
        {
            var connection = await clients.Connect();
            async Task<int> Taken(CancellationTokenSource source, int enough)
            {
                var count = 0;
                try
                {
                    await foreach (var _ in connection.StreamAsync<int>("CountingCancelableStream", 1000, source.Token))
                        if (++count == enough) source.Cancel();
                }
                catch (OperationCanceledException) { }
                return count;
            }
            using var early = new CancellationTokenSource();
            early.Cancel();
            Check.Same(0, await Taken(early, 0));
            using var midway = new CancellationTokenSource();
            var taken = await Taken(midway, 5);
            Check.True(taken is >= 5 and < 1000, $"{taken} items");
            var id = await connection.InvokeAsync<string>("GetCallerConnectionId");
            await Check.Until(async () => (await connection.InvokeAsync<string[]>("GetEvents", id)).Contains("stream canceled"), "the end on the server");
        });
        await harness.Test("an infinite stream is cancelled [NC-6]", async clients =>
        {
            var connection = await clients.Connect();
            var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            connection.On("StreamCanceled", cancelled.SetResult);
            using var source = new CancellationTokenSource();
            var reading = Collect(connection.StreamAsync<int>("InfiniteStream", source.Token));
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
            source.Cancel();
            await cancelled.Task;
            try { await reading; } catch (OperationCanceledException) { }
        });
        await harness.Test("a stream fails on its way, or before it begins [NC-7, HH-73, HH-74]", async clients =>
        {
            var connection = await clients.Connect();
            var items = new List<string>();
            await Check.Fails("An error occurred on the server while streaming results. InvalidOperationException: after the items", async () =>
            {
                await foreach (var item in connection.StreamAsync<string>("CounterThenException", 2, false)) items.Add(item);
            });
            Check.Same<IEnumerable<string>>(Numbers(2), items);
            await Check.Fails("An unexpected error occurred invoking 'StreamThrowException' on the server. InvalidOperationException: An error occurred.",
                () => Collect(connection.StreamAsync<string>("StreamThrowException", "An error occurred.")));
        });
        await harness.Test("a stream that is none [NC-14, HH-74]", async clients =>
        {
            var connection = await clients.Connect();
            await Check.Fails("The value returned by the streaming method 'NullStream' is not a ChannelReader<> or IAsyncEnumerable<>.",
                () => Collect(connection.StreamAsync<string>("NullStream")));
        });
    }

    private static async Task Uploads(Harness harness)
    {
        await harness.Test("uploads by enumerable and by channel [NC-9, HH-80]", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same("Hello world!", await connection.InvokeAsync<string>("StreamingConcat", Give(["Hello ", "world", "!"])));
            var channel = Channel.CreateUnbounded<int>();
            var sum = connection.InvokeAsync<int>("StreamingSum", channel.Reader);
            for (var number = 0; number < 500; number++) await channel.Writer.WriteAsync(2);
            channel.Writer.Complete();
            Check.Same(1000, await sum);
        });
        await harness.Test("both ways at once [NC-9, HH-80]", async clients =>
        {
            var connection = await clients.Connect();
            var echoed = await Collect(connection.StreamAsync<string>("StreamEcho", Give(Numbers(50))));
            Check.Same<IEnumerable<string>>(Numbers(50).Select(number => $"echo:{number}"), echoed);
        });
        await harness.Test("an upload that the client gives up, and one that fails [NC-9, HH-85]", async clients =>
        {
            var connection = await clients.Connect();
            const string Text = "An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: Stream ";
            await Check.FailsLike(Text, () => connection.InvokeAsync<string>("StreamingConcat", Failing()));
            using var source = new CancellationTokenSource();
            var channel = Channel.CreateUnbounded<string>();
            var concat = connection.InvokeAsync<string>("StreamingConcat", Cancellable(channel.Reader, source.Token));
            await channel.Writer.WriteAsync("x");
            source.Cancel();
            await Check.FailsLike(Text, () => concat);
            Check.Same("alive", await connection.InvokeAsync<string>("Echo", "alive"));
        });
    }

    private static async IAsyncEnumerable<string> Cancellable(ChannelReader<string> reader, [EnumeratorCancellation] CancellationToken token)
    {
        await foreach (var item in reader.ReadAllAsync(token)) yield return item;
    }

    private static async Task Results(Harness harness)
    {
        await harness.Test("a client answers a hub [CR-1, CR-6]", async clients =>
        {
            var connection = await clients.Connect();
            connection.On<int, int>("Sum", number => number + 1);
            Check.Same(10, await connection.InvokeAsync<int>("GetClientResult", 9));
            Check.Same(5, await connection.InvokeAsync<int>("GetClientResultTwoWays", 1, 2));
        });
        await harness.Test("a client's failure reaches the hub [CR-2]", async clients =>
        {
            var connection = await clients.Connect();
            connection.On<int, int>("Sum", int (_) => throw new InvalidOperationException("from callback"));
            await Check.Fails("An unexpected error occurred invoking 'GetClientResult' on the server. HubException: from callback",
                () => connection.InvokeAsync<int>("GetClientResult", 1));
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("a client is asked in the background, inside a stream, and beside an upload [CR-8, CR-10, CR-11]", async clients =>
        {
            var connection = await clients.Connect();
            connection.On<int, int>("Sum", number => number + 1);
            connection.On<int, int>("GetResult", number => number + 1);
            var background = new Heard<int>(connection, "BackgroundClientResult");
            await connection.InvokeAsync("BackgroundClientResult");
            Check.Same(2, await background.Next());
            Check.Same<IEnumerable<int>>([2], await Collect(connection.StreamAsync<int>("StreamWithClientResult")));
            Check.Same(8, await connection.InvokeAsync<int>("GetClientResultWithStream", Give([1, 2, 3])));
        });
        await harness.Test("a server waits no longer for a client [CR-9]", async clients =>
        {
            var connection = await clients.Connect();
            var answer = new TaskCompletionSource<int>();
            connection.On<int, int>("Sum", async _ => await answer.Task);
            var text = await connection.InvokeAsync<string>("GetCanceledClientResult");
            answer.SetResult(1);
            Check.Same("HubException: Invocation canceled by the server.", text);
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("another client is asked [CR-5]", async clients =>
        {
            var (ana, ben) = (await clients.Connect(), await clients.Connect());
            ben.On<int, int>("Sum", number => number + 41);
            var id = await ben.InvokeAsync<string>("GetCallerConnectionId");
            Check.Same("42", await ana.InvokeAsync<string>("AskConnection", id));
        });
        await harness.Test("a result is awaited while the same client floods [CR-6]", async clients =>
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
