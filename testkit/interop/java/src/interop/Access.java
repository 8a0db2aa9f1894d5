package interop;

import io.reactivex.rxjava3.core.Single;

/** Tokens, headers and cookies. */
final class Access {
    private Access() {}

    static void run(Harness harness, Wire wire) {
        harness.test(wire, "TS-23 NC-16", "a token opens the authorized hub", clients -> {
            var connection = clients.connect("/authorizedhub", builder ->
                    builder.withAccessTokenProvider(Single.just(Server.token("ana"))));
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
        });
        harness.test(wire, "TS-24", "a token that comes later does too", clients -> {
            var connection = clients.connect("/authorizedhub", builder -> builder.withAccessTokenProvider(
                    Single.fromCallable(() -> Server.token("ana")).subscribeOn(io.reactivex.rxjava3.schedulers.Schedulers.io())));
            Check.same("x", connection.invoke(String.class, "Echo", "x").blockingGet());
        });
        harness.test(wire, "TS-25 NC-16", "without a token nobody comes in", clients -> {
            var failure = Check.failure(() -> clients.connect("/authorizedhub", builder -> {}));
            Check.holds(failure.contains("401"), failure);
        });
        harness.test(wire, "TS-39 NC-17", "the hub sees what the client calls itself", clients -> {
            var connection = clients.connect();
            var agent = connection.invoke(String.class, "GetHeader", "User-Agent").blockingGet();
            Check.holds(agent.startsWith("Microsoft SignalR/"), agent);
        });
        harness.test(wire, "TS-40 NC-17", "headers of the user's own", clients -> {
            var connection = clients.connect("/hubs/conformance", builder ->
                    builder.withHeader("X-HEADER", "VALUE").withHeader("User-Agent", "Custom Agent"));
            Check.same("VALUE", connection.invoke(String.class, "GetHeader", "X-HEADER").blockingGet());
            Check.same("Custom Agent", connection.invoke(String.class, "GetHeader", "User-Agent").blockingGet());
        });
        harness.test(wire, "TS-27", "cookies of negotiate are kept", clients -> {
            var connection = clients.connect("/testhub", builder -> {});
            Check.same("testValue", connection.invoke(String.class, "GetCookie", "testCookie").blockingGet());
            Check.same("testValue2", connection.invoke(String.class, "GetCookie", "testCookie2").blockingGet());
        });
        harness.test(wire, "TS-49", "a refusal of negotiate", clients -> {
            var failure = Check.failure(() -> clients.connect("/bad-negotiate", builder -> {}));
            Check.holds(failure.contains("400"), failure);
        });
    }
}
