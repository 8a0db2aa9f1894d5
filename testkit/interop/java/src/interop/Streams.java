package interop;

import com.microsoft.signalr.HubConnection;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.subjects.PublishSubject;
import java.util.List;
import java.util.stream.IntStream;

/** Streams both ways, and results of clients. */
final class Streams {
    private Streams() {}

    private static List<String> collect(HubConnection connection, String method, Object... arguments) {
        return connection.stream(String.class, method, arguments).toList().blockingGet();
    }

    private static List<String> numbers(int count, String before) {
        return IntStream.range(0, count).mapToObj(number -> before + number).toList();
    }

    static void run(Harness harness, Wire wire) {
        harness.test(wire, "TS-5 NC-5", "streams of the server", clients -> {
            var connection = clients.connect();
            Check.same(List.of("a", "b", "c"), collect(connection, "Stream"));
            Check.same(numbers(100, ""), collect(connection, "CounterChannel", 100));
            Check.same(List.of(), collect(connection, "EmptyStream"));
        });
        harness.test(wire, "TS-6 NC-6", "a cancelled stream ends", clients -> {
            var connection = clients.connect();
            var cancelled = new Check.Heard<Boolean>();
            connection.on("StreamCanceled", () -> cancelled.add(true));
            var reading = connection.stream(Integer.class, "InfiniteStream").subscribe();
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
            reading.dispose();
            cancelled.next();
        });
        harness.test(wire, "TS-10", "a stream that fails first", clients ->
                Check.fails("An unexpected error occurred invoking 'StreamThrowException' on the server. InvalidOperationException: An error occurred.",
                        () -> collect(clients.connect("/testhub", builder -> {}), "StreamThrowException", "An error occurred.")));
        harness.test(wire, "NC-7", "a stream that fails behind its items", clients -> {
            var failure = Check.failure(() -> collect(clients.connect(), "ExceptionStream"));
            Check.holds(failure.startsWith("An error occurred on the server while streaming results."), failure);
        });
        if (wire.isPolling()) {
            harness.notApplicable(wire, "TS-18 TS-19 NC-9", "this client posts side by side, so that nothing keeps its items in order");
        } else {
            uploads(harness, wire);
        }
        harness.test(wire, "CR-1 TS-20", "a client answers a hub", clients -> {
            var connection = clients.connect();
            connection.onWithResult("Sum", (Integer number) -> Single.just(number + 1), Integer.class);
            Check.same(10, connection.invoke(Integer.class, "GetClientResult", 9).blockingGet());
            var outside = clients.connect("/testhub", builder -> {});
            outside.onWithResult("Result", () -> Single.just(10));
            Check.same("10", clients.server().request("GET", "/clientresult/" + outside.getConnectionId()));
        });
        harness.test(wire, "CR-2 TS-21", "a client's failure reaches the hub", clients -> {
            var connection = clients.connect("/testhub", builder -> {});
            connection.onWithResult("Result", () -> Single.error(new RuntimeException("from callback")));
            Check.same("from callback", clients.server().request("GET", "/clientresult/" + connection.getConnectionId()));
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
        });
        harness.test(wire, "TS-22", "a client without that method", clients -> {
            var connection = clients.connect("/testhub", builder -> {});
            Check.same("Client did not provide a result.", clients.server().request("GET", "/clientresult/" + connection.getConnectionId()));
        });
    }

    private static void uploads(Harness harness, Wire wire) {
        harness.test(wire, "TS-18 NC-9", "uploads", clients -> {
            var connection = clients.connect();
            Check.same("Hello world!", connection.invoke(String.class, "StreamingConcat", Observable.just("Hello ", "world", "!")).blockingGet());
            var subject = PublishSubject.<Integer>create();
            var sum = connection.<Integer>invoke(Integer.class, "StreamingSum", subject).toFuture();
            for (var number = 0; number < 500; number++) {
                subject.onNext(2);
            }
            subject.onComplete();
            Check.same(1000, sum.get());
        });
        harness.test(wire, "NC-9", "both ways at once", clients ->
                Check.same(numbers(50, "echo:"), collect(clients.connect(), "StreamEcho", Observable.fromIterable(numbers(50, "")))));
        harness.test(wire, "TS-19", "an upload that fails", clients -> {
            var failure = Check.failure(() -> clients.connect("/testhub", builder -> {})
                    .invoke(String.class, "StreamingConcat", Observable.error(new RuntimeException("Something bad"))).blockingGet());
            // This client names the exception's type too.
            Check.same("An unexpected error occurred invoking 'StreamingConcat' on the server. HubException: java.lang.RuntimeException: Something bad", failure);
        });
    }
}
