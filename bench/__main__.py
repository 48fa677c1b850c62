"""`python -m bench`: seed, start, compare, measure, report."""

import argparse
import shlex
import shutil
import sys

from bench.data import filled
from bench.large_answer import measure_large
from bench.measure import measure
from bench.peers import peer_servers
from bench.report import report, write
from bench.servers import OWN_SERVERS, Server

QUERIES = ("list", "deep", "detail", "grouped", "lagriffe")
LARGE = "large"


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", default=",".join((*QUERIES, LARGE)), help="what to measure, separated by commas"
    )
    parser.add_argument(
        "--servers", default="", help="names of servers, separated by commas; all when left out"
    )
    parser.add_argument("--rounds", type=int, default=7, help="blocks per server and query")
    parser.add_argument("--seconds", type=int, default=4, help="length of a block")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds before each block that do not count")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk was not found: it is the Debian package `wrk`.")
    asked = given.only.split(",")
    if unknown := set(asked) - {*QUERIES, LARGE}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join((*QUERIES, LARGE))}")
    queries = [query for query in QUERIES if query in asked]
    servers = _chosen(given.servers.split(",")) if given.servers else [*OWN_SERVERS, *peer_servers()]
    for server in servers:
        if server.missing:
            print(f"{server.title} is left out: {server.missing}")
    present = [server for server in servers if not server.missing]
    with filled() as data:
        found = measure(
            data, present, queries, rounds=given.rounds, seconds=given.seconds, warm_up_s=given.warm_up
        )
        shown = report(found, present)
        if LARGE in asked:
            shown += f"\n\n## A large answer\n\n{measure_large(data)[0]}"
        print(shown)
        if given.write:
            command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
            write(shown, data, servers, command=command, rounds=given.rounds, seconds=given.seconds)


def _chosen(names: list[str]) -> list[Server]:
    """The servers of these names, and the gateway: it is what the others are compared with."""
    own = [server for server in OWN_SERVERS if server.name in names or server is OWN_SERVERS[0]]
    # Peers are installed when they are asked for.
    peers = peer_servers() if set(names) - {server.name for server in own} else []
    found = [*own, *(server for server in peers if server.name in names)]
    if unknown := set(names) - {server.name for server in found}:
        known = ", ".join(server.name for server in (*OWN_SERVERS, *peers))
        raise SystemExit(f"There is no server {', '.join(sorted(unknown))}; there are {known}.")
    return found


if __name__ == "__main__":
    main()
