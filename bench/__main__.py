"""`python -m bench`: seed, start, compare, measure, report."""

import argparse
import shlex
import shutil
import sys

from bench.data import filled
from bench.measure import measure
from bench.peers import peer_servers
from bench.report import report, write
from bench.servers import OWN_SERVERS

QUERIES = ("list", "deep", "detail", "grouped", "lagriffe")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default=",".join(QUERIES), help="queries, separated by commas")
    parser.add_argument("--servers", default="", help="names of servers; all when left out")
    parser.add_argument("--rounds", type=int, default=7, help="blocks per server and query")
    parser.add_argument("--seconds", type=int, default=4, help="length of a block")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds before each block that do not count")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk was not found: it is the Debian package `wrk`.")
    queries = given.only.split(",")
    if unknown := set(queries) - set(QUERIES):
        parser.error(f"there is no query {', '.join(sorted(unknown))}; there are {', '.join(QUERIES)}")
    servers = [*OWN_SERVERS, *peer_servers()]
    if given.servers:
        names = given.servers.split(",")
        if unknown := set(names) - {server.name for server in servers}:
            parser.error(f"there is no server {', '.join(sorted(unknown))}")
        servers = [server for server in servers if server.name in names]
    for server in servers:
        if server.missing:
            print(f"{server.title} is left out: {server.missing}")
    present = [server for server in servers if not server.missing]
    with filled() as data:
        found = measure(
            data, present, queries, rounds=given.rounds, seconds=given.seconds, warm_up_s=given.warm_up
        )
        shown = report(found, present)
        print(shown)
        if given.write:
            command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
            write(shown, data, servers, command=command, rounds=given.rounds, seconds=given.seconds)


main()
