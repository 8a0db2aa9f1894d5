package interop;

import com.microsoft.signalr.HttpHubConnectionBuilder;
import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionBuilder;
import io.reactivex.rxjava3.core.Single;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The connections of one test, stopped when it ends. */
public final class Clients implements AutoCloseable {
    private static final int STOP_LIMIT_S = 10;

    private final Server server;
    private final Wire wire;
    private final List<HubConnection> connections = new ArrayList<>();

    public Clients(Server server, Wire wire) {
        this.server = server;
        this.wire = wire;
    }

    public Server server() {
        return server;
    }

    public Wire wire() {
        return wire;
    }

    /** A text that nobody else uses. */
    public String unique() {
        return UUID.randomUUID().toString();
    }

    /** Connects to the hub `conformance`. */
    public HubConnection connect() {
        return connect("/hubs/conformance", builder -> {});
    }

    /** Connects there as a user. */
    public HubConnection connect(String user) {
        return connect("/hubs/conformance", builder -> builder.withAccessTokenProvider(Single.just(Server.token(user))));
    }

    public HubConnection connect(String path, Consumer<HttpHubConnectionBuilder> configure) {
        var connection = build(path, configure);
        connection.start().blockingAwait();
        return connection;
    }

    /** A connection that is not started yet. */
    public HubConnection build(String path, Consumer<HttpHubConnectionBuilder> configure) {
        var builder = HubConnectionBuilder.create(server.url() + path);
        wire.configure(builder);
        configure.accept(builder);
        var connection = builder.build();
        connections.add(connection);
        return connection;
    }

    @Override
    public void close() {
        for (var connection : connections) {
            connection.stop().onErrorComplete().blockingAwait(STOP_LIMIT_S, TimeUnit.SECONDS);
        }
    }

    /** What a connection's handler of one argument is called with. */
    public static <T> Check.Heard<T> heard(HubConnection connection, String method, Class<T> type) {
        var heard = new Check.Heard<T>();
        connection.on(method, heard::add, type);
        return heard;
    }
}
