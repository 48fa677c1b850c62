"""Who uses the embedded server: a file for each, which its user holds locked. The system unlocks those of the dead."""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path


class Users:
    """The users of one server, in any process of this machine. Look and change only under the server's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.with_name(f"{folder.name}.users")
        self._mine: int | None = None
        self._name = ""

    @property
    def joined(self) -> bool:
        """Whether we are one of them."""
        return self._mine is not None

    def join(self) -> None:
        """We are one of them, until we leave or die."""
        if self._mine is not None:
            return
        self._folder.mkdir(exist_ok=True)
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._mine = os.open(self._folder / self._name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._mine, fcntl.LOCK_EX)

    def leave(self) -> None:
        """We are none of them any more."""
        mine, self._mine = self._mine, None
        if mine is not None:
            (self._folder / self._name).unlink(missing_ok=True)
            os.close(mine)

    def others(self) -> bool:
        """Whether somebody else uses it. What the dead have left is removed."""
        found = False
        with contextlib.suppress(FileNotFoundError):
            for file in [*self._folder.iterdir()]:
                if file.name != self._name or self._mine is None:
                    found |= _is_held(file)
        return found

    def __del__(self) -> None:
        if self._mine is not None:
            os.close(self._mine)


def _is_held(file: Path) -> bool:
    try:
        opened = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        file.unlink(missing_ok=True)
        return False
    finally:
        os.close(opened)
