using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Interop;

/// <summary>Thrown by a test that says nothing about this column; without a reason it is another column's business.</summary>
public sealed class NotApplicable(string why = "") : Exception(why);

/// <summary>Runs the tests of one column one after the other, each with a deadline, and counts them.</summary>
public sealed class Harness(Column column, Servers servers, Rows rows, string only)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public Column Column { get; } = column;
    public int Passed { get; private set; }
    public int Failed { get; private set; }

    public async Task Test(string name, Func<Clients, Task> body)
    {
        var title = $"{Column}: {name}";
        if (!title.Contains(only)) return;
        await using var clients = new Clients(Column, await servers.Of(Column), await servers.Open(Column.Scheme));
        try
        {
            await body(clients).WaitAsync(Limit);
            Passed++;
            rows.Note(name, Column, "passed");
            Console.WriteLine($"ok      {title}");
        }
        catch (NotApplicable reason)
        {
            if (reason.Message.Length > 0) rows.Note(name, Column, "n/a", reason.Message);
        }
        catch (Exception error)
        {
            Failed++;
            rows.Note(name, Column, "failed", error.Message);
            Console.WriteLine($"FAILED  {title}\n        {error.GetType().Name}: {error.Message}");
        }
    }
}

/// <summary>What a client was sent, in order.</summary>
public sealed class Heard<T>
{
    private readonly Channel<T> channel = Channel.CreateUnbounded<T>();

    public Heard(HubConnection connection, string method) =>
        connection.On<T>(method, value => channel.Writer.TryWrite(value));

    public async Task<T> Next() => await channel.Reader.ReadAsync();

    public bool Silent => !channel.Reader.TryPeek(out _);
}

public static class Check
{
    public static void Same<T>(T expected, T actual, string what = "")
    {
        var (one, two) = (JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));
        if (one != two) throw new InvalidOperationException($"{what} expected {Short(one)}, got {Short(two)}");
    }

    public static void True(bool holds, string what)
    {
        if (!holds) throw new InvalidOperationException(what);
    }

    private static string Short(string text) => text.Length > 300 ? text[..300] + "…" : text;

    /// <summary>Fails with exactly this text.</summary>
    public static Task Fails(string text, Func<Task> body) => Fails(text, body, error => Same(text, error));

    /// <summary>Fails with a text that begins like this.</summary>
    public static Task FailsLike(string text, Func<Task> body) =>
        Fails(text, body, error => True(error.StartsWith(text, StringComparison.Ordinal), $"expected {text}…, got {Short(error)}"));

    private static async Task Fails(string text, Func<Task> body, Action<string> check)
    {
        try
        {
            await body();
        }
        catch (HubException error)
        {
            check(error.Message);
            return;
        }
        throw new InvalidOperationException($"expected to fail: {text}");
    }

    /// <summary>Asks again and again until the answer is true.</summary>
    public static async Task Until(Func<Task<bool>> ask, string what)
    {
        for (var end = DateTime.UtcNow.AddSeconds(10); !await ask(); await Task.Delay(15))
        {
            if (DateTime.UtcNow > end) throw new TimeoutException(what);
        }
    }
}
