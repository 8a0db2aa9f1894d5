"""Both clients behind one interface: what differs between them is here and in what each says that it cannot do."""

import asyncio
import threading
import uuid

from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.hub.handlers import StreamHandler
from signalrcore.messages.stream_invocation_message import StreamInvocationMessage
from signalrcore.subject import Subject
from signalrcore.types import HttpTransportType, HubProtocolEncoding

from harness import Heard

NO_CANCEL = ("TS-6 NC-6", "this client cannot cancel a stream")
NO_UPLOAD_RESULT = ("TS-18 TS-19 NC-9", "an upload of this client has no invocation id, and so no result; what its hub read is looked at by itself")


class Failed(Exception):
    """What the server said that went wrong."""


class SignalrCore:
    """`signalrcore`: threads and callbacks."""

    NAME = "signalrcore"
    WIRES = [("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json")]
    NOT_APPLICABLE = [
        ("CR-1 CR-2 TS-20 TS-21 TS-22", "this client drops what its handlers return"),
        NO_CANCEL,
        NO_UPLOAD_RESULT,
    ]

    @staticmethod
    def can(transport, protocol):
        # What it sends of an upload in MessagePack lacks the invocation id, and the completion its kind.
        # It does not come back when a poll is cut.
        return {"stop"} | ({"reconnect"} if transport != "LongPolling" else set()) | ({"uploads"} if protocol == "json" else set())

    def __init__(self, url, transport, protocol, token=None, headers=None):
        options = {"transport": HttpTransportType(transport), "headers": dict(headers or {})}
        if token:
            options["access_token_factory"] = lambda: token
        builder = HubConnectionBuilder().with_url(url, options=options)
        builder.with_hub_protocol(HubProtocolEncoding.text if protocol == "json" else HubProtocolEncoding.binary)
        builder.with_automatic_reconnect({"type": "raw", "keep_alive_interval": 1, "reconnect_interval": 0.1})
        self.connection = builder.build()
        self.waiting = {}
        self.opened, self.closed, self.again = Heard(), Heard(), Heard()
        self.connection.on_open(self.opened)
        self.connection.on_close(self.closed)
        self.connection.on_reconnect(self.again)
        self.connection.on_error(self.completed)

    def start(self):
        self.connection.start()
        self.opened.next("the connection does not open")

    def completed(self, message):
        if heard := self.waiting.get(message.invocation_id):
            heard(message)

    def wait(self, id_):
        try:
            message = self.waiting[id_].next("no answer came")
        finally:
            del self.waiting[id_]
        if message.error:
            raise Failed(message.error)
        return message.result

    def invoke(self, method, *arguments, id_=None):
        id_ = id_ or str(uuid.uuid4())
        self.waiting[id_] = Heard()
        self.connection.invoke(method, list(arguments), on_invocation=self.completed, invocation_id=id_)
        return self.wait(id_)

    def send(self, method, *arguments):
        self.connection.send(method, list(arguments))

    def stream(self, method, *arguments):
        # Its own `stream` sends before anybody can subscribe, and loses what comes in between.
        items, id_ = [], str(uuid.uuid4())
        stream = StreamHandler(method, id_)
        self.waiting[id_] = Heard()
        stream.subscribe({"next": items.append, "complete": self.completed, "error": self.completed})
        self.connection.stream_handlers[id_].append(stream)
        self.connection.transport.send(StreamInvocationMessage(id_, method, list(arguments), headers={}))
        self.wait(id_)
        return items

    def upload(self, method, items):
        subject = Subject()
        self.connection.send(method, subject)
        for item in items:
            subject.next(item)
        subject.complete()

    def on(self, method, handler):
        self.connection.on(method, handler)

    def stop(self):
        self.connection.stop()


class PySignalr:
    """`pysignalr`: WebSockets under asyncio, here with a loop of its own."""

    NAME = "pysignalr"
    WIRES = [("WebSockets", "json"), ("WebSockets", "messagepack")]
    NOT_APPLICABLE = [
        NO_CANCEL,
        NO_UPLOAD_RESULT,
        ("TS-13 TS-17 NC-2", "this client has no stop; it reconnects until its task is cancelled"),
    ]

    @staticmethod
    def can(_transport, _protocol):
        return {"results", "reconnect", "uploads"}

    def __init__(self, url, _transport, protocol, token=None, headers=None):
        self.loop = asyncio.new_event_loop()
        self.opened, self.closed, self.again = Heard(), Heard(), Heard()
        self.was_open = False
        headers = dict(headers or {})
        if token:
            # Its token factory is asked behind the upgrade, which needs the token already.
            headers["Authorization"] = f"Bearer {token}"
        self.client = SignalRClient(
            url,
            protocol=JSONProtocol() if protocol == "json" else MessagepackProtocol(),
            headers=headers,
            connection_timeout=10,
            retry_sleep=0.1,
            retry_count=3,
        )
        self.client.on_open(self.on_open)
        self.client.on_close(self.on_close)
        self.client.on_error(self.ignore)
        self.task = None

    async def ignore(self, _message):
        """Every call has a callback of its own, which is told of failures too."""

    async def on_open(self):
        (self.again if self.was_open else self.opened)()
        self.was_open = True

    async def on_close(self):
        self.closed()

    def start(self):
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.task = asyncio.run_coroutine_threadsafe(self.client.run(), self.loop)
        self.task.add_done_callback(self.ended)
        problem = self.opened.next("the connection does not open")
        if problem:
            raise Failed(problem)

    def ended(self, task):
        if not task.cancelled() and (error := task.exception()):
            self.opened(f"{type(error).__name__}: {error}; {error.__cause__!r}")

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    @staticmethod
    def result(message):
        if message.error:
            raise Failed(message.error)
        return message.result

    def invoke(self, method, *arguments):
        heard = Heard()

        async def completed(message):
            heard(message)

        self.run(self.client.send(method, list(arguments), completed))
        return self.result(heard.next("no answer came"))

    def send(self, method, *arguments):
        self.run(self.client.send(method, list(arguments)))

    def stream(self, method, *arguments):
        items, heard = [], Heard()

        async def item(value):
            items.append(value)

        async def completed(message):
            heard(message)

        self.run(self.client.stream(method, list(arguments), item, completed, completed))
        self.result(heard.next("the stream does not end"))
        return items

    def upload(self, method, items):
        async def give():
            async with self.client.client_stream(method) as stream:
                for item in items:
                    await stream.send(item)

        self.run(give())

    def on(self, method, handler):
        async def called(arguments):
            return handler(arguments)

        self.client.on(method, called)

    def stop(self):
        if self.task:
            self.task.cancel()
        self.loop.call_soon_threadsafe(self.loop.stop)


CLIENTS = [SignalrCore, PySignalr]
