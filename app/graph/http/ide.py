"""GraphiQL at `/graphql` for browsers: the bundle under `static/`, or a plain page that says how to get it.

Everything comes from this server. The page has no inline script: what it has to tell the bundle is in `data-`
attributes, so that its policy can forbid inline scripts and outside hosts altogether.
"""

import html
import ipaddress
import json
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Invalid, NotFound
from app.serving.bodies import METHOD_NOT_ALLOWED, PAGES
from app.serving.door import Refusal
from app.serving.exchange import Exchange, exchange_of
from app.settings import Settings

STATIC = Path(__file__).parent / "static"
STATIC_PATH = "/graphql/static"

# Monaco creates style elements as it draws, and GraphiQL's style sheet has its fonts inline.
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline';"
    " font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)

DEFAULT_QUERY = """\
# Every answer belongs to one customer group: yours. Ctrl+Enter runs this, Ctrl+Space completes,
# and the book in the left margin opens the documentation of the whole graph.
# docs/screens has whole screens to paste here: overview, campaign, stores, segments and promos, live.
{
  viewer {
    group {
      name
    }
  }
  campaigns(first: 5, filter: {status: [ACTIVE]}) {
    totalCount
    nodes {
      id
      name
      status
      store {
        name
      }
    }
  }
}
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Campaign Gateway · GraphiQL</title>
<link rel="icon" href="{static}/icon.svg">
<link rel="stylesheet" href="{static}/graphiql.css">
<script type="module" src="{static}/graphiql.js"></script>
</head>
<body>
<div id="graphiql" data-endpoint="/graphql" data-static="{static}"
 data-query="{query}" data-headers="{headers}"></div>
</body>
</html>
"""

_WITHOUT_BUNDLE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Campaign Gateway · GraphQL</title></head>
<body>
<h1>GraphQL is served here</h1>
<p>POST your operations to this address. GraphiQL, the page to explore them with, is not bundled into this
installation: that needs Node.js with npm once. Install it, then run <code>make graphiql</code> in the
project's folder, restart, and load this page again.</p>
</body>
</html>
"""


def page_response(scope: Scope, exchange: Exchange, settings: Settings) -> Refusal:
    """The page as status, headers and body."""
    exchange.route = "/graphql (page)"
    if (STATIC / "BUILT").exists():
        headers = _demo_headers(scope, exchange, settings)
        page = _PAGE.format(
            static=STATIC_PATH, query=html.escape(DEFAULT_QUERY), headers=html.escape(headers)
        )
    else:
        page = _WITHOUT_BUNDLE
    body = page.encode()
    return (
        200,
        [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"content-security-policy", _POLICY.encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"Accept"),
        ],
        body,
    )


def static_files() -> ASGIApp:
    """The bundle's files."""
    if not STATIC.is_dir():
        return PlainTextResponse("GraphiQL is not bundled; run `make graphiql`.\n", status_code=404)
    files = StaticFiles(directory=STATIC)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.route = STATIC_PATH  # all files are one route to the metrics
        exchange.knock(PAGES)
        try:
            await files(scope, receive, send)
        except HTTPException as refused:
            if refused.status_code == 405:
                raise Invalid("Files are read with GET.", code=METHOD_NOT_ALLOWED) from None
            raise NotFound("file") from None

    return serve


def _demo_headers(scope: Scope, exchange: Exchange, settings: Settings) -> str:
    """The first demonstration group's key, for a developer on the same machine; else nothing.

    The Host header is checked as well: by a foreign name that points at 127.0.0.1, a page from elsewhere could
    read this.
    """
    if not settings.development or not _is_loopback(scope, exchange):
        return ""
    try:
        demo = json.loads((settings.data_dir / "demo.json").read_text())
        key = demo["groups"][0]["api_key"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return json.dumps({"X-API-KEY": key}, indent=2)


def _is_loopback(scope: Scope, exchange: Exchange) -> bool:
    if any(name in exchange.headers for name in (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")):
        return False
    host = exchange.headers.get(b"host", b"").decode("latin-1")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    client = (scope.get("client") or ("",))[0]
    return _is_local(client) and (name == "localhost" or _is_local(name))


def _is_local(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
