package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The real binary as a child process; ended by its process id. */
public final class Server implements AutoCloseable {
    private static final String SECRET = "a key for tests alone, of more than 32 bytes";
    private static final Pattern OPEN = Pattern.compile("open\\s+(http:\\S+?)/?$");
    private static final int START_LIMIT_S = 30;
    private static final int STOP_LIMIT_S = 10;

    private final Process process;
    private final String url;

    private Server(Process process, String url) {
        this.process = process;
        this.url = url;
    }

    /** Starts it, and waits until it says where it listens. */
    public static Server start(String binary) throws Exception {
        var builder = new ProcessBuilder(binary, "dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0");
        builder.environment().put("HUBPLANE_AUTH__KEYS__TEST", SECRET);
        builder.environment().put("HUBPLANE_LOG__FILTER", "error");
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        var process = builder.start();
        // Whatever becomes of this process, its child does not stay.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        var url = CompletableFuture.supplyAsync(() -> find(process)).get(START_LIMIT_S, TimeUnit.SECONDS);
        return new Server(process, url);
    }

    private static String find(Process process) {
        var out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        return out.lines()
                .map(OPEN::matcher)
                .filter(line -> line.find())
                .map(line -> line.group(1))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the server ended before it was ready"));
    }

    public String url() {
        return url;
    }

    /** Whether negotiation offers a transport. */
    public boolean offers(String transport) throws Exception {
        return request("POST", "/testhub/negotiate?negotiateVersion=1").contains('"' + transport + '"');
    }

    /** The body of an answer. */
    public String request(String method, String path) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        var client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** An HS256 token whose subject is the user. */
    public static String token(String user) {
        var expires = System.currentTimeMillis() / 1000 + 600;
        var signed = part("{\"alg\":\"HS256\",\"typ\":\"JWT\"}")
                + '.' + part("{\"sub\":\"" + user + "\",\"exp\":" + expires + "}");
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            return signed + '.' + part(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
        } catch (java.security.GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String part(String text) {
        return part(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String part(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(STOP_LIMIT_S, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}
