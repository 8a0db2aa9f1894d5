"""What any Python client does, written once for both."""

import time

from clients import Failed
from harness import WAIT_S, Heard, same
from server import token

SCENARIOS = []

NOT_APPLICABLE = [("TS-12", "these clients look handlers up under their exact names")]


def scenario(shows="", needs=()):
    """A test whose title is its documentation; `shows` names rows of the conformance tables."""
    def add(function):
        function.shows, function.needs = shows.split(), set(needs)
        SCENARIOS.append(function)
        return function
    return add


def fails(text, call, *arguments):
    """The call has to fail with this text."""
    try:
        result = call(*arguments)
    except Failed as error:
        same(str(error), text)
        return
    raise AssertionError(f"succeeded with {result!r}, expected {text}")


def until(ask, what):
    end = time.monotonic() + WAIT_S
    while not ask():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@scenario("TS-1 NC-1")
def calls(t):
    """a call has its result, whatever the text"""
    connection = t.open()
    for text in ("", "x", "grüß 日本 🎉 <>&'\"\\", "y" * 10_000, None):
        same(connection.invoke("Echo", text), text)
    same(connection.invoke("HelloWorld"), "Hello World!")


@scenario("HH-40")
def results(t):
    """results of methods with and without one"""
    connection = t.open()
    for method, result in (("ValueMethod", 43), ("TaskValueMethod", 42), ("RenamedMethod", 43), ("VoidMethod", None), ("TaskMethod", None)):
        same(connection.invoke(method), result)
    if t.protocol == "json":
        # In MessagePack a character is a number, which Python does not write for one.
        same(connection.invoke("ConcatString", 1, 2, "x", "y"), "1, 2, x, y")


@scenario("HH-41 NC-4")
def letter_case(t):
    """method names in any letter case"""
    same(t.open().invoke("eCHO", "x"), "x")


@scenario()
def values(t):
    """numbers, lists, maps and null come back"""
    connection = t.open()
    for method, kinds in (("EchoInt", (-2**31, -1, 0, 2**31 - 1)), ("EchoLong", (-2**63, 2**63 - 1)), ("EchoULong", (2**64 - 1,)),
                          ("EchoDouble", (0.1, -1e-7, 1e300)), ("EchoBool", (True, False)), ("EchoInts", ([], [1, 2, 3], None)),
                          ("EchoMap", ({"a": 1, "b c": 2}, None)), ("EchoNullableInt", (5, None))):
        for value in kinds:
            same(connection.invoke(method, value), value)
    if t.protocol == "messagepack":
        same(connection.invoke("EchoBytes", b"\x00\x01\xff"), b"\x00\x01\xff")


@scenario("TS-4")
def objects(t):
    """an object is sent back"""
    connection, heard = t.open("/testhub"), Heard()
    connection.on("CustomObject", heard)
    connection.send("SendCustomObject", {"Name": "test", "Value": 42})
    same(heard.next(), [{"Name": "test", "Value": 42}])


@scenario("TS-7 NC-10 NC-11 NC-12")
def errors(t):
    """errors have the texts of the reference"""
    connection = t.open("/testhub")
    fails("An unexpected error occurred invoking 'ThrowException' on the server. InvalidOperationException: An error occurred.",
          connection.invoke, "ThrowException", "An error occurred.")
    fails("An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: This is a hub exception",
          connection.invoke, "ThrowHubException")
    fails("Failed to invoke '!@#$%' due to an error on the server. HubException: Method does not exist.", connection.invoke, "!@#$%")
    fails("Failed to invoke 'Echo' due to an error on the server. InvalidDataException: Invocation provides 2 argument(s) but target expects 1.",
          connection.invoke, "Echo", "a", "b")
    try:
        connection.invoke("EchoInt", "a")
    except Failed as error:
        assert str(error).startswith("Failed to invoke 'EchoInt' due to an error on the server."), error
    else:
        raise AssertionError("a text was taken for a number")
    same(connection.invoke("Echo", "alive"), "alive")


@scenario("TS-8 TS-9 TS-11 NC-13")
def wrong_modes(t):
    """calls in the wrong mode"""
    connection = t.open()
    for method in ("EmptyStream", "Stream"):
        fails(f"The client attempted to invoke the streaming '{method}' method with a non-streaming invocation.", connection.invoke, method)
    fails("The client attempted to invoke the non-streaming 'ValueMethod' method with a streaming invocation.", connection.stream, "ValueMethod")


@scenario("TS-5 NC-5")
def streams(t):
    """streams of the server"""
    connection = t.open()
    same(connection.stream("Stream"), ["a", "b", "c"])
    same(connection.stream("CounterChannel", 100), [str(number) for number in range(100)])
    same(connection.stream("EmptyStream"), [])


@scenario("TS-10 NC-7")
def failing_streams(t):
    """streams that fail"""
    connection = t.open("/testhub")
    fails("An unexpected error occurred invoking 'StreamThrowException' on the server. InvalidOperationException: An error occurred.",
          connection.stream, "StreamThrowException", "An error occurred.")
    fails("An error occurred on the server while streaming results. InvalidOperationException: Exception from stream",
          connection.stream, "ExceptionStream")


@scenario("HH-87", needs={"uploads"})
def uploads(t):
    """an upload that nobody waits for arrives whole and in order"""
    connection = t.open()
    connection.upload("RecordStream", range(50))
    until(lambda: connection.invoke("RecordedNumbers") == list(range(50)), "not all numbers arrived")


@scenario("TS-3")
def sends(t):
    """a call that nobody waits for"""
    connection, heard = t.open("/testhub"), Heard()
    connection.on("Message", heard)
    connection.send("InvokeWithString", "hello")
    same(heard.next(), ["hello"])


