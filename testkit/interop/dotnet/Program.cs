// The official .NET client against the running product: `dotnet run -- <path to the hubplane binary> [--only TEXT]`.
// Ends with `N passed, N failed, N skipped`. The variable ROWS names a file for the rows of the conformance table.

using Interop;

if (args.Length < 1)
{
    Console.Error.WriteLine("usage: interop <path to the hubplane binary> [--only TEXT]");
    return 2;
}
var only = args.Length > 2 && args[1] == "--only" ? args[2] : "";
string[] schemes = ["http", "https"];
var rows = new Rows();
var (passed, failed) = (0, 0);
await using (var servers = new Servers(args[0]))
{
    // Columns run side by side, as many as there are processors.
    await Parallel.ForEachAsync(Column.All(schemes), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (column, _) =>
    {
        var harness = new Harness(column, servers, rows, only);
        await Invocations.Run(harness);
        await Streams.Run(harness);
        await Requests.Run(harness);
        // Without negotiation the client does not know its id, which these go by.
        if (!column.IsDirect)
        {
            await Sends.Run(harness);
            await Audiences.Run(harness);
            await Lifecycle.Run(harness);
        }
        if (column is { Transport: "WebSockets", Scheme: "http" }) await Stateful.Run(args[0], harness);
        await servers.End(column);
        Interlocked.Add(ref passed, harness.Passed);
        Interlocked.Add(ref failed, harness.Failed);
    });
}
rows.Write(Environment.GetEnvironmentVariable("ROWS"));
Console.WriteLine($"{passed} passed, {failed} failed, 0 skipped");
return failed == 0 ? 0 : 1;
