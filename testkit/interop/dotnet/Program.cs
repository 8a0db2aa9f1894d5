// The official .NET client against the running product: `dotnet run -- <path to the hubplane binary>`.
// Ends with `N passed, N failed, N skipped`.

using Interop;

if (args.Length < 1)
{
    Console.Error.WriteLine("usage: interop <path to the hubplane binary> [--only TEXT]");
    return 2;
}
var only = args.Length > 2 && args[1] == "--only" ? args[2] : "";
await using var server = await Server.Start(args[0]);
var harness = new Harness(server, only);
foreach (var protocol in new[] { "json", "newtonsoft", "messagepack" })
{
    await Invocations.Run(harness, protocol);
    await Sends.Run(harness, protocol);
    await Streams.Run(harness, protocol);
    await Lifecycle.Run(harness, protocol);
    await Stateful.Run(args[0], harness, protocol);
}
Console.WriteLine($"{harness.Passed} passed, {harness.Failed} failed, 0 skipped");
return harness.Failed == 0 ? 0 : 1;
