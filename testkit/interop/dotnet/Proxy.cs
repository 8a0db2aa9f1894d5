using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Interop;

/// <summary>A network that breaks: a TCP proxy in front of a server.</summary>
public sealed class Proxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly int port;
    private readonly HashSet<Pair> pairs = [];
    private readonly Task accepting;

    private sealed record Pair(TcpClient Client)
    {
        public TcpClient Server { get; } = new();
        /// <summary>A WebSocket is open, and its server has said something on it.</summary>
        public bool Live { get; set; }
    }

    public Proxy(string url)
    {
        port = new Uri(url).Port;
        listener.Start();
        Url = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        accepting = Accept();
    }

    public string Url { get; }

    /// <summary>How long a new socket waits before it is carried.</summary>
    public TimeSpan Delay { get; set; }

    private async Task Accept()
    {
        try
        {
            while (true) _ = Carry(new Pair(await listener.AcceptTcpClientAsync()));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task Carry(Pair pair)
    {
        lock (pairs) pairs.Add(pair);
        try
        {
            await Task.Delay(Delay);
            pair.Client.NoDelay = pair.Server.NoDelay = true;
            await pair.Server.ConnectAsync(IPAddress.Loopback, port);
            await Task.WhenAny(Copy(pair, pair.Client, pair.Server, null), Copy(pair, pair.Server, pair.Client, new()));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Broken meanwhile.
        }
        Reset(pair);
    }

    private static async Task Copy(Pair pair, TcpClient from, TcpClient to, StringBuilder? answer)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.GetStream().ReadAsync(buffer) is > 0 and var length)
            {
                if (answer is not null && !pair.Live)
                {
                    answer.Append(Encoding.Latin1.GetString(buffer, 0, length));
                    var text = answer.ToString();
                    var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                    pair.Live = text.StartsWith("HTTP/1.1 101", StringComparison.Ordinal) && end >= 0 && text.Length > end + 4;
                }
                await to.GetStream().WriteAsync(buffer.AsMemory(0, length));
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Broken.
        }
    }

    private void Reset(Pair pair)
    {
        lock (pairs) pairs.Remove(pair);
        foreach (var socket in new[] { pair.Client, pair.Server })
        {
            if (socket.Client is { } open) open.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
    }

    /// <summary>Breaks every WebSocket on which its server has spoken, with what is on its way; says how many.</summary>
    public int BreakAll()
    {
        Pair[] live;
        lock (pairs) live = pairs.Where(pair => pair.Live).ToArray();
        foreach (var pair in live) Reset(pair);
        return live.Length;
    }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await accepting;
        Pair[] left;
        lock (pairs) left = pairs.ToArray();
        foreach (var pair in left) Reset(pair);
    }
}
