"""Event types: declared, changed in versions, archived, found."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.domain.event_types.schemas import load_schema
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.events.conftest import OpenShop
from tests.given import groups, projects
from tests.given.asking import Asker
from tests.given.events import Shop

Call = Callable[..., Awaitable[Any]]
ERRORS = "errors { code message path }"
FIELDS = "position kind storageKey ingestionKey name dataType isRequired identity sent"
TYPE = f"""
id reference name version details expirationPolicy phoneParsing funnelStage trigger archivedAt createdAt updatedAt
project {{ slug }} fields {{ {FIELDS} }}
"""
CREATE = f"mutation($i: EventTypeCreateInput!) {{ eventTypeCreate(input: $i) {{ eventType {{ {TYPE} }} {ERRORS} }} }}"
UPDATE = f"mutation($i: EventTypeUpdateInput!) {{ eventTypeUpdate(input: $i) {{ eventType {{ {TYPE} }} {ERRORS} }} }}"
ARCHIVED = f"{{ eventType {{ archivedAt }} {ERRORS} }}"
ARCHIVE = f"mutation($i: EventTypeNameInput!) {{ eventTypeArchive(input: $i) {ARCHIVED} }}"
RESTORE = f"mutation($i: EventTypeNameInput!) {{ eventTypeRestore(input: $i) {ARCHIVED} }}"
LIST = """
query($f: EventTypeFilter, $o: [EventTypeOrder!], $first: Int, $offset: Int) {
  eventTypes(filter: $f, orderBy: $o, first: $first, offset: $offset) { totalCount nodes { reference } } }
"""
HISTORY = """
query($id: ID!, $f: EventFieldFilter) {
  eventType(id: $id) { version fieldHistory(filter: $f) { nodes { version isCurrent storageKey } } } }
