"""Request bodies of the legacy routes: JSON, and forms with files.

Form names end as PHP clients write them: `channels[]` (or `channels[0]`) repeats and gives a list, a plain
name gives its last value. Files are always lists.
"""

import re
from collections.abc import Iterator
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.types import Receive, Scope

from app.errors import Invalid
from app.rest.failing import MALFORMED_BODY, UNSUPPORTED_MEDIA_TYPE
from app.serving import bodies
from app.values.json_text import read_json

_LIST_NAME = re.compile(r"(.+?)\[[0-9]*\]", re.DOTALL)


def check_address(scope: Scope) -> None:
    """Refuse a query string with the character NUL. In a path it names what is not there, like any other text."""
    if b"%00" in scope["query_string"]:
        raise Invalid("The query string holds the character NUL (%00).")


async def read_body(headers: Headers, receive: Receive, *, form: bool) -> tuple[Any, bool]:
    """The body, and whether it was a form; hand it to `close_files` in the end."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if form and kind == "multipart/form-data":
        return _as_object(await bodies.read_form(headers, bodies.stream_body(receive))), True
    # A body without a type is taken for JSON, and so is curl's `-d`, which says urlencoded: that was never documented.
    if kind and kind != "application/json" and not kind.endswith("+json"):
        wanted = "application/json or multipart/form-data" if form else "application/json"
        raise Invalid(f"Send the body as {wanted}, not as {kind:.80}.", code=UNSUPPORTED_MEDIA_TYPE)
    try:
        return read_json(await bodies.read_body(receive)), False
    except ValueError as error:
        raise Invalid(str(error), code=MALFORMED_BODY) from None


def read_kept_json(text: str) -> Any:
    """The value of a JSON text that is kept as sent and judged later: numbers may have any length."""
    try:
        return read_json(text.encode(), long_numbers=True)
    except ValueError as error:
        raise Invalid(str(error), code=MALFORMED_BODY) from None


def files_of(value: object) -> Iterator[UploadFile]:
    """Every upload in a body or in variables."""
    if isinstance(value, UploadFile):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from files_of(inner)


async def close_files(value: object) -> None:
    """Give back the temporary files of a body."""
    for file in files_of(value):
        await file.close()


def _as_object(items: bodies.FormItems) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for name, value in items:
        if isinstance(value, UploadFile) and not value.filename and not value.size:
            continue  # A file field that was left empty in a browser.
        match = _LIST_NAME.fullmatch(name)
        if isinstance(value, UploadFile) or match:
            plain = match[1] if match else name
            already = form.get(plain)
            form[plain] = [*already, value] if isinstance(already, list) else [value]
        else:
            form[name] = value
    return form
