"""A project is named alike everywhere: by its slug, its id, or its id in another system."""

import pytest

from app.db.database import Database
from tests.given import groups
from tests.tenants.conftest import PROJECT, Call

TRASH = '{ trashReasons(project: "%s") { code } }'
CAMPAIGNS = '{ campaigns(filter: {project: "%s"}) { nodes { id project { id } } } }'
SEND = """mutation { eventSendNow(input: {project: "%s", eventType: "order", nonce: "1", data: {}}) {
    event { project { id } } errors { message } } }"""


@pytest.mark.parametrize("by", ["slug", "id", "reference"])
async def test_a_project_has_three_names(db: Database, call: Call, ask: Call, by: str) -> None:
    group, other = await groups.group(db), await groups.group(db)
    made = (await call(group.scope, "projectCreate", PROJECT, name="Named shop"))["project"]
    entry = {"row": made["id"], "system": "erp", "id": "P-7"}
    assert (await call(group.scope, "externalIdsRecord", "recorded", entries=[entry]))["errors"] == []
    named = {"slug": made["slug"], "id": made["id"], "reference": "erp:P-7"}[by]

    campaign = await call(
        group.scope, "campaignCreate", "campaign { id project { id } }", name="C", project=named
    )
    assert campaign["campaign"]["project"] == {"id": made["id"]}
    ident = campaign["campaign"]["id"]
    assert (await ask(group.scope, CAMPAIGNS % named))["campaigns"]["nodes"] == [campaign["campaign"]]
    none = await call(group.scope, "campaignUpdate", "campaign { project { id } }", id=ident, project=None)
    assert none["campaign"]["project"] is None
    copy = await call(
        group.scope, "campaignClone", "campaign { project { id } }", sourceId=ident, project=named
    )
    assert copy["campaign"]["project"] == {"id": made["id"]}
    kind = await call(group.scope, "eventTypeCreate", "eventType { id }", project=named, reference="order")
    assert kind["errors"] == []
    sent = await ask(group.scope, SEND % named)
    assert sent["eventSendNow"] == {"event": {"project": {"id": made["id"]}}, "errors": []}
    assert (await ask(group.scope, TRASH % named))["trashReasons"] == []
    assert (await call(group.scope, "eventReplay", "replayed", project=named))["errors"] == []

    foreign = await call(other.scope, "campaignCreate", "campaign { id }", name="C", project=named)
    assert [(e["code"], e["path"]) for e in foreign["errors"]] == [("NOT_FOUND", ["project"])]
