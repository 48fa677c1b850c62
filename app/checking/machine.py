"""The machine it runs on: DATA_DIR and who may read it, room on the disk, the place of client files."""

import asyncio
import contextlib
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.checking.findings import Finding, fine, wrong
from app.domain.assets.storage import AssetStorage, NoStorage
from app.settings import GIB, MIB, Settings

LEAST_FREE = GIB
BUCKETS = ("s3://", "gs://", "az://")
BUCKET_ANSWERS_WITHIN_S = 15.0


def look_at_machine(settings: Settings) -> Iterator[Finding]:
    """DATA_DIR and the disk it is on."""
    yield _modes(settings.data_dir)
    there = settings.data_dir
    while not there.exists():
        there = there.parent
    try:
        room = shutil.disk_usage(there)
    except OSError as problem:
        yield wrong("disk", f"How much is free at {there} cannot be told: {problem.strerror}.")
        return
    said = f"{room.free // MIB:,} MiB of {room.total // MIB:,} are free at {there}"
    if room.free < LEAST_FREE:
        yield wrong("disk", f"{said}: make room, {LEAST_FREE // MIB:,} MiB at least.")
    else:
        yield fine("disk", f"{said}.")


def look_at_files(settings: Settings) -> Finding:
    """Whether client files can be kept: something is put there, and taken away again."""
    if settings.assets_url is None and not settings.data_dir.exists():
        return fine("files", f"They will be kept in {settings.data_dir / 'assets'}, which is not there yet.")
    where = settings.assets_url or str(settings.data_dir / "assets")
    folder = Path(where.removeprefix("file://"))
    was_there = folder.exists()
    try:
        storage = AssetStorage(settings)
        if where.startswith(BUCKETS):
            asyncio.run(_put_and_take_away(storage))
        else:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x")
    except NoStorage as problem:
        return wrong("files", str(problem))
    except TimeoutError:
        return wrong("files", f"{where} does not answer within {BUCKET_ANSWERS_WITHIN_S:.0f} seconds.")
    except Exception as problem:  # the library raises as many kinds as there are clouds
        return wrong("files", f"{where} takes no file: {str(problem).partition(chr(10))[0]:.200}")
    finally:
        if not was_there and folder.exists():
            folder.rmdir()
    return fine("files", f"{where} takes files.")


async def _put_and_take_away(storage: AssetStorage) -> None:
    key = f"check/{secrets.token_hex(8)}"
    async with asyncio.timeout(BUCKET_ANSWERS_WITHIN_S):
        await storage.put(key, b"written by `gateway check`")
        await storage.delete([key])


def _modes(folder: Path) -> Finding:
    """Secrets and credentials are for the gateway's user alone."""
    if not folder.exists():
        return fine("DATA_DIR", f"{folder} is not there yet; the first start makes it.")
    open_to_others = []
    for one in (folder / "secrets", folder / "demo.json", *_inside(folder / "secrets"), folder / "assets"):
        with contextlib.suppress(OSError):
            if one.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                open_to_others.append(str(one.relative_to(folder)))
    if open_to_others:
        return wrong(
            "DATA_DIR", f"In {folder} others may enter or read {', '.join(open_to_others)}: `chmod go= …`."
        )
    return fine("DATA_DIR", f"{folder}; its secrets are for this user alone.")


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
