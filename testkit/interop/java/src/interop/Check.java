package interop;

import com.google.gson.Gson;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Assertions, and what is waited for. */
public final class Check {
    private Check() {}

    /** Fails unless two values are the same, as text. */
    public static void same(Object expected, Object actual) {
        var gson = new Gson();
        var one = gson.toJson(expected);
        var two = gson.toJson(actual);
        if (!one.equals(two)) {
            throw new AssertionError("expected " + cut(one) + ", got " + cut(two));
        }
    }

    public static void holds(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    /** Something that is expected to fail. */
    public interface Attempt {
        void run() throws Exception;
    }

    /** Fails unless the attempt does, with this message. */
    public static void fails(String message, Attempt attempt) {
        same(message, failure(attempt));
    }

    /** The message that an attempt fails with. */
    public static String failure(Attempt attempt) {
        try {
            attempt.run();
        } catch (Exception error) {
            var cause = error instanceof RuntimeException && error.getMessage() == null ? error.getCause() : error;
            return cause.getMessage();
        }
        throw new AssertionError("did not fail");
    }

    private static String cut(String text) {
        return text.length() > 300 ? text.substring(0, 300) + "…" : text;
    }

    /** What came, in order. */
    public static final class Heard<T> {
        private static final int LIMIT_S = 10;
        private final BlockingQueue<T> queue = new LinkedBlockingQueue<>();

        public void add(T value) {
            queue.add(value);
        }

        public T next() throws InterruptedException {
            var value = queue.poll(LIMIT_S, TimeUnit.SECONDS);
            if (value == null) {
                throw new AssertionError("nothing came");
            }
            return value;
        }

        public boolean isSilent() {
            return queue.isEmpty();
        }
    }
}
