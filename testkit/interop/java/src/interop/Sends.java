package interop;

import java.util.List;

/** Who receives what. */
final class Sends {
    private Sends() {}

    static void run(Harness harness, Wire wire) {
        harness.test(wire, "TS-3", "a call that nobody waits for", clients -> {
            var connection = clients.connect("/testhub", builder -> {});
            var heard = Clients.heard(connection, "Message", String.class);
            connection.send("InvokeWithString", "hello");
            Check.same("hello", heard.next());
        });
        harness.test(wire, "HH-60 HH-61", "all, others, caller, one connection", clients -> {
            var ana = clients.connect();
            var ben = clients.connect();
            var toAna = Clients.heard(ana, "Broadcast", String.class);
            var toBen = Clients.heard(ben, "Broadcast", String.class);
            var sentAna = Clients.heard(ana, "Send", String.class);
            var sentBen = Clients.heard(ben, "Send", String.class);
            ana.invoke("BroadcastMethod", "all").blockingAwait();
            Check.same("all", toAna.next());
            Check.same("all", toBen.next());
            ana.invoke("SendToOthers", "others").blockingAwait();
            Check.same("others", sentBen.next());
            ana.invoke("SendToCaller", "caller").blockingAwait();
            Check.same("caller", sentAna.next());
            ana.invoke("ConnectionSendMethod", ben.getConnectionId(), "you").blockingAwait();
            Check.same("you", sentBen.next());
            ana.invoke("SendToAllExcept", "but you", List.of(ana.getConnectionId())).blockingAwait();
            Check.same("but you", sentBen.next());
            Check.holds(sentAna.isSilent() && toAna.isSilent(), "Ana received too much");
        });
        harness.test(wire, "HH-62 HH-63", "groups", clients -> {
            var ana = clients.connect();
            var ben = clients.connect();
            var toAna = Clients.heard(ana, "Send", String.class);
            var toBen = Clients.heard(ben, "Send", String.class);
            var group = clients.unique();
            ben.invoke("GroupRemoveMethod", group).blockingAwait();
            ben.invoke("GroupAddMethod", group).blockingAwait();
            ana.invoke("GroupSendMethod", group, "in").blockingAwait();
            Check.same("in", toBen.next());
            ana.invoke("GroupAddMethod", group).blockingAwait();
            ana.invoke("SendToOthersInGroup", group, "others").blockingAwait();
            Check.same("others", toBen.next());
            ben.invoke("GroupRemoveMethod", group).blockingAwait();
            ana.invoke("GroupSendMethod", group, "out").blockingAwait();
            Check.same("out", toAna.next());
            Check.same("x", ben.invoke(String.class, "Echo", "x").blockingGet());
            Check.holds(toBen.isSilent() && toAna.isSilent(), "somebody received too much");
        });
        harness.test(wire, "HH-31 HH-61", "users", clients -> {
            var name = clients.unique();
            var one = clients.connect(name);
            var other = clients.connect(name);
            var stranger = clients.connect(clients.unique());
            var toOne = Clients.heard(one, "Send", String.class);
            var toOther = Clients.heard(other, "Send", String.class);
            var toStranger = Clients.heard(stranger, "Send", String.class);
            Check.same(name, one.invoke(String.class, "GetUserIdentifier").blockingGet());
            stranger.invoke("ClientSendMethod", name, "hello").blockingAwait();
            Check.same(List.of("hello", "hello"), List.of(toOne.next(), toOther.next()));
            Check.same("x", stranger.invoke(String.class, "Echo", "x").blockingGet());
            Check.holds(toStranger.isSilent(), "the stranger received it too");
        });
        harness.test(wire, "NC-8", "a handler that the client lacks", clients -> {
            var connection = clients.connect();
            connection.invoke("CallHandlerThatDoesntExist").blockingAwait();
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
        });
        harness.test(wire, "NC-4", "a call from within a handler", clients -> {
            var connection = clients.connect();
            var heard = new Check.Heard<String>();
            connection.on("Message", text -> connection.invoke(String.class, "Echo", text).subscribe(heard::add), String.class);
            connection.send("InvokeWithString", "again");
            Check.same("again", heard.next());
        });
        harness.notApplicable(wire, "TS-12", "this client looks handlers up under their exact names");
    }
}
