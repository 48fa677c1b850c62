"""Interleaved blocks: every server in turn, round after round, so that a slow minute hits all of them."""

import contextlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.data import FOLDER, Data
from bench.load import Block, Failed, long_enough, run_block, warm_up
from bench.same import difference
from bench.servers import Request, Running, Server, as_is, fetch, started

MOST_HEADERS = 600
"""Bytes of an answer's headers, at most."""

Measured = dict[str, dict[str, list[Block]]]
"""Query → server → its blocks, by round."""


def measure(
    data: Data,
    servers: Sequence[Server],
    queries: Sequence[str],
    *,
    rounds: int,
    seconds: int,
    warm_up_s: int,
) -> Measured:
    """Start all, check that all say the same, then take turns. SystemExit where an answer differs."""
    keys = FOLDER / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps([[group.id, group.key] for group in data.groups]))
    out: Measured = {query: {} for query in queries}
    with contextlib.ExitStack() as stack:
        stack.callback(keys.unlink)
        wanted = [s for s in servers if any(query in s.asks for query in queries)]
        running = [stack.enter_context(started(server, data, keys)) for server in wanted]
        sizes = {
            query: _sizes_of_equal(data, [one for one in running if query in one.server.asks], query)
            for query in queries
        }
        files = {
            (query, one.server.name): _requests_file(data, one.server, query)
            for query in queries
            for one in running
            if query in one.server.asks
        }
        progress = stack.enter_context(
            Progress(
                TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            )
        )
        task = progress.add_task("", total=len(files) * rounds)
        for query in queries:
            for turn in range(rounds):
                order = [one for one in running if (query, one.server.name) in files]
                # Who comes after whom changes with every round, and is the same in every run.
                random.Random(f"{query} {turn}").shuffle(order)
                for one in order:
                    progress.update(task, description=f"{query}: {one.server.name}")
                    file = files[query, one.server.name]
                    block = _block(data, one, query, file, seconds=seconds, warm_up_s=warm_up_s)
                    _refuse_other_bytes(query, one, block, sizes[query][one.server.name])
                    out[query].setdefault(one.server.name, []).append(block)
                    progress.advance(task)
    (FOLDER / "blocks.json").write_text(
        json.dumps(
            {q: {s: [asdict(b) for b in bs] for s, bs in by.items()} for q, by in out.items()}, indent=1
        )
    )
    return out


def _block(data: Data, one: Running, query: str, file: Path, *, seconds: int, warm_up_s: int) -> Block:
    try:
        lasts = long_enough(seconds, rps=warm_up(one.url, file, seconds=warm_up_s))
        return run_block(one.url, file, seconds=lasts, server=one.process, postmaster=data.postmaster)
    except Failed as failed:
        raise SystemExit(f"{query}, {one.server.title}: {failed}") from None


def _sizes_of_equal(data: Data, running: Sequence[Running], query: str) -> dict[str, float]:
    """Each server's mean bytes. SystemExit unless every one answers every request as the first one does."""
    first, *others = running
    sizes: dict[str, list[int]] = {one.server.name: [] for one in running}
    with httpx.Client(timeout=60) as client:
        for group in data.groups:
            for at, request in enumerate(first.server.asks[query](group)):
                here, size = fetch(client, first.url, request)
                ours = _shaped(first, query, here)
                sizes[first.server.name].append(size)
                for other in others:
                    there, size = fetch(client, other.url, other.server.asks[query](group)[at])
                    sizes[other.server.name].append(size)
                    if found := difference(ours, _shaped(other, query, there)):
                        raise SystemExit(
                            f"{query}, group {group.id}: {first.server.name} and {other.server.name} differ: {found}"
                        )
    return {name: mean(each) for name, each in sizes.items()}


def _refuse_other_bytes(query: str, one: Running, block: Block, expected: float) -> None:
    """SystemExit where the answers under load cannot have been those that were compared."""
    if not expected * 0.97 <= block.bytes_per_request <= expected * 1.03 + MOST_HEADERS:
        raise SystemExit(
            f"{query}: {one.server.name} sent {block.bytes_per_request:.0f} bytes an answer under load,"
            f" and {expected:.0f} when its answers were compared"
        )


def _shaped(one: Running, query: str, answer: object) -> object:
    return one.server.shapes.get(query, as_is)(answer)


def _requests_file(data: Data, server: Server, query: str) -> Path:
    """The requests in the order they are sent: group after group, then the next id of each."""
    per_group = [server.asks[query](group) for group in data.groups]
    in_turn: list[Request] = [request for row in zip(*per_group, strict=True) for request in row]
    file = FOLDER / "requests" / f"{query}.{server.name}.tsv"
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"{r.method}\t{r.path}\t{r.key}\t{r.body}\n" for r in in_turn))
    return file
