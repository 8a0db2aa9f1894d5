using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Who receives what.</summary>
public static class Sends
{
    public static async Task Run(Harness harness, string protocol)
    {
        await harness.Test(protocol, "all, others, caller, one connection", async clients =>
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
            await ana.InvokeAsync("SendToAllExcept", "but you", new[] { ana.ConnectionId });
            Check.Same("but you", await sentBen.Next());
            Check.Same(true, sentAna.Silent && toAna.Silent);
        });
        await harness.Test(protocol, "groups", async clients =>
        {
            var (ana, ben) = (await clients.Connect(), await clients.Connect());
            var (toAna, toBen) = (new Heard<string>(ana, "Send"), new Heard<string>(ben, "Send"));
            var group = Guid.NewGuid().ToString();
            await ben.InvokeAsync("GroupAddMethod", group);
            await ana.InvokeAsync("GroupSendMethod", group, "in");
            Check.Same("in", await toBen.Next());
            await ben.InvokeAsync("GroupRemoveMethod", group);
            await ana.InvokeAsync("GroupSendMethod", group, "out");
            await ana.InvokeAsync("ConnectionSendMethod", ben.ConnectionId, "mark");
            Check.Same("mark", await toBen.Next());
            Check.Same(true, toAna.Silent);
        });
        await harness.Test(protocol, "users by their tokens", async clients =>
        {
            var user = Guid.NewGuid().ToString();
            var (ana, ben) = (await clients.Connect(user), await clients.Connect());
            var toAna = new Heard<string>(ana, "Send");
            Check.Same(user, await ana.InvokeAsync<string>("GetUserIdentifier"));
            Check.Same<string?>(null, await ben.InvokeAsync<string?>("GetUserIdentifier"));
            await ben.InvokeAsync("ClientSendMethod", user, "user");
            Check.Same("user", await toAna.Next());
        });
        await harness.Test(protocol, "a thousand sends arrive in order", async clients =>
        {
            var ana = await clients.Connect();
            var numbers = new Heard<int>(ana, "Number");
            await ana.InvokeAsync("SendNumbers", 1000);
            // This client hands results over beside its handlers: only the order of the handlers says something.
            for (var number = 0; number < 1000; number++) Check.Same(number, await numbers.Next());
        });
    }
}
