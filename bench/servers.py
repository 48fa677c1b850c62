"""The servers that are compared: how each is started, and what each is asked.

All of them run in one process on the loopback interface, read the same tables of the same database, and are
started by the bench and ended by it.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.data import FOLDER, Data, Group

HERE = Path(__file__).parent
STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Request:
    """What a client sends."""

    method: str
    path: str
    key: str
    body: str
    """JSON, or nothing."""


Ask = Callable[[Group], list[Request]]
Shape = Callable[[Any], Any]


def as_is(answer: Any) -> Any:
    """Answers that need no translation before they are compared."""
    return answer


@dataclass(frozen=True)
class Server:
    """A way to answer some of the queries."""

    name: str
    title: str
    command: Callable[[int], list[str]]
    """By the port it is to listen on."""
    asks: Mapping[str, Ask]
    """By query; a query that is missing here is not put to this server."""
    env: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """How its JSON becomes the gateway's, where names or nesting differ."""
    missing: str = ""
    """Why it cannot run here."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    server: Server
    url: str
    process: psutil.Process


def document(name: str, folder: Path = HERE / "queries") -> str:
    """A GraphQL document without its comments."""
    lines = (folder / f"{name}.graphql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def posts(path: str, query: str, *, with_group: bool = False) -> Ask:
    """A query that says the same for every request of a group."""

    def ask(group: Group) -> list[Request]:
        variables = {"group": str(group.id)} if with_group else {}
        return [_post(path, group, query, variables)]

    return ask


def posts_ids(path: str, query: str, show: Callable[[int], str], *, with_group: bool = False) -> Ask:
    """A query by id, over the group's chosen campaigns."""

    def ask(group: Group) -> list[Request]:
        more = {"group": str(group.id)} if with_group else {}
        return [_post(path, group, query, {"id": show(id), **more}) for id in group.details]

    return ask


def gets(path: str) -> Ask:
    """A plain GET."""
    return lambda group: [Request("GET", path, group.key, "")]


def _post(path: str, group: Group, query: str, variables: dict[str, str]) -> Request:
    body = json.dumps({"query": query, "variables": variables}, separators=(",", ":"))
    return Request("POST", path, group.key, body)


@contextlib.contextmanager
def started(server: Server, data: Data, keys: Path) -> Iterator[Running]:
    """The server, answering; ended when the block ends."""
    port = free_port()
    log = FOLDER / "logs" / f"{server.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "DATABASE_URL": data.url,
        "DATA_DIR": str(FOLDER),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "BENCH_KEYS": str(keys),
        "NODE_ENV": "production",
        # The gateway serves as no superuser otherwise.
        "DEVELOPMENT": "1",
        **server.env,
    }
    with log.open("wb") as out:
        child = subprocess.Popen(server.command(port), env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(server, url, data, child, log)
        yield Running(server, url, psutil.Process(child.pid))
    finally:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def fetch(client: httpx.Client, url: str, request: Request) -> tuple[Any, int]:
    """One request's JSON, its numbers exact, and its bytes. SystemExit where it is no good answer."""
    headers = {"X-API-KEY": request.key, "Accept": "application/json"}
    if request.body:
        headers["Content-Type"] = "application/json"
    answer = client.request(request.method, url + request.path, content=request.body or None, headers=headers)
    if answer.status_code != 200:
        raise SystemExit(f"{url}{request.path} answered {answer.status_code}: {answer.text:.2000}")
    found = json.loads(answer.text, parse_float=str)
    if isinstance(found, dict) and found.get("errors"):
        raise SystemExit(f"{url}{request.path} answered with errors: {json.dumps(found['errors']):.2000}")
    return found, len(answer.content)


def _wait_until_it_answers(
    server: Server, url: str, data: Data, child: "subprocess.Popen[bytes]", log: Path
) -> None:
    first = next(iter(server.asks.values()))(data.groups[0])[0]
    until = time.monotonic() + STARTS_WITHIN_S
    with httpx.Client(timeout=30) as client:
        while True:
            if child.poll() is not None or time.monotonic() > until:
                tail = log.read_text(errors="replace")[-3000:]
                raise SystemExit(f"{server.title} does not answer:\n{tail}")
            with contextlib.suppress(httpx.TransportError):
                fetch(client, url, first)
                return
            time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _gateway(_: int) -> list[str]:
    # `gateway serve`, of the checkout the bench was started in.
    return [sys.executable, "-m", "app.cli", "serve"]


def _raw(port: int) -> list[str]:
    return [
        sys.executable, "-m", "uvicorn", "bench.raw_limit.app:app", "--port", str(port), "--loop", "uvloop",
        "--http", "httptools", "--no-access-log", "--log-level", "warning", "--no-server-header",
    ]  # fmt: skip


def camp(id: int) -> str:
    """A campaign's id as the graph shows it."""
    return f"camp_{id}"


def graphql_asks() -> dict[str, Ask]:
    """The gateway's own queries."""
    asks = {name: posts("/graphql", document(name)) for name in ("list", "deep", "grouped")}
    return {**asks, "detail": posts_ids("/graphql", document("detail"), camp)}


_SERVE = {"WORKER_INLINE": "0"}
_GATEWAY_ASKS = {**graphql_asks(), "lagriffe": gets("/api/campaigns")}

GATEWAY = Server("gateway", "Campaign Gateway", _gateway, _GATEWAY_ASKS, _SERVE)
GUARDED = Server("gateway-rls", "the same, READ_RLS=1", _gateway, _GATEWAY_ASKS, {**_SERVE, "READ_RLS": "1"})
RESOLVERS = Server("resolvers", "the same, PLANNER=0", _gateway, _GATEWAY_ASKS, {**_SERVE, "PLANNER": "0"})
RAW = Server(
    "raw",
    "raw limit: bare ASGI, hand-written SQL",
    _raw,
    {
        "list": posts("/list", ""),
        "deep": posts("/deep", ""),
        "detail": posts_ids("/detail", "", camp),
        "grouped": posts("/grouped", ""),
    },
)
RAW_BASE = Server("raw-base", "raw limit over base rows", _raw, {"grouped": posts("/grouped_base", "")})


OWN_SERVERS = (GATEWAY, GUARDED, RESOLVERS, RAW, RAW_BASE)
"""The gateway first: the others are compared with it."""
