package interop;

import java.util.ArrayList;
import java.util.List;

/**
 * The official Java client against the running product. Ends with the line "N passed, N failed"; exit code 1 if any
 * failed.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        var options = List.of(arguments);
        if (options.isEmpty()) {
            System.err.println("usage: Main <path to the hubplane binary> [--only TEXT] [--rows FILE]");
            System.exit(2);
        }
        var rows = new Rows();
        int failed;
        try (var server = Server.start(options.get(0))) {
            var harness = new Harness(server, rows, option(options, "--only"));
            for (var wire : wires(server)) {
                Invocations.run(harness, wire);
                Streams.run(harness, wire);
                Sends.run(harness, wire);
                Lifecycle.run(harness, wire);
                Access.run(harness, wire);
            }
            failed = harness.failed();
            System.out.printf("%d passed, %d failed%n", harness.passed(), failed);
        }
        rows.write(option(options, "--rows"));
        // The client's threads would keep the process.
        System.exit(failed == 0 ? 0 : 1);
    }

    /** Each transport that client and server have, with each protocol that is there. */
    private static List<Wire> wires(Server server) throws Exception {
        var wires = new ArrayList<Wire>();
        for (var transport : List.of("WebSockets", "LongPolling")) {
            if (!server.offers(transport)) {
                continue;
            }
            wires.add(new Wire(transport, "json"));
            if (Wire.hasMessagePack()) {
                wires.add(new Wire(transport, "messagepack"));
            }
        }
        return wires;
    }

    private static String option(List<String> options, String name) {
        var at = options.indexOf(name);
        return at < 0 || at + 1 == options.size() ? "" : options.get(at + 1);
    }
}
