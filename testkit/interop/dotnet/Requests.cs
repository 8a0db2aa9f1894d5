using System.Net;
using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>What the hub sees of the request, tokens, and answers of negotiate.</summary>
public static class Requests
{
    /// <summary>Both ends of a socket.</summary>
    public sealed class Ends
    {
        public int LocalPort { get; set; }
        public int RemotePort { get; set; }
        public string? LocalAddress { get; set; }
        public string? RemoteAddress { get; set; }
    }

    public static async Task Run(Harness harness)
    {
        var column = harness.Column;
        await harness.Test("the hub sees headers and the transport [NC-17]", async clients =>
        {
            var connection = await clients.Connect(options: options => options.Headers["X-Header"] = "value");
            Check.Same("value", await connection.InvokeAsync<string>("GetHeader", "X-Header"));
            Check.Same(column.Type.ToString(), await connection.InvokeAsync<string>("GetActiveTransportName"));
        });
        await harness.Test("the client's name is set, cleared, another one [NC-17]", async clients =>
        {
            async Task<string?> Name(string? name)
            {
                var connection = await clients.Connect(options: options => { if (name is not null) options.Headers["User-Agent"] = name; });
                return await connection.InvokeAsync<string?>("GetHeader", "User-Agent");
            }
            Check.True((await Name(null))?.StartsWith("Microsoft SignalR/", StringComparison.Ordinal) == true, "the client's own name");
            Check.Same("User-Agent", await Name("User-Agent"));
            Check.Same<string?>(null, await Name(""));
        });
        await harness.Test("the hub sees both ends of the socket [NC-19]", async clients =>
        {
            var connection = await clients.Connect();
            var ends = await connection.InvokeAsync<Ends>("GetConnectionFeature");
            Check.Same(new Uri(clients.Server.Url).Port, ends.LocalPort);
            Check.True(ends.RemotePort > 0, "the remote port");
            Check.Same("127.0.0.1 127.0.0.1", $"{ends.LocalAddress} {ends.RemoteAddress}");
        });
        await harness.Test("the user by a header [NC-20]", async clients =>
        {
            var connection = await clients.Connect(path: "/headerusers", options: options => options.Headers["X-User-Id"] = "SuperAdmin");
            Check.Same("SuperAdmin", await connection.InvokeAsync<string>("GetUserIdentifier"));
            Check.Same<string?>(null, await (await clients.Connect(path: "/headerusers")).InvokeAsync<string?>("GetUserIdentifier"));
        });
        await harness.Test("a message of an unknown type [NC-26]", _ =>
            throw new NotApplicable("the server sends no type that this client does not know"));
        await harness.Test("cookies of the client's options arrive [NC-18]", async clients =>
        {
            var connection = await clients.Connect(options: options =>
                options.Cookies.Add(new Cookie("Foo", "Bar", "/", new Uri(clients.Server.Url).Host)));
            Check.Same("Bar", await connection.InvokeAsync<string?>("GetCookie", "Foo"));
        });
        await harness.Test("a token lets in, by header or query [NC-16]", async clients =>
        {
            var connection = await clients.Connect(path: "/authorizedhub", on: clients.OpenServer, options: options =>
                options.AccessTokenProvider = async () => await clients.Get(clients.OpenServer, "/generateJwtToken?seconds=60"));
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
            Check.Same("testuser", await connection.InvokeAsync<string>("GetUserIdentifier"));
        });
        await harness.Test("without a token nobody gets in [NC-16]", async clients =>
        {
            try
            {
                await clients.Connect(path: "/authorizedhub");
            }
            catch (Exception error) when (error is HttpRequestException { StatusCode: HttpStatusCode.Unauthorized } || column.IsDirect && error.Message.Contains("401", StringComparison.Ordinal))
            {
                return;
            }
            throw new InvalidOperationException("was let in");
        });
        if (column.IsDirect) return;
        await harness.Test("a token that a redirection brings [NC-16]", async clients =>
        {
            var connection = await clients.Connect(path: "/redirecttoken", on: clients.OpenServer);
            Check.Same("testuser", await connection.InvokeAsync<string>("GetUserIdentifier"));
        });
        await harness.Test("a server for newer clients alone [NC-21]", async clients =>
        {
            try
            {
                await clients.Connect(path: "/negotiateProtocolVersion12");
            }
            catch (Exception error)
            {
                Check.True(error.ToString().Contains("The client requested version '1', but the server does not support this version.", StringComparison.Ordinal), error.Message);
                return;
            }
            throw new InvalidOperationException("was let in");
        });
        await harness.Test("a server for clients of any age [NC-22]", async clients =>
        {
            var connection = await clients.Connect(path: "/negotiateProtocolVersionNegative");
            Check.Same("x", await connection.InvokeAsync<string>("Echo", "x"));
        });
        await harness.Test("what is refused says how", async clients =>
        {
            try
            {
                await clients.Connect(path: "/bad-negotiate");
            }
            catch (HttpRequestException error)
            {
                Check.Same(HttpStatusCode.BadRequest, error.StatusCode);
                return;
            }
            throw new InvalidOperationException("was let in");
        });
    }
}
