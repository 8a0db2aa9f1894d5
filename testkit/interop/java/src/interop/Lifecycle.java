package interop;

import com.microsoft.signalr.HubConnectionState;
import com.microsoft.signalr.TransportEnum;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** Start, stop, ends, and coming back. */
final class Lifecycle {
    private Lifecycle() {}

    static void run(Harness harness, Wire wire) {
        harness.test(wire, "TS-1 TS-13 NC-2", "stop closes without an error, and another start works", clients -> {
            var connection = clients.connect();
            var closed = new Check.Heard<Optional<String>>();
            connection.onClosed(error -> closed.add(Optional.ofNullable(error).map(Throwable::getMessage)));
            var first = connection.getConnectionId();
            connection.stop().blockingAwait();
            Check.same(null, closed.next().orElse(null));
            connection.start().blockingAwait();
            Check.holds(!connection.getConnectionId().equals(first), "the second connection has the first one's id");
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
        });
        harness.test(wire, "TS-17 NC-2", "a start from within the close handler", clients -> {
            var connection = clients.connect();
            var again = new Check.Heard<Boolean>();
            var begun = new AtomicBoolean();
            connection.onClosed(error -> {
                if (begun.compareAndSet(false, true)) {
                    connection.start().subscribe(() -> again.add(true), failure -> again.add(false));
                }
            });
            connection.stop().blockingAwait();
            Check.same(true, again.next());
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
        });
        harness.test(wire, "TS-33 NC-3", "the connection id is the server's, and none once stopped", clients -> {
            var connection = clients.connect();
            Check.same(connection.getConnectionId(), connection.invoke(String.class, "GetCallerConnectionId").blockingGet());
            connection.stop().blockingAwait();
            Check.same(null, connection.getConnectionId());
        });
        harness.test(wire, "NC-28 HH-23", "an abort of the hub closes without an error", clients -> {
            var connection = clients.connect();
            var closed = new Check.Heard<Optional<String>>();
            connection.onClosed(error -> closed.add(Optional.ofNullable(error).map(Throwable::getMessage)));
            connection.send("Abort");
            var error = closed.next().orElse(null);
            // Told to close, this client sends its DELETE and one more poll side by side: if the DELETE comes first, the
            // poll finds no connection any more, and the client reports that.
            if (!wire.isPolling() || !"Unexpected response code 404.".equals(error)) {
                Check.same(null, error);
            }
            Check.same(HubConnectionState.DISCONNECTED, connection.getConnectionState());
        });
        harness.test(wire, "HH-11", "a message over the limit closes with its reason", clients -> {
            var connection = clients.connect();
            var closed = new Check.Heard<String>();
            connection.onClosed(error -> closed.add(String.valueOf(error)));
            connection.send("Echo", "x".repeat(40_000));
            var reason = closed.next();
            Check.holds(reason.contains("The maximum message size of 32768B was exceeded."), reason);
        });
        harness.test(wire, "", "a large answer comes whole", clients ->
                Check.same(200_000, clients.connect().stream(String.class, "StreamLarge", 1, 200_000).blockingFirst().length()));
        if (wire.isPolling()) {
            harness.test(wire, "TS-38 NC-24", "stop ends a poll that waits", clients -> {
                var connection = clients.connect();
                var began = System.nanoTime();
                connection.stop().blockingAwait();
                Check.holds(System.nanoTime() - began < 5_000_000_000L, "it took more than 5 s");
            });
            harness.test(wire, wire.isJson() ? "TS-35 TS-36" : "TS-36 NC-23", "without WebSockets it polls", clients -> {
                var connection = clients.connect("/testhub-nowebsockets", builder -> builder.withTransport(TransportEnum.ALL));
                Check.same("LongPolling", connection.invoke(String.class, "GetActiveTransportName").blockingGet());
            });
        } else {
            harness.test(wire, "TS-34", "a connection without negotiation has no id", clients -> {
                var connection = clients.connect("/hubs/conformance", builder -> builder.shouldSkipNegotiate(true));
                Check.same(null, connection.getConnectionId());
                Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
            });
            harness.test(wire, "TS-26", "a server that is silent for too long", clients -> {
                var closed = new Check.Heard<String>();
                var connection = clients.build("/hubs/conformance", builder -> builder.withServerTimeout(500));
                connection.onClosed(error -> closed.add(error.getMessage()));
                connection.start().blockingAwait();
                Check.same("Server timeout elapsed without receiving a message from the server.", closed.next());
            });
        }
        harness.test(wire, "TS-31", "a redirection of negotiate", clients -> {
            var connection = clients.connect("/redirect?numRedirects=0&baseUrl=" + clients.server().url(), builder -> {});
            Check.holds(connection.invoke(Integer.class, "GetNumRedirects").blockingGet() > 0, "no redirection was counted");
            Check.same(connection.getConnectionId(), connection.invoke(String.class, "GetCallerConnectionId").blockingGet());
        });
        harness.notApplicable(wire, "TS-29 TS-30 TS-32 NC-25", "this client does not reconnect by itself");
        harness.notApplicable(wire, "TS-37", "this client has no server-sent events to fall back to");
    }
}
