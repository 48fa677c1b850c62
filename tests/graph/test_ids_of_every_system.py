"""Wherever the graph takes an id it takes another system's: as text or as an object, by both executions alike."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import TABLES
from app.graph.running.entry import Answer, Operation, answer
from app.values.scope import Scope
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.statements import recorded

LIST = "query($ids: [ID!]) { campaigns(first: 20, filter: {ids: $ids}) { totalCount nodes { id } } }"
KIND_OF = {table: kind for kind, table in TABLES.items()}
NUMBER = 500_000_000


@pytest.fixture(scope="module")
async def known(db: Database, ours: Everything, theirs: Everything) -> dict[str, str]:
    """Our campaigns: what Benji calls each. The other group has the same numbers."""
    for group in (ours, theirs):
        async with db.transaction(group.scope) as tx:
            for table, rows in group.ids.items():
                if (kind := KIND_OF.get(table)) is not None and kind != "event":
                    ids = {
                        row: {"benji": str(NUMBER + at), "own": f"a:{at} b"} for at, row in enumerate(rows)
                    }
                    await set_ids(tx, kind, ids)  # type: ignore[arg-type]
    return {f"camp_{row}": str(NUMBER + at) for at, row in enumerate(ours.campaign_ids)}


async def alike(asker: Asker, scope: Scope, query: str, **variables: Any) -> Answer:
    """The answer, which is the same by the one statement and by the resolvers."""
    planned, resolved = await asker.both(scope, query, **variables)
    assert planned.body == resolved.body
    assert (planned.execution, resolved.execution) == ("planned", "resolved")
    return planned


def forms(ident: str, system: str = "benji") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """`ID` in a document, as a literal and as a variable, as text and as an object: declaration, value, variables."""
    text, given = f"{system}:{ident}", {"system": system, "id": ident}
    yield "", json.dumps(text), {}
    yield "", f'{{system: "{system}", id: {json.dumps(ident)}}}', {}
    yield "($id: ID!)", "$id", {"id": text}
    yield "($id: ID!)", "$id", {"id": given}
    yield "($of: ID!)", f'{{system: "{system}", id: $of}}', {"of": ident}


async def test_a_row_by_its_id_elsewhere(asker: Asker, ours: Everything, known: dict[str, str]) -> None:
    for own, ident in list(known.items())[:2]:
        for declared, value, variables in forms(ident):
            if "$of" in value:
                continue
            for field in ("id", "name", "store { id }"):
                query = f"query{declared} {{ campaign(id: {value}) {{ id {field} }} }}"
                shown = json.loads((await alike(asker, ours.scope, query, **variables)).body)
                assert shown["data"]["campaign"]["id"] == own
    # A number as a literal, and with characters of its own.
    (own, ident) = next(iter(known.items()))
    query = f'{{ campaign(id: {{system: "benji", id: {ident}}}) {{ id }} }}'
    assert own.encode() in (await alike(asker, ours.scope, query)).body
    assert own.encode() in (await alike(asker, ours.scope, '{ campaign(id: "own:a:0 b") { id } }')).body


async def test_our_number_in_the_system_s_form(asker: Asker, ours: Everything, known: dict[str, str]) -> None:
    own = next(iter(known))
    number = int(own.removeprefix("camp_"))
    for text in (f"criteo:{number}", f"crm:{own}", f"webmarketer:{number:024x}"):
        answered = await alike(asker, ours.scope, "query($id: ID!) { campaign(id: $id) { id } }", id=text)
        assert json.loads(answered.body)["data"]["campaign"] == {"id": own}, text


@pytest.mark.parametrize(
    "ident",
    ["benji:499", "benji:0", "benji:x", "benji:99999999999999999999", "criteo:500000000", "nobody:1", "crm:camp_0",
     "webmarketer:zz", "own:a", "own: a:0 b", "benji: 500000000", "store:500000000"],
)  # fmt: skip
async def test_unknown_ones_are_not_found(
    asker: Asker, ours: Everything, known: dict[str, str], ident: str
) -> None:
    assert known
    one = await alike(asker, ours.scope, "query($id: ID!) { campaign(id: $id) { id } }", id=ident)
    assert json.loads(one.body) == {"data": {"campaign": None}}
    many = await alike(asker, ours.scope, LIST, ids=[ident])
    assert json.loads(many.body)["data"]["campaigns"] == {"totalCount": 0, "nodes": []}


async def test_of_any_kind_it_names_nothing_whatever_is_asked_for_beside_it(
    asker: Asker, ours: Everything, known: dict[str, str]
) -> None:
    own, ident = next(iter(known.items()))
    for ids in ([f"benji:{ident}"], [f"benji:{ident}", own], [own, f"benji:{ident}"], [f"crm:{own}", own]):
        many = await alike(asker, ours.scope, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
        assert json.loads(many.body)["data"]["nodes"] == [{"id": own} if one == own else None for one in ids]
    for one in (f"benji:{ident}", f"camp_x:{ident}"):
        found = await alike(asker, ours.scope, "query($id: ID!) { node(id: $id) { id } }", id=one)
        assert json.loads(found.body)["data"]["node"] is None


async def test_another_group_s_ids_are_others(
    asker: Asker, ours: Everything, theirs: Everything, known: dict[str, str]
) -> None:
    ident = next(iter(known.values()))
    for group in (ours, theirs):
        shown = await alike(
            asker, group.scope, "query($id: ID!) { campaign(id: $id) { id } }", id=f"benji:{ident}"
        )
        assert json.loads(shown.body)["data"]["campaign"]["id"] == f"camp_{group.campaign_ids[0]}"
    # What a narrower scope does not reach it does not reach by another name.
    for scope in (ours.store_scope, ours.project_scope):
        for own, other in known.items():
            by_own = await alike(asker, scope, "query($id: ID!) { campaign(id: $id) { name } }", id=own)
            by_other = await alike(
                asker, scope, "query($id: ID!) { campaign(id: $id) { name } }", id=f"benji:{other}"
            )
            assert by_own.body == by_other.body


async def test_mixed_lists_in_filters(asker: Asker, ours: Everything, known: dict[str, str]) -> None:
    (a, x), (b, y), (c, _), *_ = known.items()
    mixed: list[Any] = [f"benji:{x}", {"system": "benji", "id": y}, c, "benji:1", "nonsense", a]
    shown = json.loads((await alike(asker, ours.scope, LIST, ids=mixed)).body)["data"]["campaigns"]
    assert {one["id"] for one in shown["nodes"]} == {a, b, c}
    given = f'"benji:{x}", {{system: "benji", id: "{y}"}}, "{c}"'
    literal = f"{{ campaigns(filter: {{ids: [{given}]}}) {{ nodes {{ id }} }} }}"
    shown = json.loads((await alike(asker, ours.scope, literal)).body)["data"]["campaigns"]
    assert {one["id"] for one in shown["nodes"]} == {a, b, c}
    # By the rows they point at, and with the other conditions of a filter; nested lists too.
    for name, prefix, rows in (
        ("storeIds", "store", ours.store_ids), ("partnerIds", "part", ours.ids["partner"]),
        ("partnershipIds", "pship", ours.ids["partnership"]),
    ):  # fmt: skip
        given = f'filter: {{{name}: $ids, search: ""}}'
        query = f"query($ids: [ID!]) {{ campaigns(first: 20, {given}) {{ nodes {{ id }} }} }}"
        for at, row in enumerate(rows):
            by_own = await alike(asker, ours.scope, query, ids=[f"{prefix}_{row}"])
            by_other = await alike(asker, ours.scope, query, ids=[f"benji:{NUMBER + at}"])
            assert by_own.body == by_other.body, (name, at)


async def test_the_same_document_with_other_ids(
    asker: Asker, ours: Everything, known: dict[str, str]
) -> None:
    """Whether an id is one of ours is part of a plan: the next request may have another kind."""
    (a, x), (b, y), *_ = known.items()
    query = "query($id: ID!) { campaign(id: $id) { id } }"
    for ident, own in (
        (a, a),
        (f"benji:{x}", a),
        (b, b),
        (f"benji:{y}", b),
        ({"system": "benji", "id": x}, a),
        (a, a),
    ):
        shown = json.loads((await alike(asker, ours.scope, query, id=ident)).body)
        assert shown["data"]["campaign"]["id"] == own
    for ids, expected in (
        ([a], {a}),
        ([a, f"benji:{y}"], {a, b}),
        ([f"benji:{x}"], {a}),
        ([], set()),
        ([b, a], {a, b}),
    ):
        shown = json.loads((await alike(asker, ours.scope, LIST, ids=ids)).body)["data"]["campaigns"]
        assert {one["id"] for one in shown["nodes"]} == expected


@pytest.mark.parametrize(
    "given",
    [
        {"system": "benji"}, {"id": "5"}, {"system": "benji", "id": "5", "more": 1}, {"system": 5, "id": "5"},
        {"system": "Benji", "id": "5"}, {"system": "", "id": "5"}, {"system": "benji", "id": ""},
        {"system": "benji", "id": None}, {"system": "benji", "id": {}}, {"system": "a" * 33, "id": "5"}, {},
        [["benji:5"]],
        {"system": "be:nji", "id": "5"}, {"system": "benji", "id": 1.5}, True,
    ],
)  # fmt: skip
async def test_malformed_ones_are_errors_that_say_what_is_right(
    asker: Asker, ours: Everything, known: dict[str, str], given: Any
) -> None:
    assert known
    query = "query($id: ID!) { campaign(id: $id) { id } }"
    planned, resolved = await asker.both(ours.scope, query, id=given)
    for made in (planned, resolved):
        body = json.loads(made.body)
        assert body.get("data") is None, body
        assert body["errors"], body
        assert "Internal" not in body["errors"][0]["message"]
    assert [e["message"] for e in json.loads(planned.body)["errors"]] == [
        e["message"] for e in json.loads(resolved.body)["errors"]
    ]
    if isinstance(given, dict) and given.keys() != {"system", "id"}:
        assert "benji:500" in json.loads(planned.body)["errors"][0]["message"]


async def test_a_variable_that_is_a_part_of_one_is_said(
    asker: Asker, ours: Everything, known: dict[str, str]
) -> None:
    assert known
    query = "query($of: String!, $id: ID!) { campaign(id: {system: $of, id: $id}) { id } }"
    for made in await asker.both(ours.scope, query, of="benji", id="500"):
        assert "A variable cannot be a part" in json.loads(made.body)["errors"][0]["message"]


async def test_a_text_that_looks_like_one_stays_a_text(
    asker: Asker, ours: Everything, known: dict[str, str]
) -> None:
    ident = next(iter(known.values()))
    query = "query($text: String) { campaigns(filter: {search: $text}) { totalCount } }"
    assert b'"totalCount":0' in (await alike(asker, ours.scope, query, text=f"benji:{ident}")).body
    body = json.loads(
        (
            await _write(
                asker, ours.scope,
                "mutation($input: PartnerCreateInput!) { partnerCreate(input: $input)"
                " { partner { name } errors { code } } }",
                {"name": f"benji:{ident}"},
            )
        ).body
    )  # fmt: skip
    assert body["data"]["partnerCreate"] == {"partner": {"name": f"benji:{ident}"}, "errors": []}


async def _write(asker: Asker, scope: Scope, document: str, value: Any) -> Answer:
    context = asker.context(scope, roles=frozenset(Role))
    return await answer(Operation(document, {"input": value}), context)


BULK: list[tuple[str, str, str, list[str]]] = [
    ("metricsRecord", "MetricsRecordInput", "entries", ["campaignId"]),
    ("touchesRecord", "TouchesRecordInput", "touches", ["customerId", "campaignId"]),
    ("ordersRecord", "OrdersRecordInput", "orders", ["customerId", "campaignId", "storeId"]),
]


def _entry(name: str, at: int, named: dict[str, Any], *, turn: int = 0) -> dict[str, Any]:
    """One of many that are all about the same rows."""
    if name == "metricsRecord":
        # The same figures again would move nothing, and so cost less.
        return {"day": "2025-06-01", "channel": f"c{at}", "clicks": 1 + turn, **named}
    if name == "touchesRecord":
        return {"stage": "AWARENESS", "reference": f"touch {named} {at}", **named}
    return {"reference": f"order {named} {at}", "amount": "5", **named}


@pytest.mark.parametrize(("name", "kind", "many", "places"), BULK)
async def test_a_thousand_entries_are_one_look_up(
    asker: Asker, ours: Everything, known: dict[str, str], name: str, kind: str, many: str, places: list[str]
) -> None:
    assert known
    # Of the second store's campaigns, so that every reference fits.
    campaign, store = ours.campaign_ids[0], ours.store_ids[0]
    rows = {
        "campaignId": ("camp", campaign, ours.campaign_ids.index(campaign)),
        "customerId": ("cust", ours.ids["customer"][0], 0),
        "storeId": ("store", store, 0),
    }
    document = (
        f"mutation($input: {kind}!) {{ {name}(input: $input) {{ recorded errors {{ code path message }} }} }}"
    )
    by_own = {place: f"{rows[place][0]}_{rows[place][1]}" for place in places}
    by_text = {place: f"benji:{NUMBER + rows[place][2]}" for place in places}
    by_object = {place: {"system": "benji", "id": str(NUMBER + rows[place][2])} for place in places}
    counts = []
    ways: list[dict[str, Any]] = [by_own, by_text, by_object]
    for turn, given in enumerate(ways):
        entries = [_entry(name, n, given, turn=turn) for n in range(1_000)]
        with recorded() as statements:
            body = json.loads((await _write(asker, ours.scope, document, {many: entries})).body)
        assert body["data"][name] == {"recorded": 1_000, "errors": []}
        counts.append(len(statements))
        look_ups = [one for one in statements if "JOIN external_id" in one]
        assert len(look_ups) == (0 if given is by_own else 1)
    # One look-up more, and nothing else.
    assert counts[1] == counts[2] == counts[0] + 1
    # One that nobody has is refused at its place, like one of ours.
    for place in places:
        told = []
        for nobody in (f"{rows[place][0]}_77", "benji:77"):
            unknown = [_entry(name, 0, by_text), _entry(name, 1, {**by_text, place: nobody})]
            body = json.loads((await _write(asker, ours.scope, document, {many: unknown})).body)
            told.append([(one["code"], one["path"]) for one in body["data"][name]["errors"]])
        assert told[0] == told[1]
        assert [code for code, _ in told[0]] == ["NOT_FOUND"]


async def test_inputs_deep_inside(asker: Asker, ours: Everything, known: dict[str, str]) -> None:
    own, ident = next(iter(known.items()))
    body = json.loads(
        (
            await _write(
                asker, ours.scope,
                "mutation($input: CampaignUpdateInput!) { campaignUpdate(input: $input)"
                " { campaign { id rewards { partner { id } } } errors { code path } } }",
                {"id": f"benji:{ident}", "rewards": {"type": "EARN", "partnerId": {"system": "own", "id": "a:0 b"}}},
            )
        ).body
    )  # fmt: skip
    made = body["data"]["campaignUpdate"]
    assert (made["errors"], made["campaign"]["id"]) == ([], own), made
    assert made["campaign"]["rewards"]["partner"]["id"] == f"part_{ours.ids['partner'][0]}"
