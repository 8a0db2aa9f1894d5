#!/usr/bin/env python3
"""Records Hubplane as the real server was recorded, and compares the two. See README.md."""

import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import time

from compare import Accepted, compare

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "record"))
from record import TOPICS  # noqa: E402

# Recorded side by side, each with servers of its own: most of a topic's time is waiting.
AT_ONCE = 8

# They take most of the time, and are recorded on request: --slow.
SLOW = set()


def record(command, out, topic):
    """Records one topic; what the recorder said, if it failed."""
    arguments = [sys.executable, HERE / "record/record.py", "--out", out, "--server", command, topic]
    began = time.monotonic()
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    print(f"  recorded {topic} in {time.monotonic() - began:.0f} s", flush=True)
    return done.stdout if done.returncode else None


def record_all(command, out, topics):
    """Records topics into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    # The recorder takes some moments for each case, so that the largest are begun first.
    size = lambda topic: -(HERE / f"recordings/{topic}.txt").stat().st_size  # noqa: E731
    failures = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {pool.submit(record, command, out, topic): topic for topic in sorted(topics, key=size)}
        for done in concurrent.futures.as_completed(waiting):
            if said := done.result():
                failures[waiting[done]] = said
    return failures


def report(outcomes):
    """A line per topic, then what has no reason."""
    print(f"\n{'topic':<28}{'compared':>9}{'equal':>7}{'accepted':>9}{'open':>6}{'not served':>12}")
    rows = [(o.topic, o.compared, o.equal, len(o.accepted), len(o.different), len(o.not_served)) for o in outcomes]
    rows.append(("all", *(sum(column) for column in list(zip(*rows))[1:])))
    for topic, *numbers in rows:
        print(f"{topic:<28}{numbers[0]:>9}{numbers[1]:>7}{numbers[2]:>9}{numbers[3]:>6}{numbers[4]:>12}")
    for outcome in outcomes:
        if outcome.reasons:
            print(f"\n{outcome.topic} differs where")
            for reason in sorted(outcome.reasons):
                print(f"  - {reason}")
    for outcome in outcomes:
        for title, hunks in outcome.different:
            print(f"\nNOT LISTED: {outcome.topic}: {title}")
            for theirs, ours in hunks:
                for sign, lines in (("-", theirs), ("+", ours)):
                    for line in lines:
                        print(f"  {sign} {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", help="all of them when none is named")
    parser.add_argument("--server", help="command that starts Hubplane's reference hubs; --urls is appended")
    parser.add_argument("--recorded", type=pathlib.Path, help="folder with recordings of Hubplane that are compared instead")
    parser.add_argument("--against", help="command that starts the real server, recorded anew instead of the recordings")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for what is recorded")
    parser.add_argument("--slow", action="store_true", help="the slow topics too")
    options = parser.parse_args()
    topics = options.topics or [topic for topic in TOPICS if options.slow or topic not in SLOW]
    for topic in topics:
        if topic not in TOPICS:
            sys.exit(f"no topic is named {topic}; there are {', '.join(TOPICS)}")

    theirs, failures = HERE / "recordings", {}
    if options.against:
        theirs = options.out / "theirs"
        failures |= record_all(options.against, theirs, topics)
    ours = options.recorded or options.out / "ours"
    if not options.recorded:
        failures |= record_all(options.server, ours, topics)

    accepted = Accepted((HERE / "differences.toml").read_text())
    outcomes = []
    for topic in sorted(topics):
        texts = ((folder / f"{topic}.txt").read_text() for folder in (theirs, ours))
        outcomes.append(compare(topic, *texts, accepted))
    report(outcomes)
    stale = accepted.stale(set(topics))
    for problem in stale:
        print(f"\nSTALE: {problem}")
    for topic, said in failures.items():
        print(f"\nTHE RECORDER FAILED: {topic}\n{said}")
    opened = sum(len(outcome.different) for outcome in outcomes)
    print(f"\n{opened} cases differ without a reason, {len(stale)} reasons are stale")
    sys.exit(bool(opened or stale))


if __name__ == "__main__":
    main()
