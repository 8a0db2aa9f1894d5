using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Values of every kind, results and errors.</summary>
public static class Invocations
{
    public sealed class Custom
    {
        public string? Name { get; set; }
        public int Value { get; set; }
    }

    /// <summary>Refers to itself, which no protocol can write.</summary>
    public sealed class Ring
    {
        public Ring Next => this;
    }

    public static async Task Run(Harness harness)
    {
        await Values(harness);
        await Results(harness);
        await Errors(harness);
    }

    private static async Task Values(Harness harness)
    {
        async Task Echo<T>(string method, params T[] values) =>
            await harness.Test($"{method} gives back what it gets", async clients =>
            {
                var connection = await clients.Connect();
                foreach (var value in values) Check.Same(value, await connection.InvokeAsync<T>(method, value), method);
            });

        await Echo<string?>("Echo", "", "x", "grüß 日本 🎉 \u2028 <>&'\"\\", null);
        await Echo("EchoBool", true, false);
        await Echo<sbyte>("EchoSByte", -128, 0, 127);
        await Echo<byte>("EchoByte", 0, 255);
        await Echo<short>("EchoShort", short.MinValue, short.MaxValue);
        await Echo<ushort>("EchoUShort", 0, ushort.MaxValue);
        await Echo("EchoInt", int.MinValue, -1, 0, int.MaxValue);
        await Echo<uint>("EchoUInt", 0, uint.MaxValue);
        await Echo("EchoLong", long.MinValue, 0, long.MaxValue);
        await Echo<ulong>("EchoULong", 0, ulong.MaxValue);
        await Echo("EchoFloat", 0f, -1.5f, 0.33333334f, float.MaxValue);
        await Echo("EchoDouble", 0, 0.1, -1e-7, 1e300, double.Epsilon);
        await Echo<int?>("EchoNullableInt", 5, null);
        await Echo<int[]?>("EchoInts", [], [1, 2, 3], null);
        await Echo<Dictionary<string, int>?>("EchoMap", new() { ["a"] = 1, ["b c"] = 2 }, null);
        await Echo<byte[]?>("EchoBytes", [], [0, 1, 255], null);
        if (harness.Column.Protocol != "newtonsoft")
            await Echo("EchoDate", new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc), new DateTime(2026, 2, 3, 4, 5, 6, 789, DateTimeKind.Utc));
    }

    private static async Task Results(Harness harness)
    {
        await harness.Test("a simple call, and null [NC-1]", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same("Hello World!", await connection.InvokeAsync<string>("HelloWorld"));
            Check.Same<string?>(null, await connection.InvokeCoreAsync<string?>("Echo", [null]));
        });
        await harness.Test("results of methods with and without one [HH-40, HH-45]", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same(43, await connection.InvokeAsync<int>("ValueMethod"));
            Check.Same(42, await connection.InvokeAsync<int>("TaskValueMethod"));
            Check.Same(43, await connection.InvokeAsync<int>("ValueTaskValueMethod"));
            Check.Same<object?>(null, await connection.InvokeAsync<object?>("VoidMethod"));
            await connection.InvokeAsync("TaskMethod");
            Check.Same("1, 2, x, y", await connection.InvokeAsync<string>("ConcatString", (byte)1, 2, 'x', "y"));
        });
        await harness.Test("names in any letter case [NC-4, HH-41, HH-44]", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same(42, await connection.InvokeAsync<int>("taskVALUEmethod"));
            Check.Same(43, await connection.InvokeAsync<int>("renamedmethod"));
        });
        await harness.Test("an invocation from inside a handler [NC-4]", async clients =>
        {
            var connection = await clients.Connect();
            var echoed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            connection.On<string>("Message", async text => echoed.TrySetResult(await connection.InvokeAsync<string>("Echo", text + "!")));
            await connection.SendAsync("InvokeWithString", "inside");
            Check.Same("inside!", await echoed.Task);
        });
        await harness.Test("many invocations at once are answered, each with its own result [HH-53]", async clients =>
        {
            var connection = await clients.Connect();
            var numbers = Enumerable.Range(0, 300).ToArray();
            Check.Same(numbers, await Task.WhenAll(numbers.Select(number => connection.InvokeAsync<int>("EchoInt", number))));
        });
    }

    private static async Task Errors(Harness harness)
    {
        await harness.Test("errors have the texts of the reference [HH-42]", async clients =>
        {
            var connection = await clients.Connect();
            await Check.Fails("An unexpected error occurred invoking 'MethodThatThrows' on the server. InvalidOperationException: BOOM!",
                () => connection.InvokeAsync("MethodThatThrows"));
            await Check.Fails("An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: This is a hub exception",
                () => connection.InvokeAsync("ThrowHubException"));
            Check.Same("alive", await connection.InvokeAsync<string>("Echo", "alive"));
        });
        await harness.Test("an unknown method, with and without arguments, by invoke and by stream [NC-10, HH-46]", async clients =>
        {
            var connection = await clients.Connect();
            const string Text = "Failed to invoke '!@#$%' due to an error on the server. HubException: Method does not exist.";
            await Check.Fails(Text, () => connection.InvokeAsync("!@#$%"));
            await Check.Fails(Text, () => connection.InvokeAsync("!@#$%", 10, "test"));
            await Check.Fails(Text, () => Streams.Collect(connection.StreamAsync<int>("!@#$%")));
            await Check.Fails(Text, () => Streams.Collect(connection.StreamAsync<int>("!@#$%", 10, "test")));
        });
        await harness.Test("a wrong number of arguments, a list where none is expected [NC-11, NC-15, HH-49]", async clients =>
        {
            var connection = await clients.Connect();
            string Counted(string method, int given, int expected) =>
                $"Failed to invoke '{method}' due to an error on the server. InvalidDataException: Invocation provides {given} argument(s) but target expects {expected}.";
            await Check.Fails(Counted("Echo", 2, 1), () => connection.InvokeAsync("Echo", "a", "b"));
            await Check.Fails(Counted("Echo", 0, 1), () => connection.InvokeAsync("Echo"));
            await Check.Fails(Counted("Stream", 1, 0), () => Streams.Collect(connection.StreamAsync<string>("Stream", "a")));
            await Check.Fails(Counted("HelloWorld", 1, 0), () => connection.InvokeAsync("HelloWorld", new List<string> { "a" }));
        });
        await harness.Test("an argument of another type [NC-12]", async clients =>
        {
            var connection = await clients.Connect();
            await Check.FailsLike("Failed to invoke 'Echo' due to an error on the server.", () => connection.InvokeAsync("Echo", new[] { 42 }));
            await Check.FailsLike("Failed to invoke 'EchoByte' due to an error on the server.", () => connection.InvokeAsync("EchoByte", 256));
            Check.Same("alive", await connection.InvokeAsync<string>("Echo", "alive"));
        });
        await harness.Test("a method in the other's mode [NC-13]", async clients =>
        {
            var connection = await clients.Connect();
            await Check.Fails("The client attempted to invoke the non-streaming 'HelloWorld' method with a streaming invocation.",
                () => Streams.Collect(connection.StreamAsync<int>("HelloWorld")));
            await Check.Fails("The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.",
                () => connection.InvokeAsync("Stream"));
        });
        await harness.Test("what is sent without asking for an answer gets none [HH-43]", async clients =>
        {
            var connection = await clients.Connect();
            var messages = new Heard<string>(connection, "Message");
            foreach (var method in new[] { "Missing", "MethodThatThrows", "ThrowHubException", "Echo" }) await connection.SendAsync(method);
            await connection.SendAsync("InvokeWithString", "after all that");
            Check.Same("after all that", await messages.Next());
        });
        await harness.Test("an argument that cannot be written fails at its sender [NC-27]", async clients =>
        {
            // MessagePack's library follows a ring until the stack is gone.
            if (harness.Column.Protocol == "messagepack") throw new NotApplicable("the client's MessagePack library does not survive an object that refers to itself");
            var connection = await clients.Connect();
            try
            {
                await connection.InvokeAsync("EchoObject", new Ring());
            }
            catch (Exception error) when (error.GetType().Name.Contains("Json", StringComparison.Ordinal))
            {
                Check.Same("alive", await connection.InvokeAsync<string>("Echo", "alive"));
                return;
            }
            throw new InvalidOperationException("a ring was written");
        });
        await harness.Test("a result that cannot be written fails its invocation", async clients =>
        {
            // The reference closes the connection; the difference is deliberate (docs/conformance.md).
            if (harness.Column.Protocol == "messagepack") throw new NotApplicable();
            var connection = await clients.Connect();
            await Check.FailsLike("An unexpected error occurred invoking 'ProtocolError' on the server.", () => connection.InvokeAsync("ProtocolError"));
            Check.Same("alive", await connection.InvokeAsync<string>("Echo", "alive"));
        });
    }
}
