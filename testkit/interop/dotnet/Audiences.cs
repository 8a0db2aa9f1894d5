using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>
/// What ASP.NET Core has no like of, and what it has only in its server's code: questions about audiences, all connections
/// of a user, the item bag, rules and filters of methods, ends of other connections.
/// </summary>
public static class Audiences
{
    /// <summary>An answer to `Connections`.</summary>
    public sealed class Found
    {
        public string? Connection { get; set; }
        public string? User { get; set; }
    }

    /// <summary>Four connections, of nobody, ana, ana and ben.</summary>
    private sealed record Four(string Ana, string Ben, HubConnection[] All)
    {
        public string[] Ids => [.. All.Select(one => one.ConnectionId!)];

        public static async Task<Four> Connect(Clients clients)
        {
            var (ana, ben) = ($"ana {Guid.NewGuid()}", $"ben {Guid.NewGuid()}");
            return new(ana, ben, [await clients.Connect(), await clients.Connect(ana), await clients.Connect(ana), await clients.Connect(ben)]);
        }

        /// <summary>Who hears of a call by the first one, as letters; a fence tells who does not.</summary>
        public async Task<string> Heard(string method, params object?[] arguments)
        {
            var inboxes = All.Select(one => new Heard<string>(one, "Send")).ToArray();
            await All[0].InvokeCoreAsync(method, arguments);
            var letters = "";
            for (var index = 0; index < All.Length; index++)
            {
                await All[0].InvokeAsync("ConnectionSendMethod", Ids[index], "fence");
                while (await inboxes[index].Next() != "fence") letters += "ABCD"[index];
            }
            foreach (var one in All) one.Remove("Send");
            return letters;
        }
    }

    public static async Task Run(Harness harness)
    {
        await harness.Test("every audience has an except form [HH-61, HH-62]", async clients =>
        {
            var four = await Four.Connect(clients);
            var (b, c, d) = (four.Ids[1], four.Ids[2], four.Ids[3]);
            var group = Guid.NewGuid().ToString();
            await four.All[1].InvokeAsync("GroupAddMethod", group);
            await four.All[3].InvokeAsync("GroupAddMethod", group);
            Task<string> Except(string kind, string[] names, string excluded) =>
                four.Heard("SendExcept", kind, names, "x", new[] { excluded, "unknown" });
            Check.Same("ABD", await Except("all", [], c));
            Check.Same("B", await Except("groups", [group], d));
            Check.Same("BD", await Except("users", [four.Ana, four.Ben], c));
            Check.Same("C", await Except("connections", [c, d], d));
        });
        await harness.Test("every connection of a user goes into a group and out of it", async clients =>
        {
            var four = await Four.Connect(clients);
            var group = Guid.NewGuid().ToString();
            Check.Same(2, await four.All[0].InvokeAsync<int>("GroupAddUser", four.Ana, group));
            Check.Same("BC", await four.Heard("GroupSendMethod", group, "x"));
            Check.Same(2, await four.All[0].InvokeAsync<int>("GroupRemoveUser", four.Ana, group));
            Check.Same("", await four.Heard("GroupSendMethod", group, "x"));
        });
        await harness.Test("a typed send", async clients =>
        {
            var ana = await clients.Connect();
            var typed = new TaskCompletionSource<(string, int)>();
            ana.On<string, int>("Typed", (text, number) => typed.TrySetResult((text, number)));
            await ana.InvokeAsync("SendTyped", "connections", new[] { ana.ConnectionId }, "x", 1);
            var (heard, one) = await typed.Task;
            Check.Same("x 1", $"{heard} {one}");
        });
        await harness.Test("who is there is counted and listed", async clients =>
        {
            var four = await Four.Connect(clients);
            var a = four.All[0];
            string[] users = [four.Ana, four.Ben, "nobody"];
            Check.Same(3, await a.InvokeAsync<int>("Count", "users", users));
            Check.Same(true, await a.InvokeAsync<bool>("Exists", "users", users));
            Check.Same(false, await a.InvokeAsync<bool>("Exists", "groups", new[] { Guid.NewGuid().ToString() }));
            var first = await a.InvokeAsync<Found[]>("Connections", "users", users, null, 2);
            var rest = await a.InvokeAsync<Found[]>("Connections", "users", users, first[^1].Connection, 2);
            Check.Same(2, first.Length);
            string[] expected = [$"{four.Ids[1]} {four.Ana}", $"{four.Ids[2]} {four.Ana}", $"{four.Ids[3]} {four.Ben}"];
            var listed = first.Concat(rest).Select(one => $"{one.Connection} {one.User}");
            Check.Same(expected.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        });
        await harness.Test("a connection is closed by another one", async clients =>
        {
            var observer = await clients.Connect();
            var gone = await clients.Connect(configure: builder => builder.WithAutomaticReconnect([TimeSpan.Zero]));
            var closed = Clients.Closed(gone);
            await observer.InvokeAsync("CloseConnection", gone.ConnectionId, false);
            Check.Same<string?>(null, (await closed)?.Message);
            var back = await clients.Connect(configure: builder => builder.WithAutomaticReconnect([TimeSpan.Zero]));
            var (first, again) = (back.ConnectionId, Clients.Back(back));
            await observer.InvokeAsync("CloseConnection", first, true);
            Check.True(await again is { } second && second != first, "another id");
        });
        await harness.Test("items are kept with their connection", async clients =>
        {
            var (one, other) = (await clients.Connect(), await clients.Connect());
            await one.InvokeAsync("SetItem", "key", "é 🎉");
            Check.Same("é 🎉", await one.InvokeAsync<string?>("GetItem", "key"));
            Check.Same<string?>(null, await other.InvokeAsync<string?>("GetItem", "key"));
            await one.InvokeAsync("RemoveItem", "key");
            Check.Same<string?>(null, await one.InvokeAsync<string?>("GetItem", "key"));
        });
        await harness.Test("filters write into what goes in and what comes out, refuse, and answer", async clients =>
        {
            var connection = await clients.Connect();
            Check.Same("x>outer>inner<inner<outer", await connection.InvokeAsync<string>("FilteredEcho", "x"));
            await Check.Fails("An unexpected error occurred invoking 'FilterRefuses' on the server. HubException: a filter refused",
                () => connection.InvokeAsync("FilterRefuses"));
            Check.Same(43, await connection.InvokeAsync<int>("FilterReplaces"));
        });
        await harness.Test("methods are for those that their rules allow [HH-48]", async clients =>
        {
            HubConnection[] people =
            [
                await clients.Connect("ana", new() { ["role"] = "owner" }),
                await clients.Connect("ben", new() { ["tenant"] = "7" }),
                await clients.Connect("cid", new() { ["tenant"] = "70" }),
                await clients.Connect(),
            ];
            async Task Allowed(string method, bool[] expected, params object?[] arguments)
            {
                for (var index = 0; index < people.Length; index++)
                {
                    Task Call() => people[index].InvokeCoreAsync(method, arguments);
                    if (expected[index]) await Call();
                    else await Check.Fails($"Failed to invoke '{method}' because user is unauthorized", Call);
                }
            }
            await Allowed("AuthMethod", [true, true, true, false]);
            await Allowed("AdminMethod", [true, false, false, false]);
            await Allowed("TenantMethod", [false, true, false, false]);
            await Allowed("ClosedMethod", [false, false, false, false]);
            await Allowed("OpenMethod", [true, true, true, true]);
            await Allowed("MultiParamAuthMethod", [true, true, true, false], "text", 1);
            await Allowed("MultiParamAuthMethod", [false, false, false, false], "denied", 1);
        });
    }
}
