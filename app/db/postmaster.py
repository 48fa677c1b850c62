"""The processes and files of a PostgreSQL server of ours, as they are at this moment."""

import contextlib
import struct
import time
from pathlib import Path

import psutil

ORPHANS_GO_WITHIN_S = 3.0
"""How long the processes of a dead postmaster may take to notice and exit, before they are killed."""
READY = ("ready", "standby")
_STATE = struct.Struct("=QIII")
"""The beginning of `global/pg_control`: the system's number, two versions, and the state."""
_SHUT_DOWN = 1


def lock_file(folder: Path) -> Path:
    """What a running server keeps: its process, its socket, and how far it is."""
    return folder / "postmaster.pid"


def told(folder: Path) -> list[str]:
    """The lines of the lock file; none where there is none."""
    try:
        return [line.strip() for line in lock_file(folder).read_text().splitlines()]
    except FileNotFoundError:
        return []


def main_process(folder: Path) -> int | None:
    """The running server's process."""
    lines = told(folder)
    with contextlib.suppress(ValueError, IndexError):
        pid = int(lines[0])
        if lives(pid, folder):
            return pid
    return None


def is_ready(folder: Path) -> bool:
    """Whether it takes connections."""
    lines = told(folder)
    return len(lines) >= 8 and lines[7] in READY and main_process(folder) is not None


def was_shut_down(folder: Path) -> bool:
    """Whether it ended in order, everything written: by its own word in `pg_control`, which no crash changes."""
    try:
        start = (folder / "global" / "pg_control").read_bytes()[: _STATE.size]
        return int(_STATE.unpack(start)[3]) == _SHUT_DOWN
    except (OSError, struct.error):
        return False


def clear_after_crash(folder: Path) -> None:
    """Make a start possible after a SIGKILL: removes processes of the dead server, and its lock files.

    PostgreSQL would refuse to start because of a postmaster that lingers as a zombie, or of another process that now
    has its number.
    """
    lines = told(folder)
    try:
        pid = int(lines[0])
    except (ValueError, IndexError):
        return
    if lives(pid, folder):
        return
    # Without its lock files only we keep a second server away from the memory and files they still write to.
    if not end_processes(folder, within_s=ORPHANS_GO_WITHIN_S):
        return  # The lock files show PostgreSQL that they are still there, so it refuses to start.
    if len(lines) >= 5 and lines[3] and lines[4]:
        (Path(lines[4]) / f".s.PGSQL.{lines[3]}.lock").unlink(missing_ok=True)
    lock_file(folder).unlink(missing_ok=True)


def end_processes(folder: Path, *, within_s: float) -> bool:
    """End all processes of the server, more and more roughly, each way after so long; whether they are gone."""
    left = processes(folder)
    for end in (lambda _: None, psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                end(process)
        # Not psutil's own wait: it waits for zombies as well, which may stay for ever.
        until = time.monotonic() + within_s
        while left and time.monotonic() < until:
            time.sleep(0.02)
            left = [process for process in left if lives(process.pid, folder)]
    return not left


def kill_all(folder: Path) -> None:
    """End its processes at once; what was acknowledged is in its log."""
    for process in processes(folder):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def lives(pid: int, folder: Path) -> bool:
    """Whether this is a running process of the folder's server. A dead one that is our child is reaped."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(timeout=0)
            return False
        return _is_at_home(process, folder)
    except psutil.Error:
        return False


def processes(folder: Path) -> list[psutil.Process]:
    """All processes of the server that still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and _is_at_home(process, folder):
                found.append(process)
    return found


def _is_at_home(process: psutil.Process, folder: Path) -> bool:
    return bool(process.cwd() == str(folder.resolve()))
