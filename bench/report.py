"""From blocks to the page people read."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

from bench.data import CAMPAIGNS, GROUPS, Data
from bench.load import CONNECTIONS, Block
from bench.measure import Measured
from bench.servers import Server

RESULTS = Path(__file__).with_name("RESULTS.md")
TITLES = {
    "list": "List: 50 campaigns, 8 fields and their store",
    "deep": "Deep: 20 campaigns with flows, actions, conditions, multipliers, outlays, promos",
    "detail": "Detail: one campaign with everything and 60 rows of metrics",
    "grouped": "Grouped: the metrics of a group by channel and day",
    "lagriffe": "La Griffe: `GET /api/campaigns`, all 500 of a group",
}
_MACHINE = "The machine"
_REMADE = {"In short", *TITLES.values(), "A large answer", _MACHINE}
"""Sections that `write` makes anew; the others were measured by themselves and stay."""
HEAD = (
    "| server | gateway/it, median (lowest–highest) | requests/s | p50 ms | p99 ms"
    " | CPU ms per request: server | database | kB | RSS MB |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)
OURS = frozenset({"gateway", "gateway-rls", "resolvers", "raw", "raw-base"})


def report(found: Measured, servers: Sequence[Server]) -> str:
    """What was measured: the ratios that matter, then every figure."""
    first = servers[0]
    out = ["## In short\n", "| query | requests/s | times the … | |", "|---|---:|---|---:|"]
    for query, by_server in found.items():
        ours = by_server[first.name]
        shown = f"{median(block.rps for block in ours):,.0f}"
        for what, ratio in _short(by_server, ours):
            out.append(f"| {query} | {shown} | {what} | {ratio:.2f} |")
            query = shown = ""
    for query, by_server in found.items():
        out += [f"\n## {TITLES[query]}\n", HEAD]
        for server in servers:
            if blocks := by_server.get(server.name):
                out.append(_row(server, blocks, by_server[first.name]))
    return "\n".join(out)


def write(
    shown: str, data: Data, servers: Sequence[Server], *, command: str, rounds: int, seconds: int
) -> None:
    """`RESULTS.md`: the figures and where they come from."""
    left_out = [f"{server.title} is left out: {server.missing}" for server in servers if server.missing]
    parts = [
        "# Results\n",
        f"Measured on {datetime.now().astimezone():%Y-%m-%d %H:%M %Z} with `{command}`:"
        f" {rounds} rounds of {seconds} s per server and query, wrk with {CONNECTIONS} connections,"
        f" {GROUPS} groups in turn, {CAMPAIGNS:,} campaigns. How to read it: [README.md](README.md).\n",
        *left_out,
        shown,
        *(f"\n## {title}\n\n{text}" for title, text in _sections().items() if title not in _REMADE),
        f"\n## {_MACHINE}\n",
        *_machine(data),
    ]
    RESULTS.write_text("\n".join(parts) + "\n")


def replace_section(title: str, text: str) -> None:
    """One section of `RESULTS.md`, of a bench that is run by itself."""
    page = RESULTS.read_text()
    head = page.partition("\n## ")[0].rstrip()
    sections = _sections()
    machine = sections.pop(_MACHINE, "")
    sections[title] = text.strip()
    sections[_MACHINE] = machine
    RESULTS.write_text(head + "".join(f"\n\n## {t}\n\n{s}" for t, s in sections.items()) + "\n")


def _sections() -> dict[str, str]:
    """What is in `RESULTS.md`, by title."""
    parts = RESULTS.read_text().split("\n## ")[1:] if RESULTS.exists() else []
    found = (part.partition("\n") for part in parts)
    return {title: text.strip() for title, _, text in found}


def ratio_of(ours: Sequence[Block], theirs: Sequence[Block]) -> float:
    """How many times as many requests per second: the median over the rounds."""
    return float(median(mine.rps / other.rps for mine, other in zip(ours, theirs, strict=True)))


def _short(by_server: dict[str, list[Block]], ours: list[Block]) -> list[tuple[str, float]]:
    """The comparisons people ask for, of those that were measured."""
    ratios = {name: ratio_of(ours, blocks) for name, blocks in by_server.items() if blocks is not ours}
    peers = {name: ratio for name, ratio in ratios.items() if name not in OURS}
    out = []
    if base := {name: ratio for name, ratio in peers.items() if not name.endswith("-rollup")}:
        nearest = min(base, key=lambda name: base[name])
        out.append((f"fastest Node peer ({nearest})", base[nearest]))
    if rollup := {name: ratio for name, ratio in peers.items() if name.endswith("-rollup")}:
        nearest = min(rollup, key=lambda name: rollup[name])
        out.append((f"fastest Node peer that reads the rollup ({nearest})", rollup[nearest]))
    for name, title in (
        ("postgraphile-rls", "PostGraphile behind policies"),
        ("raw", "raw limit"),
        ("raw-base", "raw limit over base rows"),
        ("resolvers", "same graph through resolvers"),
        ("gateway-rls", "gateway behind policies"),
    ):
        if name in ratios:
            out.append((title, ratios[name]))
    return out


def _row(server: Server, blocks: Sequence[Block], ours: Sequence[Block]) -> str:
    def middle(name: str) -> float:
        return float(median(getattr(block, name) for block in blocks))

    compared = "–"
    if blocks is not ours:
        each = [mine.rps / other.rps for mine, other in zip(ours, blocks, strict=True)]
        compared = f"{median(each):.2f} ({min(each):.2f}–{max(each):.2f})"
    cells = (
        server.title,
        compared,
        f"{middle('rps'):,.0f}",
        f"{middle('p50_ms'):.2f}",
        f"{middle('p99_ms'):.2f}",
        f"{middle('server_cpu_ms'):.3f}",
        f"{middle('database_cpu_ms'):.3f}",
        f"{middle('bytes_per_request') / 1000:.1f}",
        f"{middle('rss_mb'):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _machine(data: Data) -> list[str]:
    names = ("strawberry-graphql", "graphql-core", "asyncpg", "uvicorn", "uvloop", "httptools")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        f"{os.cpu_count()} cores, {_cpu_model()}, {psutil.virtual_memory().total / 2**30:.0f} GiB of memory",
        f"{platform.system()} {platform.release()}, everything on this one machine, nothing pinned to a core",
        f"PostgreSQL {data.version}",
        f"Python {platform.python_version()}: {packages}",
        *_node_versions(),
        _said("wrk", "--version").splitlines()[0].split(" [")[0],
    ]
    return [f"- {line}" for line in lines]


def _node_versions() -> list[str]:
    out = []
    for folder, names in (
        ("postgraphile", ("postgraphile", "@graphile/pg-aggregates", "pg", "graphql")),
        ("mercurius", ("mercurius", "graphql-jit", "fastify", "postgres", "graphql")),
    ):
        modules = RESULTS.parent / "peers" / folder / "node_modules"
        if modules.exists():
            shown = [
                f"{n} {json.loads((modules / n / 'package.json').read_text())['version']}" for n in names
            ]
            node = _said(str(modules / ".bin" / "node"), "--version").strip()
            out.append(f"Node {node}: {', '.join(shown)}")
    return out


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _said(*command: str) -> str:
    # wrk says its version with exit status 1.
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr
