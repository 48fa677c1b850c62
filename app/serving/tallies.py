"""Numbers that each process counts by itself and every process of the gateway can add up.

A number is a slot in an array of doubles, so counting is one addition, without locks, labels or objects. With
several worker processes the array is a mapped file, and a second file beside it says what the slots mean: whichever
process is scraped reads all files, up to date to the last request, including those of processes that have ended.
"""

import json
import mmap
import os
from collections.abc import Collection, Sequence
from pathlib import Path

BYTES = 1024 * 1024
"""Per process. The file is sparse: what was never counted takes no space."""
NAMES = ".names"
NUMBERS = ".numbers"

Name = tuple[str, ...]


class Tallies:
    """The numbers of this process."""

    def __init__(self, folder: Path | None, *, spare: int) -> None:
        """`folder`: where the processes leave their files; None where there is only this one.

        The first `spare` slots belong to no name: whatever no longer fits is counted there.
        """
        self._folder = folder
        self._own: dict[Name, tuple[int, int]] = {}
        self._free = spare
        self._names: int | None = None
        if folder is None:
            self.numbers = memoryview(bytearray(BYTES)).cast("d")
            return
        with (folder / f"{os.getpid()}{NUMBERS}").open("w+b") as file:
            file.truncate(BYTES)
            self.numbers = memoryview(mmap.mmap(file.fileno(), BYTES)).cast("d")
        names = folder / f"{os.getpid()}{NAMES}"
        self._names = os.open(names, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)

    def place(self, name: Name, *, slots: int) -> int:
        """Where the numbers of that name begin; always the same place."""
        known = self._own.get(name)
        if known is not None:
            return known[0]
        if self._free + slots > len(self.numbers):
            return 0
        at, self._free = self._free, self._free + slots
        self._own[name] = (at, slots)
        if self._names is not None:
            os.write(self._names, json.dumps([at, slots, *name]).encode() + b"\n")
        return at

    def sums(self, *, of_the_living: Collection[str]) -> dict[Name, Sequence[float]]:
        """The numbers of every name, over all processes; those of names that begin with one `of_the_living` only over
        processes that still run: they say how things are, not what happened.
        """
        if self._folder is None:
            return {name: self.numbers[at : at + slots].tolist() for name, (at, slots) in self._own.items()}
        out: dict[Name, Sequence[float]] = {}
        for file in sorted(self._folder.glob(f"*{NAMES}")):
            numbers = memoryview(file.with_suffix(NUMBERS).read_bytes()).cast("d")
            lives = _is_alive(int(file.stem))
            # A line without its newline is still being written.
            for line in file.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    at, slots, *parts = json.loads(line)
                    name = tuple(parts)
                    if lives or name[0] not in of_the_living:
                        before = out.get(name) or [0.0] * slots
                        now = numbers[at : at + slots]
                        out[name] = [a + b for a, b in zip(before, now, strict=True)]
        return out


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
