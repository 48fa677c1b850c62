"""From blocks to the page people read."""

from collections.abc import Sequence
from statistics import median

from bench.load import Block
from bench.measure import Measured
from bench.servers import Server

HEAD = (
    "| server | gateway is faster by | requests/s | p50 ms | p99 ms | CPU s per 1,000: server | database | kB an answer | RSS MB |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def table(found: Measured, servers: Sequence[Server]) -> str:
    """One table per query; the first server is what the others are compared with."""
    out = []
    for query, by_server in found.items():
        first = servers[0].name
        out += [f"\n### {query}\n", HEAD]
        for server in servers:
            blocks = by_server.get(server.name)
            if blocks:
                out.append(_row(server, blocks, by_server[first]))
    return "\n".join(out)


def _row(server: Server, blocks: Sequence[Block], ours: Sequence[Block]) -> str:
    ratio = median(mine.rps / theirs.rps for mine, theirs in zip(ours, blocks, strict=True))

    def middle(name: str) -> float:
        return median(getattr(block, name) for block in blocks)

    return (
        f"| {server.title} | {'–' if ours is blocks else f'{ratio:.2f} ×'} | {middle('rps'):,.0f} | {middle('p50_ms'):.2f}"
        f" | {middle('p99_ms'):.2f} | {middle('server_cpu_ms'):.3f} | {middle('database_cpu_ms'):.3f}"
        f" | {middle('bytes_per_request') / 1000:.1f} | {middle('rss_mb'):.0f} |"
    )
