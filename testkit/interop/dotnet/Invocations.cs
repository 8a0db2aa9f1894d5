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

    public static async Task Run(Harness harness, string protocol)
    {
        async Task Echo<T>(string method, params T[] values) =>
            await harness.Test(protocol, $"{method} gives back what it gets", async clients =>
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
        if (protocol != "newtonsoft")
            await Echo("EchoDate", new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc), new DateTime(2026, 2, 3, 4, 5, 6, 789, DateTimeKind.Utc));

        await harness.Test(protocol, "results of methods with and without one", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same(43, await connection.InvokeAsync<int>("ValueMethod"));
            Check.Same(42, await connection.InvokeAsync<int>("taskvaluemethod"));
            Check.Same(43, await connection.InvokeAsync<int>("RenamedMethod"));
            Check.Same<object?>(null, await connection.InvokeAsync<object?>("VoidMethod"));
            await connection.InvokeAsync("TaskMethod");
            Check.Same("1, 2, x, y", await connection.InvokeAsync<string>("ConcatString", (byte)1, 2, 'x', "y"));
        });
        await harness.Test(protocol, "errors have the texts of the reference", async clients =>
        {
            var connection = await clients.Connect();
            await Check.Fails("An unexpected error occurred invoking 'MethodThatThrows' on the server. InvalidOperationException: BOOM!",
                () => connection.InvokeAsync("MethodThatThrows"));
            await Check.Fails("An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: This is a hub exception",
                () => connection.InvokeAsync("ThrowHubException"));
            await Check.Fails("Failed to invoke '!@#$%' due to an error on the server. HubException: Method does not exist.",
                () => connection.InvokeAsync("!@#$%"));
            await Check.Fails("Failed to invoke 'Echo' due to an error on the server. InvalidDataException: Invocation provides 2 argument(s) but target expects 1.",
                () => connection.InvokeAsync("Echo", "a", "b"));
            await Check.Fails("The client attempted to invoke the non-streaming 'ValueMethod' method with a streaming invocation.",
                async () => { await foreach (var _ in connection.StreamAsync<int>("ValueMethod")) { } });
            Check.Same("alive", await connection.InvokeAsync<string>("Echo", "alive"));
        });
        await harness.Test(protocol, "headers and the transport are seen by the hub", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same("value", await connection.InvokeAsync<string>("GetHeader", "X-Header"));
            Check.Same("WebSockets", await connection.InvokeAsync<string>("GetActiveTransportName"));
            Check.Same(connection.ConnectionId, await connection.InvokeAsync<string>("GetCallerConnectionId"));
        });
    }
}
