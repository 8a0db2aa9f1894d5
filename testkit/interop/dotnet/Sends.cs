using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Who receives what.</summary>
public static class Sends
{
    public static async Task Run(Harness harness)
    {
        await harness.Test("all, others, caller, one connection, all but some [HH-60, HH-61]", async clients =>
        {
            var (ana, ben) = (await clients.Connect(), await clients.Connect());
            var (toAna, toBen) = (new Heard<string>(ana, "Broadcast"), new Heard<string>(ben, "Broadcast"));
            var (sentAna, sentBen) = (new Heard<string>(ana, "Send"), new Heard<string>(ben, "Send"));
            await ana.InvokeAsync("BroadcastMethod", "all");
            Check.Same("all", await toAna.Next());
            Check.Same("all", await toBen.Next());
            await ana.InvokeAsync("SendToOthers", "others");
            Check.Same("others", await sentBen.Next());
            await ana.InvokeAsync("SendToCaller", "caller");
            Check.Same("caller", await sentAna.Next());
            await ana.InvokeAsync("ConnectionSendMethod", ben.ConnectionId, "you");
            Check.Same("you", await sentBen.Next());
            await ana.InvokeAsync("SendToMultipleClients", "both", new[] { ana.ConnectionId, ben.ConnectionId, "nobody" });
            Check.Same("both", await sentAna.Next());
            Check.Same("both", await sentBen.Next());
            await ana.InvokeAsync("SendToAllExcept", "but you", new[] { ana.ConnectionId });
            Check.Same("but you", await sentBen.Next());
            Check.Same(true, sentAna.Silent && toAna.Silent);
        });
        await harness.Test("groups: members, some of them, others, several [HH-62]", async clients =>
        {
            var (ana, ben) = (await clients.Connect(), await clients.Connect());
            var (toAna, toBen) = (new Heard<string>(ana, "Send"), new Heard<string>(ben, "Send"));
            var (group, other) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
            await ben.InvokeAsync("GroupAddMethod", group);
            await ana.InvokeAsync("GroupSendMethod", group, "in");
            Check.Same("in", await toBen.Next());
            await ana.InvokeAsync("GroupAddMethod", group);
            await ana.InvokeAsync("GroupAddMethod", other);
            await ana.InvokeAsync("SendToOthersInGroup", group, "others");
            Check.Same("others", await toBen.Next());
            await ana.InvokeAsync("GroupExceptSendMethod", group, "except", new[] { ana.ConnectionId });
            Check.Same("except", await toBen.Next());
            await ana.InvokeAsync("SendToMultipleGroups", "several", new[] { group, other });
            Check.Same("several", await toBen.Next());
            Check.Same("several", await toAna.Next());
            Check.Same("several", await toAna.Next());
            await ben.InvokeAsync("GroupRemoveMethod", group);
            await ana.InvokeAsync("GroupSendMethod", group, "out");
            Check.Same("out", await toAna.Next());
            await ana.InvokeAsync("ConnectionSendMethod", ben.ConnectionId, "mark");
            Check.Same("mark", await toBen.Next());
        });
        await harness.Test("leaving what was never joined is no error [HH-63]", async clients =>
        {
            var ana = await clients.Connect();
            await ana.InvokeAsync("GroupRemoveMethod", Guid.NewGuid().ToString());
        });
        await harness.Test("users by their tokens [HH-31, HH-61]", async clients =>
        {
            var user = Guid.NewGuid().ToString();
            var (ana, ben) = (await clients.Connect(user), await clients.Connect());
            var toAna = new Heard<string>(ana, "Send");
            Check.Same(user, await ana.InvokeAsync<string>("GetUserIdentifier"));
            Check.Same<string?>(null, await ben.InvokeAsync<string?>("GetUserIdentifier"));
            await ben.InvokeAsync("ClientSendMethod", user, "user");
            Check.Same("user", await toAna.Next());
            await ben.InvokeAsync("SendToMultipleUsers", new[] { user, "nobody" }, "users");
            Check.Same("users", await toAna.Next());
        });
        await harness.Test("a handler that the client does not have does no harm [NC-8]", async clients =>
        {
            var ana = await clients.Connect();
            var messages = new Heard<string>(ana, "Message");
            await ana.InvokeAsync("CallHandlerThatDoesntExist");
            await ana.InvokeAsync("InvokeWithString", "hello");
            Check.Same("hello", await messages.Next());
        });
        await harness.Test("objects and arrays are received [HH-60]", async clients =>
        {
            var ana = await clients.Connect();
            var objects = new Heard<Invocations.Custom>(ana, "CustomObject");
            var arrays = new Heard<int[]>(ana, "Array");
            await ana.InvokeAsync("SendCustomObject", new Invocations.Custom { Name = "n", Value = 7 });
            Check.Same(new Invocations.Custom { Name = "n", Value = 7 }, await objects.Next());
            await ana.InvokeAsync("SendArray");
            Check.Same<int[]>([1, 2, 3], await arrays.Next());
        });
        await harness.Test("a send from outside any invocation, and one that comes later [HH-64, HH-65]", async clients =>
        {
            var ana = await clients.Connect();
            var sent = new Heard<string>(ana, "Send");
            await ana.InvokeAsync("SendFromOutside", "outside");
            Check.Same("outside", await sent.Next());
            await ana.InvokeAsync("DelayedSend", ana.ConnectionId, "later");
            Check.Same("later", await sent.Next());
        });
        await harness.Test("a thousand sends arrive in order", async clients =>
        {
            var ana = await clients.Connect();
            var numbers = new Heard<int>(ana, "Number");
            await ana.InvokeAsync("SendNumbers", 1000);
            // This client hands results over beside its handlers: only the order of the handlers says something.
            for (var number = 0; number < 1000; number++) Check.Same(number, await numbers.Next());
        });
    }
}
