"""Reading GraphQL requests over HTTP: JSON bodies, query strings, and forms with files.

Follows "GraphQL over HTTP" and the GraphQL multipart request specification. Whatever is wrong with a request
is an Invalid that says what would be right; unknown members are ignored.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, UploadFile
from starlette.types import Receive

from app.errors import Invalid
from app.graph.running.operations import Operation, decoded, from_json
from app.serving.bodies import (
    MALFORMED_BODY,
    MAX_FILE,
    UNSUPPORTED_MEDIA_TYPE,
    FormItems,
    read_body,
    read_form,
    stream_body,
)
from app.serving.preferences import PREFLIGHT_HEADERS

PREFLIGHT_REQUIRED = "PREFLIGHT_REQUIRED"
IMPORTS = "importStart"
"""The mutation whose file may be larger than others; it stands in the operation, which comes before its files."""

Uploads = Sequence[UploadFile]
NO_FILES: Uploads = ()


async def read_post(
    headers: dict[bytes, bytes], receive: Receive, *, max_import: int = MAX_FILE
) -> tuple[Operation, Uploads]:
    """The operation of a POST, and its files, which whoever runs it must close.

    `max_import`: how large they may be where they are to be imported.
    """
    content_type = headers.get(b"content-type", b"")
    media_type, _, parameters = content_type.decode("latin-1").partition(";")
    media_type = media_type.strip().lower()
    if media_type == "application/json" and _is_utf8(parameters):
        return from_json(decoded(await read_body(receive))), NO_FILES
    if media_type == "multipart/form-data":
        if not any(name in headers for name in PREFLIGHT_HEADERS):
            raise Invalid(
                "Uploads need the header GraphQL-Require-Preflight (any value), so that no other site can"
                " send them from a browser.",
                code=PREFLIGHT_REQUIRED,
            )

        def bound(name: str, text: str) -> int | None:
            return max_import if name == "operations" and IMPORTS in text else None

        parts = await read_form(Headers(raw=list(headers.items())), stream_body(receive), bound=bound)
        try:
            return _from_form(parts)
        except Invalid:
            await close_files(file for _, file in parts if isinstance(file, UploadFile))
            raise
    raise Invalid(
        "Send the request as application/json in UTF-8 (or multipart/form-data with files)"
        + (f", not as {media_type:.80}." if media_type else "; the Content-Type header is missing."),
        code=UNSUPPORTED_MEDIA_TYPE,
    )


def read_get(query_string: bytes) -> Operation:
    """The operation of a GET: `query`, `variables` and `extensions` (JSON), `operationName`."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50
        )
    except ValueError:
        raise Invalid("The query string is not percent-encoded UTF-8.", code=MALFORMED_BODY) from None
    given: dict[str, Any] = {}
    for name, value in pairs:
        if "\0" in value:
            raise Invalid(f"The parameter {name:.80} holds the character NUL.", code=MALFORMED_BODY)
        given.setdefault(name, value)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = decoded(given[name].encode(), what=f"The parameter {name}")
        else:
            given.pop(name, None)
    if not given.get("operationName"):
        given.pop("operationName", None)
    return from_json(given, read_only=True)


async def close_files(files: Iterable[UploadFile]) -> None:
    """Give back temporary files."""
    for file in files:
        await file.close()


def _is_utf8(parameters: str) -> bool:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            return value.strip('" ').lower() in ("utf-8", "utf8")
    return True


def _from_form(parts: FormItems) -> tuple[Operation, Uploads]:
    """`operations`, `map` and files: each file takes the place of the nulls its entry in `map` points at."""
    fields = {name: value for name, value in parts if isinstance(value, str)}
    files = {name: value for name, value in parts if isinstance(value, UploadFile)}
    if len(fields) + len(files) != len(parts):
        raise Invalid("Each part of the form must have a name of its own.", code=MALFORMED_BODY)
    request = decoded(fields.get("operations", "").encode(), what="The part operations")
    places = decoded(fields.get("map", "").encode(), what="The part map")
    if not isinstance(places, dict):
        raise Invalid("The part map must be a JSON object.", code=MALFORMED_BODY)
    if isinstance(request, dict):
        for name, paths in places.items():
            file = files.get(name)
            if file is None or not isinstance(paths, list) or not paths:
                raise Invalid(
                    f"The part map says {name[:80]!r}: give it a file of that name and a list of paths.",
                    code=MALFORMED_BODY,
                )
            for path in paths:
                _put(request, path, file)
    if unused := files.keys() - places.keys():
        raise Invalid(f"The part map does not mention the file {min(unused)[:80]!r}.", code=MALFORMED_BODY)
    return from_json(request), list(files.values())


def _put(request: dict[str, Any], path: object, file: UploadFile) -> None:
    """Replace the null at a path such as `variables.input.files.0`."""
    steps = path.split(".") if isinstance(path, str) else []
    place: Any = request if steps[:1] == ["variables"] and len(steps) > 1 else None
    for position, step in enumerate(steps):
        key: str | int = step
        if isinstance(place, list) and step.isascii() and step.isdigit() and int(step) < len(place):
            key = int(step)
        elif not isinstance(place, dict) or step not in place:
            break
        if position == len(steps) - 1:
            if place[key] is not None:
                break
            place[key] = file
            return
        place = place[key]
    raise Invalid(
        f"The part map points at {path!s:.80}: it must lead to a null inside variables.", code=MALFORMED_BODY
    )
