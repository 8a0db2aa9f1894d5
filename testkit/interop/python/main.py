"""The Python clients against the running product. Ends with the line "N passed, N failed"; exit code 1 if any failed."""

import argparse
import logging
import os
import sys

from clients import CLIENTS
from harness import Harness, Rows
from scenarios import NOT_APPLICABLE, SCENARIOS
from server import Server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", help="path to the hubplane binary")
    parser.add_argument("--only", default="", help="tests whose title has this text")
    parser.add_argument("--rows", help="file for what became of each row of the conformance tables")
    options = parser.parse_args()
    # What the clients find remarkable is what the tests are about.
    logging.disable(logging.CRITICAL)
    rows = Rows()
    with Server(options.binary) as server:
        harness = Harness(server, rows, options.only)
        for client in CLIENTS:
            for transport, protocol in client.WIRES:
                if not server.offers(transport):
                    continue
                for scenario in SCENARIOS:
                    harness.test(client, transport, protocol, scenario)
                for names, why in NOT_APPLICABLE + client.NOT_APPLICABLE:
                    for row in names.split():
                        rows.add(row, client.NAME, transport, protocol, "n/a", why)
    rows.write(options.rows)
    print(f"{harness.passed} passed, {harness.failed} failed", flush=True)
    # Threads of the clients would keep the process.
    sys.stdout.flush()
    os._exit(1 if harness.failed else 0)


if __name__ == "__main__":
    main()
