package interop;

import com.microsoft.signalr.HttpHubConnectionBuilder;
import com.microsoft.signalr.HubProtocol;
import com.microsoft.signalr.TransportEnum;

/** How a client talks: a transport, by its name on the wire, and a hub protocol. */
public record Wire(String transport, String protocol) {
    private static final String MESSAGEPACK = "com.microsoft.signalr.messagepack.MessagePackHubProtocol";

    /** Whether the package with the binary protocol is there. */
    public static boolean hasMessagePack() {
        try {
            Class.forName(MESSAGEPACK);
            return true;
        } catch (ClassNotFoundException absent) {
            return false;
        }
    }

    public boolean isJson() {
        return protocol.equals("json");
    }

    public boolean isPolling() {
        return transport.equals("LongPolling");
    }

    /** Makes connections of a builder talk so. */
    public void configure(HttpHubConnectionBuilder builder) {
        builder.withTransport(isPolling() ? TransportEnum.LONG_POLLING : TransportEnum.WEBSOCKETS);
        configureProtocol(builder);
    }

    /** The same, with any transport. */
    public void configureProtocol(HttpHubConnectionBuilder builder) {
        if (isJson()) {
            return;
        }
        try {
            builder.withHubProtocol((HubProtocol) Class.forName(MESSAGEPACK).getConstructor().newInstance());
        } catch (ReflectiveOperationException absent) {
            throw new IllegalStateException(absent);
        }
    }

    @Override
    public String toString() {
        return transport + ", " + protocol;
    }
}
