using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Interop;

/// <summary>
/// What a run says of each row of reference signalr-core 18, a JSON object per line, as testkit/interop/js/lib/rows.mjs
/// has it. A test's name ends with its rows: "a promise [NC-1, HH-40]".
/// </summary>
public sealed partial class Rows
{
    private const string Client = "dotnet";
    private static readonly string[] Worst = ["n/a", "passed", "failed"];
    private readonly ConcurrentDictionary<(string Row, Column Column), (string Result, string? Why)> kept = new();

    [GeneratedRegex(@"\[((?:[A-Z]{2}-\d+(?:, )?)+)\]$")]
    private static partial Regex Labels();

    /// <summary>Of several tests that name a row, the worst counts.</summary>
    public void Note(string name, Column column, string result, string? why = null)
    {
        if (Labels().Match(name) is not { Success: true } labels) return;
        foreach (var row in labels.Groups[1].Value.Split(", "))
        {
            kept.AddOrUpdate((row, column), (result, why), (_, before) =>
                Array.IndexOf(Worst, before.Result) >= Array.IndexOf(Worst, result) ? before : (result, why));
        }
    }

    public void Write(string? path)
    {
        var lines = kept.OrderBy(one => Number(one.Key.Row)).ThenBy(one => one.Key.Column.ToString(), StringComparer.Ordinal).Select(one =>
        {
            var ((row, column), (result, why)) = one;
            var line = new Dictionary<string, string>
            {
                ["row"] = row,
                ["client"] = Client,
                ["transport"] = column.Transport,
                ["protocol"] = column.Protocol,
                ["scheme"] = column.Scheme,
                ["result"] = result,
            };
            if (why is not null) line["why"] = why;
            return JsonSerializer.Serialize(line, new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        }).ToArray();
        if (!string.IsNullOrEmpty(path)) File.WriteAllLines(path, lines);
        foreach (var line in lines) Console.WriteLine($"@row {line}");
    }

    private static string Number(string row) => $"{row[..2]}{int.Parse(row[3..]):D4}";
}
