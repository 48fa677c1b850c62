"""The Node peers: PostGraphile 5, and Mercurius with graphql-jit and loaders."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from bench.servers import Ask, Server, document, graphql_asks, posts, posts_ids

HERE = Path(__file__).parent
POSTGRAPHILE, MERCURIUS = HERE / "postgraphile", HERE / "mercurius"
GRAPHQL = "/graphql"
# Behind the policies the queries name no group: that is what policies are for.
_OWN_CONDITION = re.compile(r"groupId: \$group(?:, |(?=}))")


def peer_servers() -> list[Server]:
    """The peers; each says why, where it cannot run here."""
    return [
        _postgraphile("postgraphile", "PostGraphile 5, group as a condition", guarded=False),
        _postgraphile("postgraphile-rls", "PostGraphile 5, RLS", guarded=True),
        _postgraphile("postgraphile-rollup", "PostGraphile 5 on the rollup", guarded=False, rollup=True),
        _mercurius("mercurius", "Mercurius, graphql-jit, loaders"),
        _mercurius("mercurius-rollup", "Mercurius on the rollup", rollup=True),
    ]


def _postgraphile(name: str, title: str, *, guarded: bool, rollup: bool = False) -> Server:
    grouped = {"grouped": "grouped_rollup" if rollup else "grouped"}
    asks: dict[str, Ask] = {}
    for query, file in (grouped if rollup else {"list": "list", "deep": "deep", **grouped}).items():
        text = document(file, POSTGRAPHILE)
        if guarded:
            text = (
                _OWN_CONDITION.sub("", text).replace("($group: BigInt!)", "").replace("(condition: {})", "")
            )
        asks[query] = posts(GRAPHQL, text, with_group=not guarded)
    if not rollup:
        # Its rows by id are named by their whole primary key, the group included.
        asks["detail"] = posts_ids(GRAPHQL, document("detail", POSTGRAPHILE), str, with_group=True)
    return Server(
        name,
        title,
        lambda _: [_node(POSTGRAPHILE), str(POSTGRAPHILE / "server.mjs")],
        asks,
        {
            "GRAPHILE_ENV": "production",
            "PEER_RLS": "1" if guarded else "0",
            # A transaction keeps its connection over several round trips: with more of them it is faster.
            "PEER_CONNECTIONS": "16" if guarded else "4",
        },
        {"grouped": _grouped_shape},
        _why_missing(POSTGRAPHILE),
    )


def _mercurius(name: str, title: str, *, rollup: bool = False) -> Server:
    """It serves the part of the gateway's own graph that is asked for: same documents, same answers."""
    asks = graphql_asks()
    return Server(
        name,
        title,
        lambda _: [_node(MERCURIUS), str(MERCURIUS / "server.mjs")],
        {"grouped": asks["grouped"]} if rollup else asks,
        {"PEER_ROLLUP": "1" if rollup else "0", "PEER_CONNECTIONS": "4"},
        missing=_why_missing(MERCURIUS),
    )


def _grouped_shape(answer: Any) -> Any:
    """Its groups come with a list of keys and in no order."""
    rows = [
        {"period": row["keys"][0], "channel": row["keys"][1], "currency": row["keys"][2], **row["sum"]}
        for row in answer["data"]["metrics"]["groupedAggregates"]
    ]
    rows.sort(key=lambda row: (row["period"], row["channel"], row["currency"]))
    return {"data": {"metricSeries": rows}}


def _node(folder: Path) -> str:
    """The Node of the npm package `node`: PostGraphile wants a newer one than Debian has."""
    return str(folder / "node_modules" / ".bin" / "node")


@cache
def _why_missing(folder: Path) -> str:
    """Installs a peer where that was not done yet; why it cannot run, where it cannot."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return "Node with npm was not found."
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime and Path(_node(folder)).exists():
        return ""
    print(f"Installing {folder.name} …", flush=True)
    env = {**os.environ, "npm_config_fetch_retries": "1", "npm_config_fetch_timeout": "60000"}
    done = subprocess.run(
        ["npm", "ci", "--loglevel=error"], cwd=folder, env=env, capture_output=True, text=True
    )
    return "" if done.returncode == 0 else f"npm could not install it: {done.stderr.strip()[-400:]}"
