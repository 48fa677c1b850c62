"""Mutations: what they change, how they say no, who may, and that the schema tells about all of it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)
from starlette.datastructures import Headers, UploadFile

from app.auth.principal import ADMIN_ROLES, PLATFORM_ROLES, WRITERS, Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.declaring.writing import ROLES, shows_secret
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.graph.schema import graph
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

Call = Callable[..., Any]


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Call:
    """Run a document as a credential of this scope and these roles."""
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *roles: Role, **variables: Any) -> dict[str, Any]:
        principal = Principal("test", scope, frozenset(roles or {Role.TENANT_ADMIN}))
        context = Context(services, principal, base_url="https://gateway.example", now=given.NOON)
        made = await answer(Operation(query, variables), context)
        found: dict[str, Any] = json.loads(made.body)
        return found

    return run


ERRORS = "errors { code message path }"
CREATE = f"""
mutation($input: CampaignCreateInput!) {{ campaignCreate(input: $input) {{
  campaign {{ id name status type channels startsOn endsOn currency budget {{ amount currency }}
    content {{ subject ctaUrl }} rewards {{ type partner {{ id }} }} tracking {{ slug }}
    store {{ id }} segment {{ id }} createdAt activatedAt isTemplate }}
  {ERRORS} }} }}
"""
UPDATE = f"""
mutation($input: CampaignUpdateInput!) {{ campaignUpdate(input: $input) {{
  campaign {{ name description content {{ subject body }} rewards {{ type }} }} {ERRORS} }} }}
