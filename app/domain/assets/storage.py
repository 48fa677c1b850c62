"""Where the bytes of client files are: a folder, or a bucket of S3, GCS or Azure.

Files are handed out by links that anybody may follow until they expire. A link is ours, `/assets/{id}?…`, signed
with our secret; from a bucket, following it leads on to a link the bucket signed itself.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from app.errors import NotFound
from app.settings import Settings

log = logging.getLogger(__name__)

LINK_LIFE = timedelta(hours=1)
CHUNK = 256 * 1024


class NoStorage(Exception):
    """The place that was chosen cannot be opened; the message says which, and why."""


class AssetStorage:
    """The object store and its links. Made once per process."""

    def __init__(self, settings: Settings) -> None:
        self._folder = _folder(settings.assets_url, settings.data_dir / "assets")
        """Where the objects are files of ours; None: in a bucket."""
        self._store = _open(settings.assets_url, self._folder)
        # A key of its own, so that nothing else signed with the secret passes for a link.
        self._key = hmac.digest(settings.secret_key.encode(), b"asset links", "sha256")

    async def put(self, key: str, data: IO[bytes] | bytes) -> None:
        """Store an object, whole or not at all."""
        if self._folder is not None:
            await asyncio.to_thread(self._make_folder, key)
        await obstore.put_async(self._store, key, data)
        if self._folder is not None:
            await asyncio.to_thread((self._folder / key).chmod, 0o600)

    def _make_folder(self, key: str) -> None:
        """The folder of an object, for nobody but us. Folders that are there already are closed as well."""
        assert self._folder is not None
        folder = (self._folder / key).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """An object's bytes, in pieces; NotFound before the first one where there is none."""
        try:
            found = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            raise NotFound("file") from None
        return (bytes(piece) async for piece in found.stream(min_chunk_size=CHUNK))

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those already gone do not matter."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue

    async def keys(self, group_id: int, *, before: datetime) -> AsyncIterator[list[str]]:
        """The keys of a group's objects that were stored before this moment, many at a time."""
        async for found in obstore.list(self._store, f"{group_id}/", chunk_size=1_000):
            yield [one["path"] for one in found if one["last_modified"] < before]

    def links(self, *, group_id: int, base_url: str, now: datetime) -> "Links":
        """What signs links to files of a group for the next hour."""
        return self._links(group_id, int((now + LINK_LIFE).timestamp()), base_url)

    def verify(
        self, *, asset_id: int | str, group_id: int, expires: int, signature: str, now: datetime
    ) -> bool:
        """Whether we made this link and it is still valid."""
        expected = self._links(group_id, expires).signature(asset_id)
        right = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
        return right and now.timestamp() < expires

    async def direct_link(self, key: str) -> str | None:
        """The bucket's own link to an object, valid for a minute; None where we hand out the bytes."""
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        return await obstore.sign_async(self._store, "GET", key, timedelta(minutes=1))

    def _links(self, group_id: int, expires: int, base_url: str = "") -> "Links":
        # Their key leaves this process with the query that prints them: it is valid for one group and one hour.
        key = hmac.digest(self._key, f"{group_id}/{expires}".encode(), "sha256")
        return Links(base_url.rstrip("/"), group_id, expires, key)


_INNER, _OUTER = (bytes(b ^ pad for b in range(256)) for pad in (0x36, 0x5C))


@dataclass(frozen=True, slots=True)
class Links:
    """Signs links to files: `{base_url}/assets/{id}?group=…&expires=…&signature=…`.

    The signature is HMAC-SHA256 of the id; of files that are no assets of their name, which no id looks like. `inner`
    and `outer` are HMAC's two padded keys (RFC 2104), from which the database makes the same signature with nothing but
    its own sha256.
    """

    base_url: str
    group_id: int
    expires: int
    key: bytes = field(repr=False)

    def signature(self, asset_id: int | str) -> str:
        """What the link to this file carries."""
        digest = hmac.digest(self.key, str(asset_id).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def inner(self) -> bytes:
        """What is hashed before the id."""
        return self.key.ljust(64, b"\0").translate(_INNER)

    @property
    def outer(self) -> bytes:
        """What is hashed before the inner hash."""
        return self.key.ljust(64, b"\0").translate(_OUTER)


class Shelf:
    """Objects put during one piece of work. `shelf(storage)` makes one."""

    def __init__(self, storage: AssetStorage) -> None:
        self._storage = storage
        self.keys: list[str] = []

    async def put(self, key: str, data: IO[bytes] | bytes) -> None:
        """Store an object, to be deleted again if the work fails."""
        self.keys.append(key)  # noted before it is stored: an interrupted put may still have arrived
        await self._storage.put(key, data)


@asynccontextmanager
async def shelf(storage: AssetStorage) -> AsyncIterator[Shelf]:
    """Objects put inside stay only if the block ends well. Wrap it around the transaction, COMMIT included.

    A process that dies in between leaves objects that no row names: they cost space and are never shown.
    """
    made = Shelf(storage)
    try:
        yield made
    except BaseException:
        try:
            await storage.delete(made.keys)
        except Exception:
            log.exception("could not take away %s objects of a failed upload", len(made.keys))
        raise


def _folder(url: str | None, default: Path) -> Path | None:
    if url is None:
        return default
    return Path(url.removeprefix("file://")) if url.startswith("file://") else None


def _open(url: str | None, folder: Path | None) -> Any:
    if folder is None:
        assert url is not None
        try:
            return from_url(url)
        except (BaseError, ValueError, OSError) as problem:
            raise NoStorage(f"ASSETS_URL cannot be used: {_first_line(problem)}") from None
    try:
        store = LocalStore(folder, mkdir=True)
        folder.chmod(0o700)
    except (BaseError, ValueError, OSError) as problem:
        name = "DATA_DIR" if url is None else "ASSETS_URL"
        raise NoStorage(
            f"{name} cannot be used: files cannot be kept in {folder}: {_first_line(problem)}"
        ) from None
    return store


def _first_line(problem: Exception) -> str:
    # The rest of what the library says is a dump of its insides.
    return str(problem).partition("\n")[0]
