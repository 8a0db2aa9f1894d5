package interop;

import java.util.List;
import java.util.Map;

/** Values, results and errors. */
final class Invocations {
    private Invocations() {}

    /** The object of `SendCustomObject`; its members have the server's names. */
    @SuppressWarnings("checkstyle:MemberName")
    static final class Custom {
        String Name;
        int Value;
    }

    /** The object of `SendComplexObject`, as JSON has it. */
    static final class Complex {
        String ByteArray;
        String DateTime;
        String Guid;
        int[] IntArray;
        String String;
    }

    static void run(Harness harness, Wire wire) {
        harness.test(wire, "TS-1 NC-1", "a call has its result, whatever the text", clients -> {
            var connection = clients.connect();
            for (var text : List.of("", "x", "grüß 日本 🎉 \u2028 <>&'\"\\", "y".repeat(10_000))) {
                Check.same(text, connection.invoke(String.class, "Echo", text).blockingGet());
            }
            Check.same("Hello World!", connection.invoke(String.class, "HelloWorld").blockingGet());
        });
        harness.test(wire, "HH-40", "results of methods with and without one", clients -> {
            var connection = clients.connect();
            Check.same(43, connection.invoke(Integer.class, "ValueMethod").blockingGet());
            Check.same(42, connection.invoke(Integer.class, "TaskValueMethod").blockingGet());
            Check.same(43, connection.invoke(Integer.class, "RenamedMethod").blockingGet());
            connection.invoke("VoidMethod").blockingAwait();
            connection.invoke("TaskMethod").blockingAwait();
            Check.same("1, 2, x, y", connection.invoke(String.class, "ConcatString", 1, 2, "x", "y").blockingGet());
        });
        harness.test(wire, "HH-41 NC-4", "method names in any letter case", clients ->
                Check.same("x", clients.connect().invoke(String.class, "eCHO", "x").blockingGet()));
        harness.test(wire, "", "numbers, lists and maps come back", clients -> {
            var connection = clients.connect();
            for (var number : List.of(Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE)) {
                Check.same(number, connection.invoke(Integer.class, "EchoInt", number).blockingGet());
            }
            for (var number : List.of(Long.MIN_VALUE, 0L, Long.MAX_VALUE)) {
                Check.same(number, connection.invoke(Long.class, "EchoLong", number).blockingGet());
            }
            for (var number : List.of(0.1, -1e-7, 1e300)) {
                Check.same(number, connection.invoke(Double.class, "EchoDouble", number).blockingGet());
            }
            Check.same(true, connection.invoke(Boolean.class, "EchoBool", true).blockingGet());
            Check.same(new int[] {1, 2, 3}, connection.invoke(int[].class, "EchoInts", new int[] {1, 2, 3}).blockingGet());
            Check.same(Map.of("a", 1), connection.invoke(Map.class, "EchoMap", Map.of("a", 1)).map(Invocations::whole).blockingGet());
        });
        harness.test(wire, "TS-4", "an object is sent back", clients -> {
            var connection = clients.connect("/testhub", builder -> {});
            var heard = Clients.heard(connection, "CustomObject", Custom.class);
            var sent = new Custom();
            sent.Name = "test";
            sent.Value = 42;
            connection.send("SendCustomObject", sent);
            Check.same(sent, heard.next());
        });
        if (wire.isJson()) {
            harness.test(wire, "TS-15 TS-16", "complex objects both ways", clients -> {
                var connection = clients.connect("/testhub", builder -> {});
                var sent = new Complex();
                sent.ByteArray = "aGVsbG8=";
                sent.DateTime = "2002-04-01T10:20:15Z";
                sent.Guid = "00010203-0405-0607-0706-050403020100";
                sent.IntArray = new int[] {1, 2, 255};
                sent.String = "hello world";
                Check.same(sent, connection.invoke(Complex.class, "EchoComplexObject", sent).blockingGet());
                var came = connection.invoke(Complex.class, "SendComplexObject").blockingGet();
                Check.same(List.of("AQID", "2000-01-01T00:00:00Z"), List.of(came.ByteArray, came.DateTime));
                Check.same(new int[] {1, 2, 3}, came.IntArray);
            });
        } else {
            harness.notApplicable(wire, "TS-15 TS-16", "Jackson reads and writes .NET's dates and GUIDs in MessagePack in its own way");
        }
        harness.test(wire, "TS-7 NC-10 NC-11 NC-12", "errors have the texts of the reference", clients -> {
            var connection = clients.connect("/testhub", builder -> {});
            Check.fails("An unexpected error occurred invoking 'ThrowException' on the server. InvalidOperationException: An error occurred.",
                    () -> connection.invoke("ThrowException", "An error occurred.").blockingAwait());
            Check.fails("An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: This is a hub exception",
                    () -> connection.invoke("ThrowHubException").blockingAwait());
            Check.fails("Failed to invoke '!@#$%' due to an error on the server. HubException: Method does not exist.",
                    () -> connection.invoke("!@#$%").blockingAwait());
            Check.fails("Failed to invoke 'Echo' due to an error on the server. InvalidDataException: Invocation provides 2 argument(s) but target expects 1.",
                    () -> connection.invoke("Echo", "a", "b").blockingAwait());
            var mismatch = Check.failure(() -> connection.invoke("EchoInt", "a").blockingAwait());
            Check.holds(mismatch.startsWith("Failed to invoke 'EchoInt' due to an error on the server."), mismatch);
            Check.same("alive", connection.invoke(String.class, "Echo", "alive").blockingGet());
        });
        harness.test(wire, "TS-8 TS-9 TS-11 NC-13", "calls in the wrong mode", clients -> {
            var connection = clients.connect();
            for (var method : List.of("EmptyStream", "Stream")) {
                Check.fails("The client attempted to invoke the streaming '" + method + "' method with a non-streaming invocation.",
                        () -> connection.invoke(method).blockingAwait());
            }
            Check.fails("The client attempted to invoke the non-streaming 'ValueMethod' method with a streaming invocation.",
                    () -> connection.stream(Integer.class, "ValueMethod").blockingSubscribe());
        });
        if (wire.isPolling()) {
            // It posts side by side: nothing keeps its calls in order.
            return;
        }
        harness.test(wire, "", "calls of one connection run in order", clients -> {
            var connection = clients.connect();
            for (var number = 0; number < 200; number++) {
                connection.send("Record", number);
            }
            Check.same(java.util.stream.IntStream.range(0, 200).toArray(), connection.invoke(int[].class, "RecordedNumbers").blockingGet());
        });
    }

    /** JSON numbers come as doubles. */
    private static Map<?, ?> whole(Map<?, ?> map) {
        return map.entrySet().stream().collect(java.util.stream.Collectors.toMap(
                Map.Entry::getKey, entry -> ((Number) entry.getValue()).intValue()));
    }
}
