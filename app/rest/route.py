"""A legacy route, declared: a stored GraphQL document and the way from HTTP to its variables and back.

No facade reads a table or calls an operation: all that a route does is in its document.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any, Literal

from starlette.datastructures import Headers, QueryParams

from app.auth.principal import Role
from app.rest.failing import Failures

Data = Mapping[str, Any]
"""The `data` of an answer, decoded."""


@dataclass(frozen=True, slots=True)
class RequestParts:
    """What came in with a request."""

    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    now: datetime
    body: Any = None
    """The decoded JSON body, or a form as an object: texts, lists of texts (`name[]`), lists of uploads. Of a
    provider's delivery the text, as it was sent."""
    is_form: bool = False
    address: str = ""
    """The address that was called, without its query: `https://host/path`; only the path where the host is unknown."""
    text: str = ""
    """The JSON body as it was sent; only for routes that are open to trackers."""


@dataclass(frozen=True, slots=True)
class PassThrough:
    """The document's `data` is already what is printed: cut off `opening` and `closing`, and add the envelope.

    `{"promos":{"nodes":[…]}}` with opening `{"promos":{"nodes":` and closing `}}` leaves the list. The plan's
    bytes then reach the client without being decoded.
    """

    opening: bytes
    closing: bytes
    prefix: bytes = b""
    suffix: bytes = b""

    def wrap(self, data: bytes) -> bytes:
        """The body for these bytes; ValueError where they are not of the declared form."""
        if not (data.startswith(self.opening) and data.endswith(self.closing)):
            raise ValueError(f"data does not start with {self.opening!r} and end with {self.closing!r}")
        return self.prefix + data[len(self.opening) : len(data) - len(self.closing)] + self.suffix


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or header, for the documentation."""

    name: str
    where: Literal["query", "header", "path"]
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True, slots=True)
class Takes:
    """The body a route takes. `schema` names one of the facade's schemas."""

    schema: str
    example: Mapping[str, Any]
    form: bool = False
    """Whether `multipart/form-data` is accepted as well, with `files` as its uploads."""
    file_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gives:
    """The body a route answers with. `schema` names one of the facade's schemas."""

    schema: str
    example: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    """Extra response headers and what they mean."""


def no_variables(_: RequestParts) -> dict[str, Any]:
    """For documents that take none."""
    return {}


def no_headers(_: Data, __: RequestParts) -> dict[str, str]:
    """For routes whose answer needs none."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyRoute:
    """One documented call. `variables` and `shape` are pure, and raise what they cannot accept."""

    method: str
    path: str
    document: str
    """The text of the stored document, see `stored`."""
    variables: Callable[[RequestParts], dict[str, Any]] = no_variables
    shape: "Callable[[Data, RequestParts], object] | PassThrough"
    status: int = 200
    headers: Callable[[Data, RequestParts], dict[str, str]] = no_headers
    """Extra response headers. A pass-through has none."""
    summary: str
    description: str = ""
    takes: Takes | None = None
    gives: Gives
    fails: Sequence[str] = ()
    """Our codes that this route may answer with, besides those that every route shares."""
    parameters: Sequence[Parameter] = ()
    delivery: bool = False
    """Whether it is called by a webhook provider: the signature over the body is the credential, and the body, of
    any media type, is handed on as it was sent. The path names the `provider`, and perhaps the `token`."""
    project: Callable[[RequestParts], str] | None = None
    """The slug of the project the call is about. The scope is narrowed to it; other projects do not exist then."""
    tracker: bool = False
    """Whether it needs no credential, only an existing `project`. Its JSON body may have any media type: a page that is
    being left can only send text."""
    alias: str = ""
    """A word for this address, where the same route also has another one."""

    @property
    def name(self) -> str:
        """The operation's name in the document."""
        return self.document.split("(", 1)[0].split("{", 1)[0].split()[-1]

    @property
    def open(self) -> bool:
        """Whether it is called without one of our credentials."""
        return self.delivery or self.tracker

    @property
    def writes(self) -> bool:
        """Whether the document is a mutation."""
        return self.document.lstrip().startswith("mutation")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials a request shows; the surface decides which headers count."""

    api_key: str | None = None
    beacon_key: str | None = None
    bearer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facade:
    """One legacy API: its routes, who may enter, and how it refuses."""

    name: str
    title: str
    description: str
    prefixes: Sequence[str]
    """Unknown paths below these get a 404 in this facade's words."""
    routes: Sequence[LegacyRoute]
    failures: Failures
    failure_example: Callable[[int], object]
    """A body for the documentation, by status."""
    credentials: Callable[[Headers], Credentials]
    roles: Collection[Role] | None = None
    """Whoever enters must have one of these; None: any credential will do."""
    security: Mapping[str, Mapping[str, Any]]
    """OpenAPI security schemes by name; all of them are required together."""
    optional_security: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Schemes that a client may add."""
    challenge: str
    """The scheme a 401 names in `WWW-Authenticate`."""
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failure_schema: str


def stored(package: str, name: str) -> str:
    """The text of `<package>/operations/<name>.graphql`, without the comment lines meant for its reader."""
    text = files(package).joinpath("operations", f"{name}.graphql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return "\n".join(lines).strip() + "\n"