"""
CONTACT: list[dict[str, Any]] = [
    {"storageKey": "email", "kind": "FIELD", "dataType": "EMAIL", "isRequired": True, "identity": "email",
     "ingestionKey": "your-email", "name": "E-mail", "sent": {"label": "E-mail", "type": "email", "n": 1.50}},
    {"storageKey": "message"},
    {"storageKey": "qualified", "kind": "STATE"},
    {"storageKey": "turnover", "kind": "STATISTIC", "dataType": "INTEGER"},
]  # fmt: skip


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Call:
    """Run a document as a writer; its data."""
    asker = Asker(db, read_settings({"DATA_DIR": str(tmp_path)}))

    async def run(scope: Scope, query: str, **variables: Any) -> Any:
        context = asker.context(scope, roles=frozenset({Role.MARKETING}))
        made = json.loads((await answer(Operation(query, variables), context)).body)
        assert "errors" not in made, made
        (found,) = made["data"].values()
        return found

    return run


async def made(call: Call, shop: Shop, reference: str = "contact-form", **other: Any) -> Any:
    """A new event type, as it is shown."""
    done = await call(shop.scope, CREATE, i={"project": shop.slug, "reference": reference, **other})
    assert done["errors"] == []
    return done["eventType"]


async def references(call: Call, shop: Shop, **variables: Any) -> list[str]:
    """What a list shows."""
    return [node["reference"] for node in (await call(shop.scope, LIST, **variables))["nodes"]]


async def test_fields_states_and_statistics_are_declared_together(shop: OpenShop, call: Call) -> None:
    given = await shop()
    shown = await made(
        call, given, name="Contact Form", fields=CONTACT, details={"a": 1.10},
        expirationPolicy={"from": "project"}, phoneParsing=["FR"], funnelStage="INTEREST", trigger="CUSTOM",
    )  # fmt: skip
    assert shown.pop("id").startswith("evtype_")
    assert shown.pop("createdAt") == shown.pop("updatedAt") == "2025-06-15T12:00:00Z"
    assert shown == {
        "reference": "contact-form", "name": "Contact Form", "version": 1, "details": {"a": 1.10},
        "expirationPolicy": {"from": "project"}, "phoneParsing": ["FR"], "funnelStage": "INTEREST",
        "trigger": "CUSTOM", "archivedAt": None, "project": {"slug": given.slug},
        "fields": [
            {"position": 0, "kind": "FIELD", "storageKey": "email", "ingestionKey": "your-email", "name": "E-mail",
             "dataType": "EMAIL", "isRequired": True, "identity": "email", "sent": CONTACT[0]["sent"]},
            {"position": 1, "kind": "FIELD", "storageKey": "message", "ingestionKey": "message", "name": "message",
             "dataType": "STRING", "isRequired": False, "identity": None, "sent": None},
            {"position": 2, "kind": "STATE", "storageKey": "qualified", "ingestionKey": "qualified",
             "name": "qualified", "dataType": "BOOLEAN", "isRequired": False, "identity": None, "sent": None},
            {"position": 3, "kind": "STATISTIC", "storageKey": "turnover", "ingestionKey": "turnover",
             "name": "turnover", "dataType": "INTEGER", "isRequired": False, "identity": None, "sent": None},
        ],
    }  # fmt: skip


async def test_without_a_name_it_is_called_by_its_reference(shop: OpenShop, call: Call) -> None:
    given = await shop()
    shown = await made(call, given, "lead_2")
    assert (shown["name"], shown["fields"], shown["details"]) == ("lead_2", [], None)


WRONG = [
    ({"reference": "two words"}, "INVALID", ["reference"]),
    ({"reference": ""}, "INVALID", ["reference"]),
    ({"reference": "-x"}, "INVALID", ["reference"]),
    ({"reference": "purchase"}, "REFERENCE_EXISTS", ["reference"]),
    ({"project": "no-such-project"}, "NOT_FOUND", ["project"]),
    ({"project": "proj_999999999"}, "NOT_FOUND", ["project"]),
    ({"name": "  "}, "INVALID", ["name"]),
    ({"name": "x" * 256}, "INVALID", ["name"]),
    ({"details": {"a": "\u0000"}}, "INVALID", ["details"]),
    ({"details": "x" * 70_000}, "INVALID", ["details"]),
    ({"fields": [{"storageKey": "a b"}]}, "INVALID", ["fields", "0", "storageKey"]),
    ({"fields": [{"storageKey": "event-count"}]}, "INVALID", ["fields", "0", "storageKey"]),
    ({"fields": [{"storageKey": "a"}, {"storageKey": "a"}]}, "STORAGE_KEY_EXISTS", ["fields", "1", "storageKey"]),
    ({"fields": [{"storageKey": "a", "ingestionKey": ""}]}, "INVALID", ["fields", "0", "ingestionKey"]),
    ({"fields": [{"storageKey": "a", "kind": "STATE", "dataType": "STRING"}]}, "INVALID", ["fields", "0", "dataType"]),
    ({"fields": [{"storageKey": "a", "kind": "STATISTIC", "dataType": "DATE"}]}, "INVALID",
     ["fields", "0", "dataType"]),
    ({"fields": [{"storageKey": "a", "kind": "STATE", "identity": "email"}]}, "INVALID", ["fields", "0", "identity"]),
    ({"fields": [{"storageKey": "turnover", "kind": "STATE"}]}, "KIND_DIFFERS", ["fields", "0", "kind"]),
    ({"fields": [{"storageKey": f"k{n}"} for n in range(201)]}, "TOO_LARGE", ["fields"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "path"), WRONG)
async def test_a_faulty_event_type_is_refused(
    shop: OpenShop, call: Call, change: dict[str, Any], code: str, path: list[str]
) -> None:
    given = await shop()
    done = await call(given.scope, CREATE, i={"project": given.slug, "reference": "new", **change})
    assert done["eventType"] is None
    assert [(error["code"], error["path"]) for error in done["errors"]] == [(code, path)]
    assert len(await given.rows("SELECT 1 FROM event_type")) == 1


async def test_every_faulty_field_is_told(shop: OpenShop, call: Call) -> None:
    given = await shop()
    fields = [{"storageKey": "?"}, {"storageKey": "good"}, {"storageKey": "good"}]
    done = await call(given.scope, CREATE, i={"project": given.slug, "reference": "new", "fields": fields})
    assert [error["path"] for error in done["errors"]] == [
        ["fields", "0", "storageKey"],
        ["fields", "2", "storageKey"],
    ]


async def test_other_fields_are_a_new_version(shop: OpenShop, call: Call) -> None:
    given = await shop()
    first = await made(call, given, fields=CONTACT)
    renamed = await call(given.scope, UPDATE, i={"id": first["id"], "name": "Other", "fields": CONTACT})
    assert (renamed["eventType"]["version"], renamed["eventType"]["name"]) == (1, "Other")
    fewer = await call(given.scope, UPDATE, i={"id": first["id"], "fields": CONTACT[:2], "details": [1]})
    assert (fewer["eventType"]["version"], fewer["eventType"]["name"]) == (2, "Other")
    assert [one["storageKey"] for one in fewer["eventType"]["fields"]] == ["email", "message"]
    none = await call(given.scope, UPDATE, i={"id": first["id"], "fields": None, "details": None})
    assert (none["eventType"]["version"], none["eventType"]["fields"]) == (3, [])
    assert none["eventType"]["details"] is None

    async def keys(**condition: Any) -> list[tuple[int, str]]:
        found = await call(given.scope, HISTORY, id=first["id"], f=condition)
        return [(one["version"], one["storageKey"]) for one in found["fieldHistory"]["nodes"]]

    assert await keys(version=2) == [(2, "email"), (2, "message")]
    assert await keys() == []
    assert await keys(current=False, storageKey="message") == [(1, "message"), (2, "message")]
    assert await keys(version=1, kinds=["STATE", "STATISTIC"]) == [(1, "qualified"), (1, "turnover")]


async def test_two_changes_at_once_are_two_versions(shop: OpenShop, call: Call) -> None:
    given = await shop()
    first = await made(call, given)
    await asyncio.gather(
        *(
            call(given.scope, UPDATE, i={"id": first["id"], "fields": [{"storageKey": f"k{n}"}]})
            for n in range(8)
        )
    )
    (kept,) = await given.rows("SELECT version FROM event_type WHERE reference = 'contact-form'")
    rows = await given.rows(
        "SELECT f.version, f.is_current FROM event_field f JOIN event_type t ON t.id = f.event_type_id"
        " WHERE t.reference = 'contact-form' ORDER BY f.version"
    )
    assert kept["version"] == 9
    assert [row["version"] for row in rows] == [*range(2, 10)]
    assert [row["version"] for row in rows if row["is_current"]] == [9]


async def test_a_key_is_the_same_kind_all_over_the_project_also_at_once(shop: OpenShop, call: Call) -> None:
    given = await shop()
    tries = [
        {"project": given.slug, "reference": f"r{n}", "fields": [{"storageKey": "rdv", "kind": kind}]}
        for n, kind in enumerate(["STATE", "STATISTIC"] * 4)
    ]
    done = await asyncio.gather(*(call(given.scope, CREATE, i=one) for one in tries))
    kinds = await given.rows("SELECT DISTINCT kind FROM event_field WHERE storage_key = 'rdv'")
    assert len(kinds) == 1
    assert sorted(error["code"] for one in done for error in one["errors"]) == ["KIND_DIFFERS"] * 4
    # Neither in a later version, nor in place of an earlier one; another project is another matter.
    (kind,) = (row["kind"] for row in kinds)
    other = {"storageKey": "rdv", "kind": "STATE" if kind == "statistic" else "STATISTIC"}
    changed = await call(given.scope, UPDATE, i={"id": f"evtype_{given.type_id}", "fields": [other]})
    assert changed["errors"][0]["code"] == "KIND_DIFFERS"
    await made(call, await shop(), fields=[other])


async def test_an_archived_type_is_out_of_the_list_until_it_is_restored(shop: OpenShop, call: Call) -> None:
    given = await shop()
    ident = {"id": (await made(call, given))["id"]}
    for _ in range(2):  # twice is once
        assert (await call(given.scope, ARCHIVE, i=ident))["eventType"]["archivedAt"] is not None
    assert await references(call, given) == ["purchase"]
    assert await references(call, given, f={"archived": True}) == ["contact-form"]
    assert await references(call, given, f={"archived": False}) == ["purchase"]
    done = await call(given.scope, CREATE, i={"project": given.slug, "reference": "contact-form"})
    assert done["errors"][0]["code"] == "REFERENCE_EXISTS"
    async with given.db.transaction(given.scope) as tx:
        schema = await load_schema(tx, given.project_id, "contact-form")
    assert schema is not None
    assert schema.is_archived
    assert (await call(given.scope, RESTORE, i=ident))["eventType"]["archivedAt"] is None
    assert sorted(await references(call, given)) == ["contact-form", "purchase"]


async def test_lists_are_searched_filtered_and_sorted(shop: OpenShop, call: Call) -> None:
    """By part of the name or reference, by a storage key, by the reference; several sort keys."""
    given = await shop()
    await made(call, given, "contact-form", name="B form", fields=CONTACT)
    await made(call, given, "lead", name="A Form", fields=CONTACT[:1])
    await made(call, given, "call_me", name="A Form")
    of = {"project": given.slug}
    assert sorted(await references(call, given, f={**of, "search": "fORM"})) == [
        "call_me",
        "contact-form",
        "lead",
    ]
    assert await references(call, given, f={**of, "search": "call_"}) == ["call_me"]
    assert await references(call, given, f={**of, "search": "%"}) == []
    assert sorted(await references(call, given, f={**of, "storageKey": "email"})) == [
        "contact-form", "lead", "purchase",
    ]  # fmt: skip
    assert await references(call, given, f={**of, "storageKey": "message"}) == ["contact-form"]
    assert await references(call, given, f={**of, "reference": "lead"}) == ["lead"]
    assert await references(call, given, f={"project": f"proj_{given.project_id}", "reference": "lead"}) == [
        "lead"
    ]
    assert await references(call, given, f={"project": "no-such"}) == []
    order = [{"field": "NAME"}, {"field": "REFERENCE", "direction": "DESC"}]
    assert await references(call, given, f=of, o=order) == ["lead", "call_me", "contact-form", "purchase"]
    assert await references(call, given, f=of, o=order, first=2, offset=1) == ["call_me", "contact-form"]
    latest = [{"field": "CREATED_AT", "direction": "DESC"}, {"field": "NAME"}]
    # The shop's own was made in 2026, the clock of the questions says 2025.
    assert (await references(call, given, f=of, o=latest))[0] == "purchase"
    await call(given.scope, UPDATE, i={"id": f"evtype_{given.type_id}", "name": "Kauf"})
    assert (await references(call, given, f=of, o=[{"field": "UPDATED_AT"}]))[-1] in ("call_me", "purchase")


async def test_an_event_type_out_of_reach_is_not_found(db: Database, shop: OpenShop, call: Call) -> None:
    given, other = await shop(), await shop()
    store = await groups.store(db, given.group_id)
    foreign_store = await groups.store(db, given.group_id)
    own = await projects.tracking(db, given.group_id, slug=f"own-{given.project_id}", store_id=store.store_id)
    done = await call(given.scope, CREATE, i={"project": f"proj_{own}", "reference": "lead"})
    ident = done["eventType"]["id"]
    for scope in (
        other.scope,
        Scope(given.group_id, project_ids=(given.project_id,)),
        Scope(given.group_id, store_id=foreign_store.store_id),
    ):
        for query in (UPDATE, ARCHIVE, RESTORE):
            refused = await call(scope, query, i={"id": ident})
            assert (refused["errors"][0]["code"], refused["errors"][0]["path"]) == ("NOT_FOUND", ["id"])
        refused = await call(scope, CREATE, i={"project": f"proj_{own}", "reference": "x"})
        assert refused["errors"][0]["path"] == ["project"]
    inside = Scope(given.group_id, store_id=store.store_id, project_ids=(own,))
    assert (await call(inside, ARCHIVE, i={"id": ident}))["errors"] == []


async def test_an_event_type_is_named_by_its_id_or_by_its_reference_in_its_project(
    shop: OpenShop, call: Call
) -> None:
    one = await shop()
    await made(call, one)
    named = {"project": one.slug, "reference": "contact-form"}
    done = await call(one.scope, UPDATE, i={**named, "name": "Renamed"})
    assert (done["errors"], done["eventType"]["name"]) == ([], "Renamed")
    assert (await call(one.scope, ARCHIVE, i=named))["eventType"]["archivedAt"]
    assert (await call(one.scope, RESTORE, i=named))["eventType"]["archivedAt"] is None
    for wrong, code in (
        ({}, "INVALID"),
        ({"project": one.slug}, "INVALID"),
        ({**named, "id": done["eventType"]["id"]}, "INVALID"),
        ({**named, "reference": "nothing"}, "NOT_FOUND"),
        ({**named, "project": "nobodys-project"}, "NOT_FOUND"),
    ):
        assert [error["code"] for error in (await call(one.scope, ARCHIVE, i=wrong))["errors"]] == [code], (
            wrong
        )
