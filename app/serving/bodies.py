"""Bodies, read within their bounds. The door counts the bytes; here they are put together.

A JSON body is at most 1 MiB. A form may carry 20 files of 25 MiB each: they are written to temporary files as
they arrive, never held in memory as a whole, and everything that is not a file shares the 1 MiB. Who reads a form may
take larger files, as its fields say (`FileBound`), up to the bound of the whole form.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from app.errors import Failure, Invalid, TooLarge

KIB = 1024
MIB = 1024 * 1024
MAX_BODY = MIB
MAX_FILE = 25 * MIB
MAX_FILES = 20
MAX_FIELDS = 200
MAX_FORM = MAX_FILES * MAX_FILE + 2 * MAX_BODY
"""A whole form: its files, its fields, and the lines between them."""
FORM_WEIGHT = 8
"""A form counts as this many requests: each of its files may be in memory with up to 256 KiB."""
MALFORMED_BODY = "MALFORMED_BODY"
METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"


@dataclass(frozen=True, slots=True)
class Entrance:
    """An open route, as far as strangers go. The header a client sends changes nothing about it."""

    name: str
    max_body: int = 0
    body_within_s: float = 5.0
    """From the end of the head on, however much has arrived."""


TOKENS = Entrance("tokens", 8 * KIB)
EVENTS = Entrance("events", 128 * KIB, 10.0)
DELIVERIES = Entrance("deliveries", MIB, 10.0)
PAGES = Entrance("pages")
"""What everybody gets: documentation, GraphiQL, and that there is nothing."""
FILES = Entrance("files")
"""Links that carry their own signature."""

FormItems = list[tuple[str, str | UploadFile]]


class ClientGone(Exception):
    """The client closed the connection before its request had arrived."""


def brings_form(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request brings a form, perhaps with files. `headers` by lower-case name."""
    content_type = headers.get(b"content-type", b"")
    if content_type == b"application/json":
        return False
    return content_type.partition(b";")[0].strip().lower() == b"multipart/form-data"


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises TooLarge (from the door) or ClientGone."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    chunks = [message.get("body", b"")]
    async with aclosing(stream_body(receive)) as rest:
        async for chunk in rest:
            chunks.append(chunk)
    return b"".join(chunks)


async def stream_body(receive: Receive) -> AsyncGenerator[bytes, None]:
    """The body as it arrives. Raises TooLarge (from the door) or ClientGone."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        more = message.get("more_body", False)
        if body := message.get("body", b""):
            yield body


FileBound = Callable[[str, str], int | None]
"""By the name and text of a field: how large the files may be that follow; None: as large as before."""


async def read_form(
    headers: Headers, stream: AsyncGenerator[bytes, None], *, bound: FileBound | None = None
) -> FormItems:
    """The parts of a `multipart/form-data` body in their order; whoever reads it closes the files.

    Raises TooLarge, Invalid (code MALFORMED_BODY) or ClientGone, with every temporary file closed.
    """
    try:
        async with aclosing(stream):
            parser = _BoundedParser(
                headers, stream, max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_BODY
            )
            parser.bound = bound
            return (await parser.parse()).multi_items()
    except _Stopped as stopped:
        raise stopped.failure from None
    except MultiPartException as error:
        if error.message.startswith("Too many"):
            raise TooLarge(error.message) from None
        raise Invalid(f"The form cannot be read: {error.message}", code=MALFORMED_BODY) from None


def too_large(what: str, limit: int) -> TooLarge:
    """The failure of a bound, in MiB or KiB."""
    shown = f"{limit // MIB} MiB" if limit >= MIB else f"{limit // KIB} KiB"
    return TooLarge(f"{what} is larger than {shown}.")


class _Stopped(MultiPartException):
    """Takes a failure of ours out through the parser, which closes its files on the way."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class _BoundedParser(MultiPartParser):
    """Starlette's parser with a bound for each file and for all fields together, and strict UTF-8 fields."""

    spool_max_size = 256 * 1024
    bound: FileBound | None = None
    _max_file = MAX_FILE
    _field_bytes = 0
    _file_bytes = 0

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._file_bytes = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._current_part.file is None:
            self._field_bytes += end - start
            if self._field_bytes > MAX_BODY:
                raise _Stopped(too_large("The form without its files", MAX_BODY))
        else:
            self._file_bytes += end - start
            if self._file_bytes > self._max_file:
                name = self._current_part.file.filename or ""
                raise _Stopped(too_large(f"The file {name[:80]!r}", self._max_file))
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            try:
                text = part.data.decode("utf-8")
            except UnicodeDecodeError:
                text = "\0"
            if "\0" in text:
                reason = f"The form field {part.field_name[:80]!r} must be UTF-8 text without NUL."
                raise _Stopped(Invalid(reason, code=MALFORMED_BODY))
            if self.bound is not None:
                self._max_file = self.bound(part.field_name, text) or self._max_file
        super().on_part_end()