"""


async def test_a_campaign_is_made_with_everything_nested(db: Database, call: Call) -> None:
    group = await groups.group(db)
    segment = await given.segment(db, group.group_id)
    partner = await given.partner(db, group.group_id)
    made = await call(
        group.scope,
        CREATE,
        input={
            "name": "Été", "type": "LOYALTY", "channels": ["email"], "startsOn": "2025-07-01",
            "periodType": "1_month", "budgetTotal": "1200.50", "segmentId": f"seg_{segment}",
            "content": {"subject": "Hi", "ctaUrl": "https://example.com"},
            "rewards": {"type": "EARN", "partnerId": f"part_{partner}"},
        },
    )  # fmt: skip
    campaign = made["data"]["campaignCreate"]["campaign"]
    assert campaign.pop("id").startswith("camp_")
    assert campaign == {
        "name": "Été", "status": "SCHEDULED", "type": "LOYALTY", "channels": ["email"],
        "startsOn": "2025-07-01", "endsOn": "2025-07-31", "currency": "EUR",
        "budget": {"amount": "1200.50", "currency": "EUR"},
        "content": {"subject": "Hi", "ctaUrl": "https://example.com"},
        "rewards": {"type": "EARN", "partner": {"id": f"part_{partner}"}}, "tracking": None,
        "store": {"id": f"store_{group.store_id}"}, "segment": {"id": f"seg_{segment}"},
        "createdAt": "2025-06-15T12:00:00Z", "activatedAt": None, "isTemplate": False,
    }  # fmt: skip
    assert made["data"]["campaignCreate"]["errors"] == []


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"name": " "}, "INVALID", ["name"]),
        ({"channels": ["a", ""]}, "INVALID", ["channels", "1"]),
        ({"segmentId": "seg_999999"}, "NOT_FOUND", ["segmentId"]),
        ({"segmentId": "camp_1"}, "NOT_FOUND", ["segmentId"]),
        ({"storeId": "nonsense"}, "NOT_FOUND", ["storeId"]),
        ({"tracking": {"integrationId": "intg_0"}}, "NOT_FOUND", ["tracking", "integrationId"]),
        ({"rewards": {"type": "UNRECOGNIZED"}}, "INVALID", ["rewards", "type"]),
        ({"content": {"ctaUrl": "ftp://x"}}, "INVALID", ["content", "ctaUrl"]),
        ({"startsOn": "2025-07-02", "endsOn": "2025-07-01"}, "END_BEFORE_START", ["endsOn"]),
    ],
)
async def test_a_wrong_input_is_told_in_the_payload_and_changes_nothing(
    db: Database, call: Call, fields: dict[str, Any], code: str, path: list[str]
) -> None:
    group = await groups.group(db)
    made = await call(group.scope, CREATE, input={"name": "x", **fields})
    payload = made["data"]["campaignCreate"]
    assert "errors" not in made
    assert payload["campaign"] is None
    assert [(e["code"], e["path"]) for e in payload["errors"]] == [(code, path)]
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign") == 0


async def test_absent_stays_and_null_clears_also_inside_objects(db: Database, call: Call) -> None:
    group = await groups.group(db)
    camp = await given.campaign(
        db, group.scope, description="d", subject="s", body="b", reward_type=1, owner_id=5
    )

    async def update(**fields: Any) -> dict[str, Any]:
        made = await call(group.scope, UPDATE, input={"id": f"camp_{camp}", **fields})
        found: dict[str, Any] = made["data"]["campaignUpdate"]["campaign"]
        return found

    assert await update(content={"subject": None}) == {
        "name": "June", "description": "d", "content": {"subject": None, "body": "b"},
        "rewards": {"type": "EARN"},
    }  # fmt: skip
    assert await update(description=None, content=None, rewards=None, name="July") == {
        "name": "July", "description": None, "content": None, "rewards": None,
    }  # fmt: skip


async def test_a_campaign_goes_through_its_life(db: Database, call: Call) -> None:
    group = await groups.group(db)
    camp = f"camp_{await given.campaign(db, group.scope)}"
    made = await call(
        group.scope,
        f"""mutation {{
          start: campaignMove(input: {{id: "{camp}", move: ACTIVATE}}) {{ campaign {{ status }} {ERRORS} }}
          again: campaignMove(input: {{id: "{camp}", move: ACTIVATE}}) {{ campaign {{ status }} {ERRORS} }}
          pause: campaignMove(input: {{id: "{camp}", move: PAUSE}}) {{ campaign {{ status }} {ERRORS} }}
          clone: campaignClone(input: {{sourceId: "{camp}", name: "Copy"}}) {{
            campaign {{ name status template {{ id }} }} {ERRORS} }}
          delete: campaignDelete(input: {{id: "{camp}"}}) {{ deletedId {ERRORS} }}
          gone: campaignUpdate(input: {{id: "{camp}", name: "x"}}) {{ campaign {{ name }} {ERRORS} }}
        }}""",
    )
    done = made["data"]
    assert done["start"]["campaign"] == {"status": "ACTIVE"}
    assert done["again"]["campaign"] is None
    assert done["again"]["errors"][0]["code"] == "WRONG_STATUS"
    assert done["pause"]["campaign"] == {"status": "PAUSED"}
    assert done["clone"]["campaign"] == {"name": "Copy", "status": "DRAFT", "template": {"id": camp}}
    assert done["delete"] == {"deletedId": camp, "errors": []}
    assert done["gone"]["errors"][0] == {
        "code": "NOT_FOUND", "message": f"There is no campaign {camp.removeprefix('camp_')} here.",
        "path": ["id"],
    }  # fmt: skip


async def test_a_media_order_with_files_is_all_or_nothing(db: Database, call: Call, tmp_path: Path) -> None:
    group = await groups.group(db)
    document = f"""
      mutation($input: MediaCampaignCreateInput!, $files: [Upload!]) {{
        mediaCampaignCreate(input: $input, files: $files) {{
          campaign {{ name project {{ name isInternal }}
            assets {{ nodes {{ name contentType size url }} }} }}
          {ERRORS} }} }}
    """
    order = {
        "beaconKey": group.beacon_key, "name": "Google Ads – June", "channels": ["google_ads"],
        "periodType": "1_month", "budgetTotal": 1200,
    }  # fmt: skip

    def upload(name: str, body: bytes) -> UploadFile:
        return UploadFile(io.BytesIO(body), filename=name, headers=Headers({"content-type": "image/png"}))

    files = [upload("brief.pdf", b"%PDF-1.7"), upload("banner.jpg", b"\xff\xd8\xff\xe0")]
    made = await call(group.scope, document, input=order, files=files)
    campaign = made["data"]["mediaCampaignCreate"]["campaign"]
    assert campaign["project"] == {"name": "Google Ads – June", "isInternal": True}
    assets = campaign["assets"]["nodes"]
    assert {(a["name"], a["contentType"], a["size"]) for a in assets} == {
        ("brief.pdf", "application/pdf", 8), ("banner.jpg", "image/jpeg", 4),
    }  # fmt: skip
    assert all(a["url"].startswith("https://gateway.example/assets/") for a in assets)
    kept = [path for path in (tmp_path / "assets").rglob("*") if path.is_file()]
    assert len(kept) == 2
    wrong = {**order, "startsOn": "2025-06-02", "endsOn": "2025-06-01"}
    made = await call(group.scope, document, input=wrong, files=[upload("brief.pdf", b"%PDF-1.7")])
    payload = made["data"]["mediaCampaignCreate"]
    assert (payload["campaign"], payload["errors"][0]["path"]) == (None, ["endsOn"])
    assert "`endsOn`" in payload["errors"][0]["message"]
    assert [path for path in (tmp_path / "assets").rglob("*") if path.is_file()] == kept


async def test_files_are_added_and_removed(db: Database, call: Call) -> None:
    group = await groups.group(db)
    added = await call(
        group.scope,
        f"mutation($files: [Upload!]!) {{ assetsAdd(input: {{files: $files}}) {{"
        f" assets {{ id name store {{ id }} campaign {{ id }} }} {ERRORS} }} }}",
        files=[UploadFile(io.BytesIO(b"hello"), filename="a.txt")],
    )
    (asset,) = added["data"]["assetsAdd"]["assets"]
    assert asset == {
        "id": asset["id"], "name": "a.txt", "store": {"id": f"store_{group.store_id}"}, "campaign": None,
    }  # fmt: skip
    remove = f"mutation($id: ID!) {{ assetRemove(input: {{id: $id}}) {{ removedId {ERRORS} }} }}"
    removed = await call(group.scope, remove, id=asset["id"])
    assert removed["data"]["assetRemove"] == {"removedId": asset["id"], "errors": []}
    again = await call(group.scope, remove, id=asset["id"])
    assert again["data"]["assetRemove"]["errors"][0]["code"] == "NOT_FOUND"
    text = await call(
        group.scope, "mutation($f: [Upload!]!) { assetsAdd(input: {files: $f}) { errors { code } } }", f=["x"]
    )
    assert text.get("data") is None


async def test_metrics_are_recorded_and_every_fault_is_told(db: Database, call: Call) -> None:
    group = await groups.group(db)
    camp = f"camp_{await given.campaign(db, group.scope)}"
    record = f"""
      mutation($input: MetricsRecordInput!) {{ metricsRecord(input: $input) {{
        recorded campaigns {{ id metrics {{ impressions clicks spend {{ amount }} }} }} {ERRORS} }} }}
    """
    entry = {
        "campaignId": camp, "day": "2025-06-01", "channel": "google_ads", "impressions": 1000, "clicks": 20,
        "spend": "12.50", "extra": [{"name": "likes", "value": "1.50"}],
    }  # fmt: skip
    made = await call(group.scope, record, input={"entries": [entry]})
    assert made["data"]["metricsRecord"] == {
        "recorded": 1,
        "campaigns": [
            {"id": camp, "metrics": {"impressions": 1000, "clicks": 20, "spend": {"amount": "12.50"}}}
        ],
        "errors": [],
    }
    made = await call(group.scope, record, input={"entries": [entry], "mode": "ADD"})
    assert made["data"]["metricsRecord"]["campaigns"][0]["metrics"]["clicks"] == 40
    wrong = [{**entry, "clicks": -1}, {**entry, "channel": "b", "day": "2026-01-01"}]
    made = await call(group.scope, record, input={"entries": wrong})
    payload = made["data"]["metricsRecord"]
    assert (payload["recorded"], payload["campaigns"]) == (0, None)
    assert [e["path"] for e in payload["errors"]] == [["entries", "0", "clicks"], ["entries", "1", "day"]]


async def test_stores_and_the_group_are_written(db: Database, call: Call) -> None:
    group = await groups.group(db)
    made = await call(
        group.scope,
        f"""mutation {{
          storeCreate(input: {{name: "Lyon", beaconKey: "lyon-1", timeZone: "Europe/Paris"}}) {{
            store {{ id name beaconKey timeZone isDefault }} {ERRORS} }}
          taken: storeCreate(input: {{name: "Lyon", beaconKey: "lyon-1"}}) {{ store {{ id }} {ERRORS} }}
          groupUpdate(input: {{name: "Renamed"}}) {{ group {{ name timeZone }} {ERRORS} }}
        }}""",
    )
    store = made["data"]["storeCreate"]["store"]
    assert (store["name"], store["beaconKey"], store["isDefault"]) == ("Lyon", "lyon-1", False)
    assert made["data"]["taken"]["errors"][0]["code"] == "BEACON_KEY_EXISTS"
    assert made["data"]["groupUpdate"]["group"] == {"name": "Renamed", "timeZone": "Europe/Paris"}
    update = f"""mutation($input: StoreUpdateInput!) {{
      storeUpdate(input: $input) {{ store {{ name timeZone }} {ERRORS} }} }}"""
    changed = await call(group.scope, update, input={"id": store["id"], "timeZone": None})
    assert changed["data"]["storeUpdate"]["store"] == {"name": "Lyon", "timeZone": None}


async def test_keys_are_made_once_and_revoked(db: Database, call: Call) -> None:
    group = await groups.group(db)
    create = f"""mutation($input: ApiKeyCreateInput!) {{ apiKeyCreate(input: $input) {{
      secret apiKey {{ id name access revokedAt }} {ERRORS} }} }}"""
    made = await call(group.scope, create, input={"name": "till", "access": "WRITE"})
    payload = made["data"]["apiKeyCreate"]
    assert payload["secret"]
    assert (payload["apiKey"]["name"], payload["apiKey"]["access"]) == ("till", "WRITE")
    revoke = f"""mutation($id: ID!) {{ apiKeyRevoke(input: {{id: $id}}) {{
      apiKey {{ revokedAt }} {ERRORS} }} }}"""
    done = await call(group.scope, revoke, id=payload["apiKey"]["id"])
    assert done["data"]["apiKeyRevoke"]["apiKey"] == {"revokedAt": "2025-06-15T12:00:00Z"}
    foreign = await call((await groups.group(db)).scope, revoke, id=payload["apiKey"]["id"])
    assert foreign["data"]["apiKeyRevoke"]["errors"][0]["code"] == "NOT_FOUND"
    for scope, role in [
        (group.scope, Role.MARKETING),
        (Scope(group.group_id, group.store_id), Role.TENANT_ADMIN),
    ]:
        refused = await call(scope, create, role, input={"name": "x"})
        assert refused["data"] is None
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def least(kind: Any, ident: str) -> str:
    """The least a required argument of this type can be."""
    if isinstance(kind, GraphQLNonNull):
        return least(kind.of_type, ident)
    if isinstance(kind, GraphQLList):
        if get_named_type(kind).name == "Upload":
            return "[]"  # a file can only be a variable
        return f"[{least(kind.of_type, ident)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        needed = (
            f"{n}: {least(f.type, ident)}" for n, f in kind.fields.items() if is_required_input_field(f)
        )
        return f"{{{', '.join(needed)}}}"
    by_name = {
        "Boolean": "true",
        "ID": f'"{ident}"',
        "String": '"x"',
        "DateTime": '"2025-06-01"',
        "Date": '"2025-06-01"',
    }
    return by_name.get(kind.name, "1")


async def test_nobody_writes_with_a_role_that_may_not(db: Database, call: Call) -> None:
    group = await groups.group(db)
    camp = f"camp_{await given.campaign(db, group.scope)}"
    mutation = graph.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        if name == "importStart":
            continue  # its file can only be a variable; see the imports' own tests
        needed = [f"{n}: {least(a.type, camp)}" for n, a in field.args.items() if is_required_argument(a)]
        text = f"mutation {{ {name}({', '.join(needed)}) {{ __typename }} }}"
        answered = await call(group.scope, text, Role.READ)
        assert answered.get("data", answered) is None, (name, answered)
        assert answered["errors"][0]["extensions"]["code"] == "FORBIDDEN", (name, answered)


def test_every_mutation_declares_its_roles_and_takes_one_input() -> None:
    mutation = graph.mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        roles = field.extensions["strawberry-definition"].metadata[ROLES]
        # Credentials are made by admins, as is the past; a delivery brings its own, and trackers need none.
        admins = name.startswith(
            ("apiKey", "webhookEndpoint", "webhookRefusals", "tokenRevoke", "externalIds", "import")
        ) or name.endswith(("Backdate", "Erase"))
        expected = ADMIN_ROLES if admins else PLATFORM_ROLES if name == "groupCreate" else WRITERS
        assert roles - {Role.WEBHOOK, Role.TRACKER} == expected, name
        assert (Role.WEBHOOK in roles) == (name == "webhookIngest")
        assert (Role.TRACKER in roles) == (name in {"eventSend", "eventSendNow", "interactionRecord"})
        assert list(field.args) in (["input"], ["input", "files"])
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["errors"].type) == "[UserError!]!"


def test_whatever_shows_a_secret_says_so() -> None:
    mutation = graph.mutation_type
    assert mutation is not None
    said = {name for name, field in mutation.fields.items() if shows_secret(field)}
    may = {name for name, field in mutation.fields.items() if "secret" in get_named_type(field.type).fields}
    # Their payload is the others', but neither an ended connection nor a setting has a secret.
    assert may - said == {"webhookEndpointDisconnect", "webhookEndpointUpdate"}
    assert said <= may


def test_everything_that_can_be_written_is_described() -> None:
    for kind in graph.type_map.values():
        if kind.name.startswith("__") or kind.name in {"Int", "String", "Boolean", "ID", "Float"}:
            continue
        assert kind.description, kind.name
        if isinstance(kind, GraphQLScalarType):
            continue
        members = kind.values if isinstance(kind, GraphQLEnumType) else getattr(kind, "fields", {})
        for name, member in members.items():
            assert member.description, f"{kind.name}.{name}"
            for argument, about in getattr(member, "args", {}).items():
                assert about.description, f"{kind.name}.{name}({argument})"
