"""Writes what was sent and what came back, with everything that changes from run to run replaced by a name."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import urllib.parse

from wire import (RS, Raw, Stream, WebSocket, body, framed, frames, head, hexes, is_date, pack, request_text, shorten, unpack, visible,
                  websocket_key)

NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


class Server:
    """One running server: started here from a command, or already running elsewhere."""

    def __init__(self, command=None, settings=None, port=None):
        self.process = None
        self.port = port
        # Another program may take the port before the server does.
        for _ in range(5 if command else 0):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            env = {**os.environ, **{f"Oracle__{key}": str(value) for key, value in (settings or {}).items()}}
            self.process = subprocess.Popen([*command, "--urls", f"http://127.0.0.1:{self.port}"], env=env,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.answers():
                return

    def answers(self):
        """Waits until it accepts connections; false when it ends instead."""
        for _ in range(300):
            if self.process.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self.process.poll() is None
            except OSError:
                time.sleep(0.1)
        return False

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            self.process.wait(60)


class Recorder:
    def __init__(self, folder, topic, title, server):
        self.path = os.path.join(folder, f"{topic}.txt")
        self.lines = [title, ""]
        self.server = server
        self.names = {}
        self.closers = []
        self.muted = 0

    @property
    def port(self):
        return self.server.port

    # --- Writing ---

    def case(self, name, claim=None):
        self.finish_case()
        self.lines += ["", f"## {name}"]
        if claim:
            self.lines.append(f"# {claim}")
        self.names = {}

    def finish_case(self):
        for closer in self.closers:
            closer()
        self.closers = []

    def note(self, text):
        self.line(f"# {text}")

    def line(self, text):
        if not self.muted:
            self.lines.append(self.normal(text))

    def normal(self, text):
        for value, name in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, name)
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:<port>", text)
        text = re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", "<jwt>", text)
        text = re.sub(r"^(\s*Sec-WebSocket-(Accept|Key)): .*", r"\1: <...>", text)
        return text

    def save(self):
        self.finish_case()
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines).rstrip() + "\n")
        print(f"{self.path}: {sum(line.startswith('## ') for line in self.lines)} cases", flush=True)

    def learn(self, value, name):
        if value:
            count = sum(1 for known in self.names.values() if known.startswith(name))
            self.names.setdefault(value, f"<{name}>" if count == 0 else f"<{name}{count + 1}>")

    def quiet(self):
        recorder = self

        class Quiet:
            def __enter__(self):
                recorder.muted += 1

            def __exit__(self, *_):
                recorder.muted -= 1
        return Quiet()

    # --- HTTP ---

    def show_response(self, response, payload=b"", cookies=False, head_only=False):
        self.line(f"S: HTTP/1.1 {response.status} {response.reason}")
        for key, value in response.headers:
            if key.lower() == "set-cookie" and not cookies:
                continue
            if is_date(value) and key.lower() == "date":
                value = "<date>"
            value = re.sub(r"expires=[^;]+ GMT", "expires=<date>", value)
            self.line(f"   {key}: {value}")
        if payload:
            self.line("")
            self.line("   " + self.payload(payload))

    def payload(self, data):
        try:
            return shorten(visible(data.decode("utf-8")))
        except UnicodeDecodeError:
            return shorten(hexes(data), 600)

    def http(self, method, target, headers=(), payload=None, cookies=False, timeout=20, stream=None, show=True):
        stream = stream or self.stream()
        self.show_request(method, target, headers, payload, show)
        stream.send(request_text(method, target, headers, payload, self.port))
        return self.answer(stream, method, cookies, timeout, show)

    def show_request(self, method, target, headers=(), payload=None, show=True):
        if show:
            self.line(f"C: {method} {target} HTTP/1.1")
            for key, value in headers:
                self.line(f"   {key}: {value}")
            if payload:
                self.line("")
                self.line("   " + self.payload(payload))

    def answer(self, stream, method="GET", cookies=False, timeout=20, show=True):
        try:
            response = head(stream, timeout)
            response.body = body(stream, response, method, timeout)
        except (EOFError, ConnectionResetError):
            self.line("S: (connection closed without a response)")
            return None
        except TimeoutError:
            self.line("S: (no response)")
            return None
        try:
            reply = json.loads(response.body)
            if isinstance(reply, dict):
                self.learn(reply.get("connectionId"), "connectionId")
                self.learn(reply.get("connectionToken"), "token")
        except (ValueError, UnicodeDecodeError):
            pass
        if show:
            self.show_response(response, response.body, cookies)
        return response

    def start(self, method, target, headers=(), payload=None, show=True):
        """Sends a request and leaves the response for `answer`."""
        stream = self.stream()
        self.show_request(method, target, headers, payload, show)
        stream.send(request_text(method, target, headers, payload, self.port))
        return stream

    def stream(self):
        stream = Stream(self.port)
        self.closers.append(stream.close)
        return stream

    def negotiate(self, path, query="negotiateVersion=1", headers=(), show=False):
        """The id for later requests."""
        response = self.http("POST", f"{path}/negotiate" + (f"?{query}" if query else ""), headers, show=show)
        reply = json.loads(response.body)
        return reply.get("connectionToken") or reply.get("connectionId")

    def connection_id(self, token_name="<token>"):
        return next(value for value, name in self.names.items() if name == "<connectionId>")

    # --- WebSockets ---

    def ws(self, target, headers=(), show=True, extra=()):
        stream = self.stream()
        fixed = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                 ("Sec-WebSocket-Key", websocket_key())]
        self.show_request("GET", target, [("Upgrade", "websocket"), *headers], None, show)
        stream.send(request_text("GET", target, [*fixed, *headers], None, self.port))
        response = head(stream)
        if response.status != 101:
            response.body = body(stream, response)
        if show:
            self.show_response(response, response.body)
        return Socket(self, stream) if response.status == 101 else None

    def hub(self, path="/hubs/conformance", protocol="json", version=1, headers=(), query="", stateful=False, show=False):
        """A negotiated WebSocket with the handshake done."""
        extra = "&useStatefulReconnect=true" if stateful else ""
        token = self.negotiate(path, f"negotiateVersion=1{extra}{query}", headers)
        with self.quiet():
            socket_ = self.ws(f"{path}?id={token}{query}", headers)
            socket_.token, socket_.path = token, path
            socket_.text(json.dumps({"protocol": protocol, "version": version}, separators=(",", ":")) + RS)
            socket_.get()
        socket_.binary_protocol = protocol == "messagepack"
        return socket_

    # --- Long polling ---

    def polling(self, path="/hubs/conformance", protocol="json", headers=()):
        token = self.negotiate(path, headers=headers)
        with self.quiet():
            self.http("GET", f"{path}?id={token}", headers)
            self.http("POST", f"{path}?id={token}", headers, (json.dumps({"protocol": protocol, "version": 1}) + RS).encode())
            self.http("GET", f"{path}?id={token}", headers)
        return token

    # --- Server-sent events ---

    def sse(self, target, headers=(), show=True):
        all_headers = [("Accept", "text/event-stream"), *headers]
        stream = self.start("GET", target, all_headers, show=show)
        response = head(stream)
        if response.status != 200:
            response.body = body(stream, response)
        if show:
            self.show_response(response, response.body)
        return Events(self, stream, response)


class Events:
    def __init__(self, recorder, stream, response):
        self.recorder, self.stream, self.status = recorder, stream, response.status
        self.text = b""

    def chunk(self, timeout=5):
        """One HTTP chunk."""
        size = int(self.stream.until(b"\r\n", timeout).strip(), 16)
        data = self.stream.exactly(size)
        self.stream.exactly(2)
        return data

    def get(self, timeout=5):
        """One event with its closing blank line, or one comment line."""
        while not (b"\r\n\r\n" in self.text or self.text.startswith(b":") and b"\r\n" in self.text):
            try:
                data = self.chunk(timeout)
            except TimeoutError:
                self.recorder.line("S: (nothing)")
                return None
            except (EOFError, ConnectionResetError):
                self.recorder.line("S: (connection lost)")
                return None
            if not data:
                self.recorder.line("S: (end of response)")
                return b""
            self.text += data
        mark = b"\r\n" if self.text.startswith(b":") else b"\r\n\r\n"
        event, self.text = self.text.split(mark, 1)
        self.recorder.line("S sse: " + shorten(visible((event + mark).decode("utf-8"))))
        return event + mark


class Socket(WebSocket):
    """A WebSocket that writes down both directions. Hub messages that share a frame get a line each."""

    def __init__(self, recorder, stream):
        super().__init__(stream)
        self.recorder = recorder
        self.binary_protocol = False
        self.show_frames = False
        self.pending = []

    # Sending.

    def frame(self, opcode, payload=b"", **options):
        try:
            super().frame(opcode, payload, **options)
        except OSError:
            self.recorder.line("# not sent: the connection is gone")

    def text(self, text, **options):
        self.recorder.line(f"C text: {shorten(visible(text))}")
        self.frame(1, text.encode("utf-8", "surrogatepass"), **options)

    def json(self, message, rs=True, **options):
        text = message if isinstance(message, str) else json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        self.text(text + (RS if rs else ""), **options)

    def binary(self, data, comment=""):
        self.recorder.line(f"C binary: {shorten(hexes(data), 600)}{'   ' + comment if comment else ''}")
        self.frame(2, data)

    def pack(self, message):
        data = framed(pack(message))
        self.recorder.line(f"C binary: {shorten(hexes(data), 600)}   {shorten(show_value(message))}")
        self.frame(2, data)

    def control(self, opcode, payload=b""):
        self.recorder.line(f"C {NAMES[opcode]}: {close_text(payload) if opcode == 8 else visible(payload.decode('latin-1'))}")
        self.frame(opcode, payload)

    def call(self, target, *arguments, id="1", **extra):
        if self.binary_protocol:
            self.pack([1, {}, id, target, list(arguments), extra.get("streamIds", [])])
        else:
            message = {"type": 1, "target": target, "arguments": list(arguments), **extra}
            if id is not None:
                message["invocationId"] = id
            self.json(message)

    def stream_call(self, target, *arguments, id="1", **extra):
        if self.binary_protocol:
            self.pack([4, {}, id, target, list(arguments), extra.get("streamIds", [])])
        else:
            self.json({"type": 4, "target": target, "arguments": list(arguments), "invocationId": id, **extra})

    # Receiving.

    def message(self, timeout=10, skip_pings=True):
        """Opcode and payload of a whole message, or ('nothing' | 'end', b'')."""
        parts, kind = [], None
        while True:
            try:
                opcode, fin, data = self.next(timeout)
            except TimeoutError:
                return "nothing", b""
            except (EOFError, ConnectionResetError):
                return "end", b""
            if opcode >= 8:
                return NAMES[opcode], data
            kind = kind or NAMES[opcode]
            parts.append(data)
            if fin:
                return kind, b"".join(parts)

    def get(self, timeout=10, pings=False):
        """The next hub message, or control frame, or the end; written down and returned as (kind, payload)."""
        deadline = time.monotonic() + timeout
        if not self.pending:
            kind, data = self.message(timeout)
            if kind == "text" and not self.show_frames:
                pieces = data.decode("utf-8").split(RS)
                self.pending = [("text", piece + RS) for piece in pieces[:-1]] + ([("text", pieces[-1])] if pieces[-1] else [])
            elif kind == "text":
                self.pending = [("text", data.decode("utf-8"))]
            elif kind == "binary" and self.binary_protocol and not self.show_frames:
                self.pending = [("binary", prefix + body_) for prefix, body_ in frames(data)]
            else:
                self.pending = [(kind, data)]
        kind, data = self.pending.pop(0)
        if not pings and data in ('{"type":6}' + RS, b"\x02\x91\x06"):
            return self.get(max(deadline - time.monotonic(), 0.01))
        self.show(kind, data)
        return kind, data

    def show(self, kind, data):
        line = self.recorder.line
        if kind == "nothing":
            line("S: (nothing)")
        elif kind == "end":
            line("S: (end of TCP stream)")
        elif kind == "text":
            line(f"S text: {shorten(visible(data))}")
        elif kind == "close":
            line(f"S close: {close_text(data)}")
        elif kind == "binary":
            shown = ""
            if self.binary_protocol:
                try:
                    shown = "   " + " ".join(shorten(show_value(unpack(body_)[0])) for _, body_ in frames(data))
                except (ValueError, IndexError):
                    pass
            line(f"S binary: {shorten(hexes(data), 600)}{shown}")
        else:
            line(f"S {kind}: {visible(data.decode('latin-1'))}")

    def drain(self, limit=50, timeout=10):
        """Everything up to the end."""
        for _ in range(limit):
            kind, data = self.get(timeout)
            if kind in ("end", "nothing"):
                return
            if kind == "close":
                try:
                    self.frame(8, data[:2])
                except OSError:
                    pass

    def silence(self, seconds=0.3):
        """States that nothing comes."""
        kind, data = self.get(seconds)
        return kind == "nothing"

    def alive(self, timeout=10):
        """Shows whether the connection still works, by an invocation."""
        self.call("Echo", "alive", id="alive")
        return self.get(timeout)

    def close(self, abort=False):
        self.recorder.line("C: (TCP reset)" if abort else "C: (TCP closed without a close frame)")
        self.stream.close(abort)


def close_text(payload):
    if not payload:
        return "(no status)"
    return f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode('utf-8', 'replace')!r}"


def show_value(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(show_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show_value(key)}: {show_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Raw):
        return show_value(unpack(value.data)[0]) if len(value.data) < 100 else "..."
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray)):
        return f"bin({value.hex()})"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
