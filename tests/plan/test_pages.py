"""Paging: every row once, in order, whatever the direction, the ordering and the size; and no drift."""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.db.database import Database
from app.graph.schema import catalog
from app.plan.catalog import Many
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups
from tests.given.asking import Asker
from tests.given.everything import Everything

LISTS = {
    name: field
    for name, field in catalog.entities["Query"].fields.items()
    if isinstance(field, Many) and field.connection
}
INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


async def page(asker: Asker, scope: Scope, name: str, arguments: str) -> dict[str, Any]:
    """One page, the same by both executions."""
    query = (
        f"{{ {name}({arguments}) {{ totalCount {INFO} edges {{ cursor node {{ id }} }} nodes {{ id }} }} }}"
    )
    planned, resolved = await asker.both(scope, query)
    assert planned.execution == "planned", planned
    assert json.loads(planned.body) == json.loads(resolved.body), query
    found: dict[str, Any] = json.loads(planned.body)["data"][name]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    assert found["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert found["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
    return found


def ids(found: dict[str, Any]) -> list[str]:
    """The rows of a page."""
    return [row["id"] for row in found["nodes"]]


async def forward(asker: Asker, scope: Scope, name: str, order: str, size: int) -> list[str]:
    """All rows, page by page from the start."""
    seen: list[str] = []
    after = ""
    for turn in itertools.count():
        found = await page(asker, scope, name, f"first: {size}{order}{after}")
        assert len(found["nodes"]) <= size
        assert found["pageInfo"]["hasPreviousPage"] is (turn > 0)
        seen += ids(found)
        if not found["pageInfo"]["hasNextPage"]:
            assert len(seen) == found["totalCount"]
            return seen
        after = f', after: "{found["pageInfo"]["endCursor"]}"'
    raise AssertionError


async def backward(asker: Asker, scope: Scope, name: str, order: str, size: int) -> list[str]:
    """All rows, page by page from the end."""
    seen: list[str] = []
    before = ""
    for turn in itertools.count():
        found = await page(asker, scope, name, f"last: {size}{order}{before}")
        assert found["pageInfo"]["hasNextPage"] is (turn > 0)
        seen = ids(found) + seen
        if not found["pageInfo"]["hasPreviousPage"]:
            return seen
        before = f', before: "{found["pageInfo"]["startCursor"]}"'
    raise AssertionError


def orderings() -> Iterator[tuple[str, str]]:
    """Each list by its own order, by each of its keys both ways, and by two keys in opposite directions."""
    for name, field in LISTS.items():
        yield name, ""
        for key in field.orders:
            for direction in ("ASC", "DESC"):
                yield name, f", orderBy: [{{field: {key}, direction: {direction}}}]"
        for first, second in [[*field.orders][:2]] if len(field.orders) > 1 else []:
            yield name, f", orderBy: [{{field: {first}}}, {{field: {second}, direction: DESC}}]"


@pytest.mark.parametrize(("name", "order"), [*orderings()], ids=[f"{n}{o}" for n, o in orderings()])
async def test_every_row_is_met_once_and_in_order(
    asker: Asker, ours: Everything, name: str, order: str
) -> None:
    whole = ids(await page(asker, ours.scope, name, f"first: 1000{order}"))
    assert len(set(whole)) == len(whole)
    for size in (1, 2, 3, len(whole), len(whole) + 1):
        assert await forward(asker, ours.scope, name, order, size) == whole
        if size:
            assert await backward(asker, ours.scope, name, order, size) == whole


@pytest.mark.parametrize("name", LISTS)
async def test_an_offset_passes_rows_over(asker: Asker, ours: Everything, name: str) -> None:
    whole = ids(await page(asker, ours.scope, name, "first: 1000"))
    for offset in range(len(whole) + 2):
        found = await page(asker, ours.scope, name, f"first: 2, offset: {offset}")
        assert ids(found) == whole[offset : offset + 2]
        assert found["pageInfo"]["hasNextPage"] is (len(whole) > offset + 2)
        assert found["pageInfo"]["hasPreviousPage"] is (offset > 0)
        back = await page(asker, ours.scope, name, f"last: 2, offset: {offset}")
        assert ids(back) == whole[: len(whole) - offset][-2:] if offset < len(whole) else not ids(back)
        assert back["pageInfo"]["hasNextPage"] is (offset > 0)
        assert back["pageInfo"]["hasPreviousPage"] is (len(whole) > offset + 2)


async def test_between_two_cursors(asker: Asker, ours: Everything) -> None:
    edges = (await page(asker, ours.scope, "campaigns", "first: 100"))["edges"]
    whole = [edge["node"]["id"] for edge in edges]
    for first, last in itertools.combinations(range(len(edges)), 2):
        between = f'after: "{edges[first]["cursor"]}", before: "{edges[last]["cursor"]}"'
        inside = whole[first + 1 : last]
        assert ids(await page(asker, ours.scope, "campaigns", between)) == inside
        assert ids(await page(asker, ours.scope, "campaigns", f"last: 1, {between}")) == inside[-1:]


@pytest.mark.parametrize("empty", ["first: 0", "last: 0"])
async def test_a_page_of_nothing_still_knows_whether_there_is_more(
    asker: Asker, ours: Everything, empty: str
) -> None:
    found = await page(asker, ours.scope, "campaigns", empty)
    assert found["nodes"] == []
    assert found["totalCount"] > 0
    more = "hasNextPage" if empty.startswith("first") else "hasPreviousPage"
    assert found["pageInfo"][more] is True


async def test_rows_that_come_and_go_between_pages_are_no_drift(db: Database, asker: Asker) -> None:
    """Rows that were there all the time are met exactly once."""
    group = await groups.group(db)
    made = [await given.campaign(db, group.scope, name=f"c{n:02}") for n in range(9)]
    order = ", orderBy: [{field: NAME}]"
    seen: list[str] = []
    after = ""
    for turn in range(9):
        found = await page(asker, group.scope, "campaigns", f"first: 2{order}{after}")
        seen += ids(found)
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = f', after: "{found["pageInfo"]["endCursor"]}"'
        # One before everything, one that is where the next page begins; and the cursor's own row goes.
        await given.campaign(db, group.scope, name="a")
        await given.campaign(db, group.scope, name=f"c{2 * turn + 1:02}+")
        async with db.transaction(group.scope) as tx:
            gone = int(found["nodes"][-1]["id"].removeprefix("camp_"))
            await tx.execute("UPDATE campaign SET deleted_at = now() WHERE id = $1", gone)
    stayed = [f"camp_{one}" for one in made if f"camp_{one}" in seen]
    assert [one for one in seen if one in stayed] == [f"camp_{one}" for one in made]
    assert len(set(seen)) == len(seen)


async def test_ties_are_broken_by_id_in_the_direction_of_the_last_key(db: Database, asker: Asker) -> None:
    group = await groups.group(db)
    made = [f"camp_{await given.campaign(db, group.scope, name='the same')}" for _ in range(5)]
    for direction, expected in (("ASC", made), ("DESC", made[::-1])):
        order = f", orderBy: [{{field: NAME, direction: {direction}}}]"
        for size in (1, 2, 5):
            assert await forward(asker, group.scope, "campaigns", order, size) == expected
            assert await backward(asker, group.scope, "campaigns", order, size) == expected


async def test_texts_are_ordered_by_code_point(db: Database, asker: Asker) -> None:
    group = await groups.group(db)
    names = ["A", "a", "B", "É", "Z", "é", "-", "ab", "a b", "漢", "🎉", "\u00e9\u0301"]
    for name in names:
        await given.campaign(db, group.scope, name=name)
    query = "{ campaigns(orderBy: [{field: NAME}]) { nodes { name } } }"
    answer = json.loads((await asker.planned(group.scope, query)).body)
    shown = [row["name"] for row in answer["data"]["campaigns"]["nodes"]]
    assert shown == sorted(names)


async def test_a_key_given_twice_counts_once(asker: Asker, ours: Everything) -> None:
    twice = "first: 9, orderBy: [{field: NAME}, {field: NAME, direction: DESC}]"
    assert await page(asker, ours.scope, "campaigns", twice) == await page(
        asker, ours.scope, "campaigns", "first: 9, orderBy: [{field: NAME}]"
    )


async def test_pages_of_each_parent_are_its_own(asker: Asker, ours: Everything) -> None:
    outlays = f"outlays(first: 1) {{ totalCount {INFO} nodes {{ id campaign {{ id }} }} }}"
    query = f"{{ campaigns {{ nodes {{ id {outlays} }} }} }}"
    planned, resolved = await asker.both(ours.scope, query)
    assert json.loads(planned.body) == json.loads(resolved.body)
    rows = json.loads(planned.body)["data"]["campaigns"]["nodes"]
    assert {row["outlays"]["totalCount"] for row in rows} > {0, 1}
    for row in rows:
        found = row["outlays"]
        assert len(found["nodes"]) == min(1, found["totalCount"])
        assert found["pageInfo"]["hasNextPage"] is (found["totalCount"] > 1)
        assert all(outlay["campaign"]["id"] == row["id"] for outlay in found["nodes"])


# ── cursors that nobody gave out ──────────────────────────────────────────────


def cursor(*parts: object) -> str:
    """As ours are made."""
    text = json.dumps(parts, ensure_ascii=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def encoded(raw: bytes) -> str:
    """Any bytes."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


NAME, BUDGET, START = "NAME:ASC,id:ASC", "BUDGET:ASC,id:ASC", "STARTS_AT:ASC,id:ASC"
FORGED = {
    "no base64": ("NAME", "%%%"),
    "no JSON": ("NAME", encoded(b"hello")),
    "no UTF-8": ("NAME", encoded(b'["NAME:ASC,id:ASC","\xff",1]')),
    "no list": ("NAME", encoded(b'{"a": 1}')),
    "too short": ("NAME", cursor(NAME, "x")),
    "too long": ("NAME", cursor(NAME, "x", 1, 2)),
    "of another ordering": ("NAME", cursor(BUDGET, "1", 1)),
    "a number for a text": ("NAME", cursor(NAME, 1, 1)),
    "null for a text": ("NAME", cursor(NAME, None, 1)),
    "a text with NUL": ("NAME", cursor(NAME, "a\x00b", 1)),
    "a text with half a surrogate pair": ("NAME", encoded(b'["NAME:ASC,id:ASC","\\ud800",1]')),
    "a text for an id": ("NAME", cursor(NAME, "x", "1")),
    "a truth for an id": ("NAME", cursor(NAME, "x", True)),
    "half an id": ("NAME", cursor(NAME, "x", 1.5)),
    "an id of 65 bits": ("NAME", cursor(NAME, "x", 2**63)),
    "an id of 1,000 digits": ("NAME", encoded(b'["NAME:ASC,id:ASC","x",' + b"9" * 1000 + b"]")),
    "NaN for an amount": ("BUDGET", cursor(BUDGET, "NaN", 1)),
    "infinity for an amount": ("BUDGET", cursor(BUDGET, "Infinity", 1)),
    "a huge amount": ("BUDGET", cursor(BUDGET, "1e400", 1)),
    "a number for an amount": ("BUDGET", cursor(BUDGET, 1.5, 1)),
    "words for an instant": ("STARTS_AT", cursor(START, "tomorrow", 1)),
    "the year 0": ("STARTS_AT", cursor(START, "0000-01-01T00:00:00Z", 1)),
    "before the year 1 by its offset": ("STARTS_AT", cursor(START, "0001-01-01T00:00:00+14:00", 1)),
    "after the year 9999": ("STARTS_AT", cursor(START, "99999-01-01T00:00:00Z", 1)),
    "nested deeply": ("NAME", encoded(b"[" * 5_000)),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_cursor_nobody_gave_out_is_refused(asker: Asker, ours: Everything, name: str) -> None:
    key, made = FORGED[name]
    query = f"query($c: String) {{ campaigns(after: $c, orderBy: [{{field: {key}}}]) {{ nodes {{ id }} }} }}"
    for answer in await asker.both(ours.scope, query, c=made):
        assert answer.execution == "refused", answer.body
        assert answer.errors[0]["extensions"]["code"] == "INVALID"
        assert answer.errors[0]["message"].startswith("after: ")


@pytest.mark.parametrize(
    ("key", "made"),
    [
        ("NAME", cursor(NAME, "", 1)),
        ("NAME", cursor(NAME, "🎉 \" ' \\ \n", 2**63 - 1)),
        ("NAME", cursor(NAME, "x", -(2**63))),
        ("BUDGET", cursor(BUDGET, "-1.00001", 1)),
        ("STARTS_AT", cursor(START, "0001-01-01T00:00:00Z", 1)),
        ("STARTS_AT", cursor(START, "9999-12-31T23:59:59.999999Z", 1)),
    ],
)
async def test_a_cursor_between_the_rows_is_a_place_like_any_other(
    asker: Asker, ours: Everything, key: str, made: str
) -> None:
    await page(asker, ours.scope, "campaigns", f'first: 3, after: "{made}", orderBy: [{{field: {key}}}]')


@pytest.mark.parametrize("ident", ["x", 1, True, None, ["x"]])
async def test_a_cursor_with_no_uuid_for_an_event_is_refused(
    asker: Asker, ours: Everything, ident: object
) -> None:
    made = cursor("RECEIVED_AT:DESC,id:DESC", "2026-01-01T00:00:00Z", ident)
    query = "query($c: String) { events(after: $c) { nodes { id } } }"
    for answer in await asker.both(ours.scope, query, c=made):
        assert answer.execution == "refused", answer.body
        assert answer.errors[0]["message"].startswith("after: ")