@scenario("HH-60 HH-61")
def audiences(t):
    """all, others, caller, one connection"""
    ana, ben = t.open(), t.open()
    to_ana, to_ben = Heard(), Heard()
    for connection, heard in ((ana, to_ana), (ben, to_ben)):
        connection.on("Broadcast", heard)
        connection.on("Send", heard)
    ids = [connection.invoke("GetCallerConnectionId") for connection in (ana, ben)]
    ana.invoke("BroadcastMethod", "all")
    same([to_ana.next(), to_ben.next()], [["all"], ["all"]])
    ana.invoke("SendToOthers", "others")
    same(to_ben.next(), ["others"])
    ana.invoke("SendToCaller", "caller")
    same(to_ana.next(), ["caller"])
    ana.invoke("ConnectionSendMethod", ids[1], "you")
    same(to_ben.next(), ["you"])
    ana.invoke("SendToAllExcept", "but you", [ids[0]])
    same(to_ben.next(), ["but you"])
    same([ana.invoke("Echo", "x"), to_ana.silent], ["x", True])


@scenario("HH-62 HH-63")
def groups(t):
    """groups"""
    ana, ben, group = t.open(), t.open(), t.unique()
    to_ana, to_ben = Heard(), Heard()
    ana.on("Send", to_ana)
    ben.on("Send", to_ben)
    ben.invoke("GroupRemoveMethod", group)
    ben.invoke("GroupAddMethod", group)
    ana.invoke("GroupSendMethod", group, "in")
    same(to_ben.next(), ["in"])
    ana.invoke("GroupAddMethod", group)
    ana.invoke("SendToOthersInGroup", group, "others")
    same(to_ben.next(), ["others"])
    ben.invoke("GroupRemoveMethod", group)
    ana.invoke("GroupSendMethod", group, "out")
    same(to_ana.next(), ["out"])
    same([ben.invoke("Echo", "x"), to_ben.silent, to_ana.silent], ["x", True, True])


@scenario("HH-31 HH-61")
def users(t):
    """users"""
    name, heard = t.unique(), [Heard(), Heard(), Heard()]
    connections = [t.open(token=token(user)) for user in (name, name, t.unique())]
    for connection, one in zip(connections, heard):
        connection.on("Send", one)
    same(connections[0].invoke("GetUserIdentifier"), name)
    connections[2].invoke("ClientSendMethod", name, "hello")
    same([heard[0].next(), heard[1].next()], [["hello"], ["hello"]])
    same([connections[2].invoke("Echo", "x"), heard[2].silent], ["x", True])


@scenario("NC-8")
def unknown_handlers(t):
    """a handler that the client lacks"""
    connection = t.open()
    connection.invoke("CallHandlerThatDoesntExist")
    same(connection.invoke("Echo", "x"), "x")


@scenario("CR-1 TS-20", needs={"results"})
def client_results(t):
    """a client answers a hub"""
    connection = t.open("/testhub")
    connection.on("Sum", lambda arguments: arguments[0] + 1)
    same(connection.invoke("GetClientResult", 9), 10)
    connection.on("Result", lambda _: 10)
    same(t.server.request("GET", f"/clientresult/{connection.invoke('GetCallerConnectionId')}"), "10")


@scenario("CR-2 TS-21 TS-22", needs={"results"})
def client_failures(t):
    """a client's failure reaches the hub, and that it has no such method"""
    connection = t.open("/testhub")
    path = f"/clientresult/{connection.invoke('GetCallerConnectionId')}"
    same(t.server.request("GET", path), "Client didn't provide a result.")

    def fail(_):
        raise ValueError("from callback")

    connection.on("Result", fail)
    same(t.server.request("GET", path), "from callback")
    same(connection.invoke("Echo", "x"), "x")


@scenario("TS-23 NC-16")
def tokens(t):
    """a token opens the authorized hub"""
    same(t.open("/authorizedhub", token=token("ana")).invoke("Echo", "x"), "x")


@scenario("TS-25 NC-16")
def without_a_token(t):
    """without a token nobody comes in"""
    try:
        t.open("/authorizedhub")
    except Exception as error:  # each client has a type of its own for it
        assert "nauthorized" in f"{type(error).__name__} {error}" or "Authorization" in f"{type(error).__name__} {error}", repr(error)
    else:
        raise AssertionError("it opened")


@scenario("TS-40 NC-17")
def headers(t):
    """headers of the user's own"""
    same(t.open(headers={"X-Header": "value"}).invoke("GetHeader", "X-Header"), "value")


@scenario()
def transport_names(t):
    """the hub sees the transport"""
    same(t.open().invoke("GetActiveTransportName"), t.transport)


@scenario("TS-13 NC-2", needs={"stop"})
def stop_and_start(t):
    """stop closes, and another connection is another one"""
    connection = t.open()
    first = connection.invoke("GetCallerConnectionId")
    connection.stop()
    connection.closed.next("it does not close")
    assert t.open().invoke("GetCallerConnectionId") != first


@scenario("TS-29 NC-25", needs={"reconnect"})
def reconnects(t):
    """a lost socket is replaced, by a connection with another id"""
    line = t.line()
    connection = t.open(url=line.url)
    first = connection.invoke("GetCallerConnectionId")
    line.cut()
    connection.again.next("it does not come back")
    assert connection.invoke("GetCallerConnectionId") != first


@scenario()
def large(t):
    """a large answer comes whole"""
    same([len(item) for item in t.open().stream("StreamLarge", 1, 200_000)], [200_000])
