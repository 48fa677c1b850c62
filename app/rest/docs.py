"""`/docs`: the legacy routes on one page of plain HTML, each with the GraphQL document it runs."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from shlex import quote
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import Headers, QueryParams

from app.rest.openapi import PATH_PARAMETER, PHRASES, failure_statuses
from app.rest.route import Facade, LegacyRoute, RequestParts
from app.values.json_text import write_json

_SOME_DAY = datetime(2025, 6, 15, tzinfo=UTC)


def policy(page: str) -> str:
    """What the page may do: nothing, but draw itself by the one style sheet that is in it."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def page(facades: Sequence[Facade]) -> str:
    """The whole page. It loads nothing from other hosts and runs no script."""
    frame = files("app.rest").joinpath("docs.html").read_text(encoding="utf-8")
    contents = "".join(
        f'<li><a href="#{_anchor(facade, route)}"><b>{route.method}</b> {escape(route.path)}</a></li>'
        for facade in facades
        for route in facade.routes
        if not route.alias
    )
    return frame.replace("{{contents}}", contents).replace("{{facades}}", "".join(map(_facade, facades)))


def example_variables(route: LegacyRoute) -> dict[str, Any]:
    """The variables that the route's documented example gives."""
    path = {name: _example(route, name) for name in PATH_PARAMETER.findall(route.path)}
    query = {p.name: _example(route, p.name) for p in route.parameters if p.where == "query" and p.required}
    body: Any = None if route.takes is None else dict(route.takes.example)
    text = write_json(body).decode() if route.open else ""
    if route.delivery:
        body = text
    return route.variables(RequestParts(path, QueryParams(query), Headers(), _SOME_DAY, body, text=text))


def graphiql_url(route: LegacyRoute) -> str:
    """The address at which GraphiQL opens with the route's document."""
    asked = {"query": route.document}
    if variables := example_variables(route):
        asked["variables"] = _pretty(variables)
    return "/graphql?" + urlencode(asked)


def _facade(facade: Facade) -> str:
    needed = ", ".join(f"<code>{escape(_header(s).rstrip(' :…'))}</code>" for s in facade.security.values())
    more = ", ".join(f"<code>{escape(s['name'])}</code>" for s in facade.optional_security.values())
    keys = f"<p>Every request carries {needed}{f'; {more} narrows it' if more else ''}.</p>" if needed else ""
    routes = "".join(_route(facade, route) for route in facade.routes if not route.alias)
    return (
        f"<section><h2>{escape(facade.title)}</h2><p>{escape(facade.description)}</p>{keys}{routes}</section>"
    )


def _route(facade: Facade, route: LegacyRoute) -> str:
    takes = ""
    if route.takes is not None:
        form = " or multipart/form-data" if route.takes.form else ""
        takes = f"<h4>Request body (JSON{form})</h4>{_block(_pretty(route.takes.example))}"
    parameters = "".join(
        f"<li><code>{escape(p.name)}</code> ({p.where}): {escape(p.description)}</li>"
        for p in route.parameters
    )
    parameters = f"<h4>Parameters</h4><ul>{parameters}</ul>" if parameters else ""
    statuses = "".join(
        f"<tr><td>{status}</td><td>{escape(PHRASES[status])}</td>"
        f"<td><code>{escape(write_json(facade.failure_example(status)).decode())}</code></td></tr>"
        for status in failure_statuses(facade, route)
    )
    return (
        f'<article id="{_anchor(facade, route)}">'
        f"<h3><b>{route.method}</b> <code>{escape(route.path)}</code></h3>"
        f"<p><strong>{escape(route.summary)}.</strong> {escape(route.description)}</p>"
        f"{parameters}{takes}"
        f"<h4>Answer {route.status}</h4>{_block(_pretty(route.gives.example))}"
        f"<h4>It runs</h4>{_block(route.document)}"
        f'<p><a class="open" href="{escape(graphiql_url(route))}">Open in GraphiQL</a></p>'
        f"<details><summary>When it fails</summary><table>{statuses}</table></details>"
        f"<details><summary>As curl</summary>{_block(_curl(facade, route))}</details>"
        "</article>"
    )


def _curl(facade: Facade, route: LegacyRoute) -> str:
    path = PATH_PARAMETER.sub(lambda found: _example(route, found[1]), route.path)
    query = {p.name: _example(route, p.name) for p in route.parameters if p.where == "query" and p.required}
    lines = [f"curl -X {route.method} {quote(f'http://127.0.0.1:8000{path}{_asked(query)}')}"]
    headers = [_header(scheme) for scheme in facade.security.values()]
    if route.open:
        headers = [f"{p.name}: …" for p in route.parameters if p.where == "header"]
    lines += [f'-H "{header}"' for header in headers]
    lines.append('-H "X-Explain: 1"   # leave this out to run it')
    if route.takes is not None:
        lines.insert(-1, '-H "Content-Type: application/json"')
        lines.insert(-1, f"-d {quote(write_json(route.takes.example).decode())}")
    return " \\\n  ".join(lines)


def _header(scheme: Mapping[str, Any]) -> str:
    """The header a security scheme is sent in."""
    return "Authorization: Bearer …" if scheme["type"] == "http" else f"{scheme['name']}: …"


def _asked(query: Mapping[str, str]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _example(route: LegacyRoute, name: str) -> str:
    """A value for a parameter: the first example in its schema."""
    shown = (one.schema for one in route.parameters if one.name == name)
    return next((str(schema["examples"][0]) for schema in shown if "examples" in schema), "42")


def _anchor(facade: Facade, route: LegacyRoute) -> str:
    return f"{facade.name}-{route.name}"


def _pretty(value: object) -> str:
    return msgspec.json.format(write_json(value), indent=2).decode()


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"
