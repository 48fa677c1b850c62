"""A webhook provider's request, in the form that its signature is checked against."""

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
