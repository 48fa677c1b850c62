"""Batches: entries read one by one, every failure told."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.errors import MAX_TOLD, Failure, Several

Sent = TypeVar("Sent")
Entry = TypeVar("Entry")


def each_read(sent: Sequence[Sent], read: Callable[[Sent, int], Entry]) -> list[Entry]:
    found: list[Entry] = []
    failures: list[Failure] = []
    for index, one in enumerate(sent):
        try:
            found.append(read(one, index))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:MAX_TOLD])
    return found
