using Microsoft.AspNetCore.Http.Connections;

namespace Interop;

/// <summary>How one run of the tests connects: a column of the conformance table.</summary>
public sealed record Column(string Transport, string Protocol, string Scheme)
{
    private static readonly string[] Protocols = ["json", "newtonsoft", "messagepack"];

    public const string Direct = "WebSockets, direct";

    /// <summary>Every transport with every protocol that it carries: server-sent events carry text alone.</summary>
    public static IEnumerable<Column> All(IEnumerable<string> schemes) =>
        from scheme in schemes
        from transport in new[] { "WebSockets", Direct, "ServerSentEvents", "LongPolling" }
        from protocol in Protocols
        where transport != "ServerSentEvents" || protocol != "messagepack"
        select new Column(transport, protocol, scheme);

    /// <summary>Whether it connects without negotiation; then the client does not know its id.</summary>
    public bool IsDirect => Transport == Direct;

    public HttpTransportType Type => IsDirect ? HttpTransportType.WebSockets : Enum.Parse<HttpTransportType>(Transport);

    public override string ToString() => $"{Scheme}, {Transport}, {Protocol}";
}
