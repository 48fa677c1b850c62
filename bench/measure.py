"""Interleaved blocks: every server in turn, round after round, so that a slow minute hits all of them."""

import contextlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.data import FOLDER, Data
from bench.load import Block, run_block, warm_up
from bench.same import difference
from bench.servers import Request, Running, Server, as_is, fetch, started

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
        for query in queries:
            _refuse_different(data, [r for r in running if query in r.server.asks], query)
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
                    warm_up(one.url, file, seconds=warm_up_s)
                    block = run_block(
                        one.url, file, seconds=seconds, server=one.process, postmaster=data.postmaster
                    )
                    out[query].setdefault(one.server.name, []).append(block)
                    progress.advance(task)
    (FOLDER / "blocks.json").write_text(
        json.dumps(
            {q: {s: [asdict(b) for b in bs] for s, bs in by.items()} for q, by in out.items()}, indent=1
        )
    )
    return out


def _refuse_different(data: Data, running: Sequence[Running], query: str) -> None:
    """SystemExit unless every server answers every request as the first one does."""
    first, *others = running
    with httpx.Client(timeout=60) as client:
        for group in data.groups:
            for at, request in enumerate(first.server.asks[query](group)):
                ours = _shaped(first, query, fetch(client, first.url, request))
                for other in others:
                    there = fetch(client, other.url, other.server.asks[query](group)[at])
                    if found := difference(ours, _shaped(other, query, there)):
                        raise SystemExit(
                            f"{query}, group {group.id}: {first.server.name} and {other.server.name} differ: {found}"
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
