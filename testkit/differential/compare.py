"""Compares two recordings of a topic, case by case, and judges what differs by the list of accepted differences."""

import difflib
import re
import tomllib
from dataclasses import dataclass, field


# --- Cases -----------------------------------------------------------------------------------------------------------

def cases(text):
    """The cases of a recording by their titles; a title that comes again gets a number."""
    found, title = {}, None
    for line in text.splitlines():
        if line.startswith("## "):
            title, count = line[3:], 2
            while title in found:
                title = f"{line[3:]} ({count})"
                count += 1
            found[title] = []
        elif title is not None:
            found[title].append(line)
    return found


# --- What is not compared --------------------------------------------------------------------------------------------

# How a body is delimited, and what the server calls itself, are the server's own. Bodies are compared.
OWN_HEADERS = {"server", "transfer-encoding", "content-length"}


def normal(lines):
    """The lines without what differs from server to server, or from run to run, and means nothing."""
    out, at = [], 0
    lines = [line.rstrip() for line in lines]
    while at < len(lines):
        line = lines[at]
        at += 1
        status = re.fullmatch(r"S: HTTP/1\.1 (\d{3}).*", line)
        if not status:
            out.append(numbered(line))
            continue
        out.append(f"S: HTTP/1.1 {status[1]}")
        headers = []
        while at < len(lines) and lines[at].startswith("   "):
            name, _, value = lines[at].strip().partition(": ")
            name = name.rstrip(":").lower()
            if name == "sec-websocket-accept":
                value = "<...>"
            if name not in OWN_HEADERS:
                headers.append(f"   {name}: {value}")
            at += 1
        out += sorted(headers)
    while out and not out[-1]:
        out.pop()
    return out


def numbered(line):
    """The server numbers what it asks, throughout its life; in MessagePack the number changes lengths too."""
    line = re.sub(r'"s\d+"', '"s<n>"', line)
    binary = re.fullmatch(r'([CS] binary: )[0-9a-f .]+(   .*"s<n>".*)', line)
    return binary[1] + "..." + binary[2] if binary else line


# --- Accepted differences --------------------------------------------------------------------------------------------

def glob(pattern):
    """A matcher of whole texts in which `*` is anything and all else is itself."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


@dataclass
class Entry:
    """One accepted difference: where it may be, what it looks like, how often it occurs, and why it is right. One that
    occurs by chance, because it depends on when something happens, may also be missing."""
    reason: str
    topics: list
    cases: list = field(default_factory=lambda: ["*"])
    theirs: str = "*"
    ours: str = "*"
    times: int = 1
    by_chance: bool = False
    seen: int = 0

    def __post_init__(self):
        if not self.reason or not self.topics or self.theirs == self.ours == "*":
            raise ValueError(f"an accepted difference needs topics, a matcher and a reason: {self}")
        self.matchers = [glob(self.theirs), glob(self.ours)]

    def covers(self, topic, case, theirs, ours):
        there = topic in self.topics and any(glob(pattern).fullmatch(case) for pattern in self.cases)
        texts = ("\n".join(theirs), "\n".join(ours))
        return there and all(matcher.fullmatch(text) for matcher, text in zip(self.matchers, texts))


@dataclass
class Whole:
    """Cases that are treated as a whole: not served, or of messages that are independent of each other."""
    reason: str
    topics: list
    cases: list = field(default_factory=lambda: ["*"])
    seen: int = 0

    def covers(self, topic, case):
        return topic in self.topics and any(glob(pattern).fullmatch(case) for pattern in self.cases)


class Accepted:
    """What `differences.toml` says."""

    def __init__(self, text):
        data = tomllib.loads(text)
        unknown = set(data) - {"difference", "unordered", "not_served"}
        if unknown:
            raise ValueError(f"unknown: {unknown}")
        self.differences = [Entry(**entry) for entry in data.get("difference", [])]
        self.unordered = [Whole(**entry) for entry in data.get("unordered", [])]
        self.not_served = [Whole(**entry) for entry in data.get("not_served", [])]

    def stale(self, topics):
        """What is listed for these topics and did not occur so often as it says."""
        problems = []
        for entry in self.differences:
            if set(entry.topics) <= topics and entry.seen != entry.times and not entry.by_chance:
                problems.append(f"listed {entry.times} times and found {entry.seen} times: {entry.reason}\n"
                                f"    ({', '.join(entry.topics)}; {', '.join(entry.cases)}; theirs {entry.theirs!r}, ours {entry.ours!r})")
        for entry in [*self.unordered, *self.not_served]:
            if set(entry.topics) <= topics and not entry.seen:
                problems.append(f"listed and not found: {entry.reason} ({', '.join(entry.topics)}; {', '.join(entry.cases)})")
        return problems


# --- Comparing -------------------------------------------------------------------------------------------------------

@dataclass
class Outcome:
    """What became of a topic's cases."""
    topic: str
    equal: int = 0
    accepted: list = field(default_factory=list)
    not_served: list = field(default_factory=list)
    different: list = field(default_factory=list)
    reasons: set = field(default_factory=set)

    @property
    def compared(self):
        return self.equal + len(self.accepted) + len(self.different)


def hunks(theirs, ours):
    """The lines that differ, as pairs of what one has in place of what the other has."""
    matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    return [(theirs[a:b], ours[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]


def compare(topic, theirs, ours, accepted):
    """Compares a topic. Cases that differ without a reason are in `different`, with the hunks that nothing covers."""
    outcome = Outcome(topic)
    theirs, ours = cases(theirs), cases(ours)
    for title in [*theirs, *(title for title in ours if title not in theirs)]:
        one, two = normal(theirs.get(title, ["(no such case)"])), normal(ours.get(title, ["(no such case)"]))
        skipped = next((entry for entry in accepted.not_served if entry.covers(topic, title)), None)
        if skipped:
            # What is served after all has no place in the list.
            skipped.seen += one != two
            outcome.not_served.append(title)
            continue
        for entry in accepted.unordered:
            if entry.covers(topic, title):
                entry.seen += 1
                one, two = sorted(one), sorted(two)
        open_, reasons = [], set()
        for hunk in hunks(one, two):
            entry = next((entry for entry in accepted.differences if entry.covers(topic, title, *hunk)), None)
            if entry:
                entry.seen += 1
                reasons.add(entry.reason)
            else:
                open_.append(hunk)
        outcome.reasons |= reasons
        if open_:
            outcome.different.append((title, open_))
        elif reasons:
            outcome.accepted.append(title)
        else:
            outcome.equal += 1
    return outcome
