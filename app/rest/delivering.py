"""A webhook provider's request, in the form that its signature is checked against."""

import re

from starlette.requests import Request

from app.auth.webhooks.signatures import Delivery
from app.errors import Invalid
from app.rest.failing import MALFORMED_BODY
from app.serving.preferences import base_url


def delivery_of(request: Request, body: bytes) -> Delivery:
    """The request, with the address exactly as it was called: some providers sign that too."""
    scope = request.scope
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    address = (path + b"?" + query if query else path).decode("latin-1")
    headers = {name.lower(): value for name, value in request.headers.items()}
    host = headers.get("host", "").encode("latin-1", "replace")
    return Delivery(
        provider=request.path_params["provider"],
        method=request.method,
        url=base_url(scope["scheme"], host) + address,
        headers=headers,
        body=body,
        token=request.path_params.get("token"),
    )


def text_of(body: bytes) -> str:
    """The body as it is stored. Invalid where it is not UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"The body is not UTF-8 (byte {error.start}).", code=MALFORMED_BODY) from None


def text_of_delivery(body: bytes, *, is_form: bool) -> str:
    """A delivery's body as text, whatever it holds: an element with a byte that no text can have stands for itself.

    Such bytes are written as what refuses the text they stand in: a JSON escape of half a character, or of NUL; in a
    form as the byte itself.
    """
    text = body.decode("utf-8", "surrogateescape")
    if is_form:
        return _NO_TEXT.sub(lambda found: f"%{ord(found[0]) & 0xFF:02X}", text)
    return _NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_NO_TEXT = re.compile("[\x00\udc80-\udcff]")
