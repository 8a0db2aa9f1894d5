"""The real binary as a child process, tokens for it, and a way to cut its connections."""

import base64
import hashlib
import hmac
import json
import os
import queue
import re
import socket
import subprocess
import threading
import time
import urllib.request

SECRET = "a key for tests alone, of more than 32 bytes"
START_LIMIT_S = 30
STOP_LIMIT_S = 10


class Server:
    """Started with free ports, and ended by its process id."""

    def __init__(self, binary):
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment |= {"HUBPLANE_AUTH__KEYS__TEST": SECRET, "HUBPLANE_LOG__FILTER": "error"}
        arguments = [binary, "dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        self.process = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
        self.url = self.find()

    def find(self):
        found = queue.Queue()

        def read():
            for line in self.process.stdout:
                if match := re.search(r"open\s+(http:\S+?)/?$", line.strip()):
                    found.put(match[1])

        threading.Thread(target=read, daemon=True).start()
        return found.get(timeout=START_LIMIT_S)

    def request(self, method, path):
        request = urllib.request.Request(self.url + path, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=10).read().decode()

    def offers(self, transport):
        """Whether negotiation offers a transport."""
        answer = json.loads(self.request("POST", "/testhub/negotiate?negotiateVersion=1"))
        return transport in [offer["transport"] for offer in answer["availableTransports"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()


def token(user):
    """An HS256 token whose subject is the user."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    head, claims = {"alg": "HS256", "typ": "JWT"}, {"sub": user, "exp": int(time.time()) + 600}
    signed = b".".join(part(json.dumps(value).encode()) for value in (head, claims))
    return (signed + b"." + part(hmac.digest(SECRET.encode(), signed, hashlib.sha256))).decode()


class Line:
    """A way to the server that can be cut."""

    def __init__(self, server):
        host, port = server.url.removeprefix("http://").split(":")
        self.server = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            self.sockets += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """Every connection ends without a word; new ones are possible."""
        sockets, self.sockets = self.sockets, []
        for end in sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        self.cut()
