"""Runs tests one after the other, each under a deadline, and keeps what became of the conformance tables' rows."""

import json
import queue
import threading
import uuid

from server import Line

TEST_LIMIT_S = 30
WAIT_S = 10
WORST = ["n/a", "passed", "failed"]


class Heard:
    """What came, in order, to be waited for."""

    def __init__(self):
        self.queue = queue.Queue()

    def __call__(self, value=None):
        self.queue.put(value)

    def next(self, what="nothing came"):
        try:
            return self.queue.get(timeout=WAIT_S)
        except queue.Empty:
            raise AssertionError(what) from None

    @property
    def silent(self):
        return self.queue.empty()


def same(actual, expected):
    assert actual == expected, f"got {actual!r:.300}, expected {expected!r:.300}"


class Given:
    """What a test is given: connections of its client, stopped when it ends."""

    def __init__(self, server, client, transport, protocol):
        self.server, self.client, self.transport, self.protocol = server, client, transport, protocol
        self.opened, self.lines = [], []

    def open(self, path="/hubs/conformance", url=None, **options):
        """A connection that is started."""
        connection = self.client((url or self.server.url) + path, self.transport, self.protocol, **options)
        self.opened.append(connection)
        connection.start()
        return connection

    def line(self):
        line = Line(self.server)
        self.lines.append(line)
        return line

    def unique(self):
        return str(uuid.uuid4())

    def close(self):
        for connection in self.opened:
            connection.stop()
        for line in self.lines:
            line.close()


class Rows:
    """What became of each row; of several tests that show one, the worst counts."""

    def __init__(self):
        self.kept = {}

    def add(self, row, client, transport, protocol, result, why=""):
        place = {"row": row, "client": client, "transport": transport, "protocol": protocol, "scheme": "http"}
        key = tuple(place.values())
        before = self.kept.get(key)
        if before is None or WORST.index(before["result"]) < WORST.index(result):
            self.kept[key] = place | {"result": result} | ({"why": why} if why else {})

    def write(self, path):
        lines = [json.dumps(self.kept[key], separators=(",", ":")) for key in sorted(self.kept)]
        for line in lines:
            print(f"@row {line}")
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)


class Harness:
    def __init__(self, server, rows, only):
        self.server, self.rows, self.only = server, rows, only
        self.passed = self.failed = 0

    def test(self, client, transport, protocol, scenario):
        title = f"{client.NAME}, {transport}, {protocol}: {scenario.__doc__}"
        if self.only not in title or scenario.needs - client.can(transport, protocol):
            return
        problem = self.problem(client, transport, protocol, scenario)
        if problem:
            self.failed += 1
            print(f"FAILED  {title}\n        {problem}", flush=True)
        else:
            self.passed += 1
            print(f"ok      {title}", flush=True)
        for row in scenario.shows:
            self.rows.add(row, client.NAME, transport, protocol, "failed" if problem else "passed", problem)

    def problem(self, client, transport, protocol, scenario):
        outcome = Heard()

        def run():
            given = Given(self.server, client, transport, protocol)
            try:
                scenario(given)
                outcome("")
            except Exception as error:  # whatever a client throws is what went wrong
                outcome(f"{type(error).__name__}: {error}")
            finally:
                given.close()

        threading.Thread(target=run, daemon=True).start()
        try:
            return outcome.queue.get(timeout=TEST_LIMIT_S)
        except queue.Empty:
            return f"the test took longer than {TEST_LIMIT_S} s"
