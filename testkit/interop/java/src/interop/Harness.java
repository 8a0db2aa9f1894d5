package interop;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Runs tests one after the other, each with a deadline, and counts them. */
public final class Harness {
    private static final int LIMIT_S = 20;

    private final Server server;
    private final Rows rows;
    private final String only;
    private int passed;
    private int failed;

    public Harness(Server server, Rows rows, String only) {
        this.server = server;
        this.rows = rows;
        this.only = only;
    }

    /** What a test does with its connections. */
    public interface Body {
        void run(Clients clients) throws Exception;
    }

    /** Runs a test. `shows` names the rows of the conformance tables that it shows, separated by blanks. */
    public void test(Wire wire, String shows, String name, Body body) {
        var title = wire + ": " + name;
        if (!title.contains(only)) {
            return;
        }
        var problem = problem(wire, body);
        if (problem.isEmpty()) {
            passed++;
            System.out.println("ok      " + title);
        } else {
            failed++;
            System.out.println("FAILED  " + title + "\n        " + problem);
        }
        for (var row : shows.split(" ")) {
            if (!row.isEmpty()) {
                rows.add(row, wire, problem.isEmpty() ? "passed" : "failed", problem);
            }
        }
    }

    /** Says of rows why this client cannot show them. */
    public void notApplicable(Wire wire, String shows, String why) {
        for (var row : shows.split(" ")) {
            rows.add(row, wire, "n/a", why);
        }
    }

    private String problem(Wire wire, Body body) {
        try (var clients = new Clients(server, wire)) {
            CompletableFuture.runAsync(() -> {
                try {
                    body.run(clients);
                } catch (Exception error) {
                    throw new java.util.concurrent.CompletionException(error);
                }
            }).get(LIMIT_S, TimeUnit.SECONDS);
            return "";
        } catch (ExecutionException error) {
            return String.valueOf(error.getCause());
        } catch (Exception error) {
            return error.toString();
        }
    }

    public int passed() {
        return passed;
    }

    public int failed() {
        return failed;
    }
}
