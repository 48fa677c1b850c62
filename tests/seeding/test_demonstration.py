"""The demonstration data: believable, complete, made once, reachable with the credentials written down."""

import json
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.auth.credentials import Authenticator
from app.auth.principal import Role
from app.auth.webhooks.deliveries import Deliveries
from app.auth.webhooks.sealing import SecretBox
from app.auth.webhooks.signatures import Delivery, sign
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.seeding.demo import DemoGroups, seed_demo, write_demo_json
from app.settings import Settings, read_settings
from app.tables.all import TENANT_TABLES
from app.tables.webhooks import Provider

NOW = datetime(2025, 6, 18, 10, 30, tzinfo=UTC)

KEPT_EMPTY = {
    "audit_entry",
    "idempotent_answer",
    "retention_mark",
    "external_id",
    "import_run",
    "campaign_status_change",
    "contact_statement",
    "customer_doubt",
    "customer_merge",
    "reward_lot",
    "reward_reevaluation",
    "webhook_refusal",
}
"""Tables that tell what requests, deliveries and imports did, and what people decided; there were none yet."""


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> AssetStorage:
    """Keeps files in a folder."""
    return AssetStorage(read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


@pytest.fixture(scope="module")
async def demo(db: Database, storage: AssetStorage) -> DemoGroups:
    """Both groups, seeded."""
    return await seed_demo(db, now=NOW, storage=storage)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Any]:
    """Sees every group."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _contents(owner: Any) -> dict[str, str]:
    """A fingerprint of each tenant table."""
    return {
        table.name: await owner.fetchval(
            f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table.name} t"
        )
        for table in TENANT_TABLES
    }


async def test_every_table_has_something_to_show_in_both_groups(demo: DemoGroups, owner: Any) -> None:
    assert [group.name for group in demo.groups] == ["Maison Lumière", "Tanuki Kitchen 狸"]
    assert demo.made == 2
    for table in TENANT_TABLES:
        key = "id" if table.name == "customer_group" else "group_id"
        for group in demo.groups:
            count = await owner.fetchval(
                f"SELECT count(*) FROM {table.name} WHERE {key} = $1", group.group_id
            )
            assert (count > 0) is (table.name not in KEPT_EMPTY), (table.name, group.name)


async def test_a_second_time_changes_nothing(
    db: Database, demo: DemoGroups, storage: AssetStorage, owner: Any
) -> None:
    before = await _contents(owner)
    again = await seed_demo(db, now=NOW + timedelta(days=40), storage=storage)
    assert again == DemoGroups(demo.groups, made=0)
    assert await _contents(owner) == before


async def test_campaigns_stand_where_their_dates_say(demo: DemoGroups, owner: Any) -> None:
    wrong = await owner.fetch(
        "SELECT name, status FROM campaign WHERE status <> CASE WHEN starts_at IS NULL THEN 'draft'"
        " WHEN starts_at > $1 THEN 'scheduled' WHEN ends_at <= $1 THEN 'completed' ELSE 'active' END"
        " AND status <> 'paused' AND is_explicit",  # what traffic made runs from the start
        NOW,
    )
    assert wrong == []
    for group in demo.groups:
        found = await owner.fetchval(
            "SELECT array_agg(DISTINCT status) FROM campaign WHERE group_id = $1", group.group_id
        )
        assert {"draft", "scheduled", "active", "completed"} <= set(found)


async def test_every_kind_of_campaign_is_there(demo: DemoGroups, owner: Any) -> None:
    for group in demo.groups:
        kinds = await owner.fetchrow(
            "SELECT count(*) FILTER (WHERE budget_total > 0 AND period_type IS NOT NULL) AS media,"
            " count(*) FILTER (WHERE subject IS NOT NULL) AS message,"
            " count(*) FILTER (WHERE integration_id IS NOT NULL) AS tracked,"
            " count(*) FILTER (WHERE reward_type IS NOT NULL) AS reward,"
            " count(*) FILTER (WHERE template_id IS NOT NULL) AS cloned,"
            " count(*) FILTER (WHERE EXISTS (SELECT FROM spend_limit s WHERE s.campaign_id = c.id)) AS ad"
            " FROM campaign c WHERE group_id = $1",
            group.group_id,
        )
        assert min(kinds.values()) >= 1, dict(kinds)
    days = await owner.fetchrow(
        "SELECT min(day) AS first, max(day) AS last FROM campaign_metric WHERE impressions + sent > 0"
    )
    assert (days["last"] - days["first"]).days == 89
    assert days["last"] == NOW.date() - timedelta(days=1)


async def test_spend_is_the_ledgers_and_the_rollup_its_rows(demo: DemoGroups, owner: Any) -> None:
    off = await owner.fetch(
        "SELECT m.campaign_id, m.day, m.spend, l.amount FROM campaign_metric m LEFT JOIN"
        " (SELECT group_id, campaign_id, day, channel, sum(amount) AS amount"
        "    FROM spend_entry GROUP BY 1, 2, 3, 4) l"
        " USING (group_id, campaign_id, day, channel) WHERE m.spend <> coalesce(l.amount, 0)"
    )
    assert off == []
    assert await owner.fetch(ROLLUP_DIFFERENCES) == []
    outlays = await owner.fetch(
        "SELECT o.id FROM outlay o WHERE amount <> (SELECT sum(amount) FROM spend_entry e"
        " WHERE e.group_id = o.group_id AND e.source = 'outlay' AND e.source_ref LIKE o.id || ':%')"
    )
    assert outlays == []


ROLLUP_DIFFERENCES = """
WITH counted AS (
  SELECT m.group_id, c.store_id, m.day, m.channel, m.currency, sum(impressions) AS impressions,
         sum(clicks) AS clicks, sum(conversions) AS conversions, sum(sent) AS sent,
         sum(delivered) AS delivered, sum(opened) AS opened, sum(unsubscribed) AS unsubscribed,
         sum(spend) AS spend, sum(revenue) AS revenue
    FROM campaign_metric m JOIN campaign c ON c.group_id = m.group_id AND c.id = m.campaign_id
   GROUP BY 1, 2, 3, 4, 5)
, kept AS (
  SELECT group_id, store_id, day, channel, currency, impressions::numeric, clicks::numeric,
         conversions::numeric, sent::numeric, delivered::numeric, opened::numeric, unsubscribed::numeric,
         spend, revenue
    FROM metric_rollup)
(SELECT * FROM counted EXCEPT SELECT * FROM kept) UNION ALL (SELECT * FROM kept EXCEPT SELECT * FROM counted)
"""


async def test_traffic_led_to_events_and_events_to_people(demo: DemoGroups, owner: Any) -> None:
    for group in demo.groups:
        events = await owner.fetch(
            "SELECT status, event_type, count(*) AS number, count(customer_id) AS known,"
            " bool_or(is_attributable) AS led FROM event WHERE group_id = $1 AND source = 'tracker' GROUP BY 1, 2",
            group.group_id,
        )
        processed = {row["event_type"]: row for row in events if row["status"] == "processed"}
        assert processed.keys() == {"order", "contact-form"}
        assert sum(row["number"] for row in processed.values()) > 200
        assert all(row["known"] > 50 and row["led"] for row in processed.values())
        assert sum(row["number"] for row in events if row["status"] == "trashed") == 5
        assert not [row for row in events if row["status"] == "pending"]
        counted = await owner.fetch(
            "SELECT storage_key, count(*) AS number FROM event_metric WHERE group_id = $1 AND value <> 0 GROUP BY 1",
            group.group_id,
        )
        assert {row["storage_key"] for row in counted if row["number"] > 10} == {
            "turnover",
            "qualified",
            "converted",
        }
        led = await owner.fetchrow(
            "SELECT count(*) FILTER (WHERE campaign_id IS NULL) AS direct, count(DISTINCT campaign_id) AS campaigns,"
            " count(*) FILTER (WHERE kind = 'offline') AS offline, count(customer_id) AS known, count(*) AS number"
            " FROM interaction WHERE group_id = $1",
            group.group_id,
        )
        assert led["number"] > led["known"] > 200
        assert led["direct"] > 50
        ways = await owner.fetch(
            "SELECT channel, count(*) FROM interaction WHERE group_id = $1 AND campaign_id IS NULL GROUP BY channel",
            group.group_id,
        )
        assert {row["channel"] for row in ways} == {
            None, "google_ads", "meta_ads", "email", "organic_search", "organic_social", "print",
        }  # fmt: skip
        assert (led["offline"], led["campaigns"] >= 2) == (12, True)
        implicit = "SELECT count(*) FROM campaign WHERE group_id = $1 AND NOT is_explicit"
        assert await owner.fetchval(implicit, group.group_id) == 1


async def test_what_was_interrupted_is_ended(db: Database, demo: DemoGroups, owner: Any) -> None:
    group_id = demo.groups[0].group_id
    before = await _contents(owner)
    await owner.execute("DELETE FROM interaction WHERE group_id = $1 AND kind = 'offline'", group_id)
    await seed_demo(db, now=NOW)
    again = await _contents(owner)
    # Made anew, so with other ids.
    assert {table for table in before if before[table] != again[table]} == {"interaction"}


async def test_files_are_real(demo: DemoGroups, storage: AssetStorage, owner: Any) -> None:
    rows = await owner.fetch("SELECT * FROM asset")
    assert {row["content_type"] for row in rows} == {"application/pdf", "image/png", "image/jpeg"}
    heads = {
        "application/pdf": b"%PDF-1.4",
        "image/png": b"\x89PNG\r\n\x1a\n",
        "image/jpeg": b"\xff\xd8\xff\xe0",
    }
    for row in rows:
        data = b"".join([piece async for piece in await storage.get(row["storage_key"])])
        assert data.startswith(heads[row["content_type"]])
        assert len(data) == row["size"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"DATA_DIR": str(tmp_path), "PORT": "8123"})


async def test_the_credentials_written_down_open_their_group(
    db: Database, demo: DemoGroups, settings: Settings
) -> None:
    path = await write_demo_json(db, settings, demo, now=NOW)
    assert path == settings.data_dir / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text())
    assert content["base_url"] == "http://127.0.0.1:8123"
    authenticator = Authenticator(settings, db)
    for written, group in zip(content["groups"], demo.groups, strict=True):
        assert written["group_id"] == group.group_id
        by_key = await authenticator.authenticate(
            api_key=written["api_key"], beacon_key=None, bearer=None, group=None, now=NOW
        )
        assert by_key.scope.group_id == group.group_id
        by_beacon = await authenticator.authenticate(
            api_key=written["api_key"], beacon_key=written["beacon_keys"][1], bearer=None, group=None, now=NOW
        )
        assert by_beacon.scope.store_id == written["store_ids"][1]
        by_token = await authenticator.authenticate(
            api_key=None, beacon_key=None, bearer=written["token"], group=None, now=NOW
        )
        assert by_token.scope.group_id == group.group_id
        assert by_token.roles == {Role.TENANT_ADMIN, Role.MARKETING}
        assert set(written["webhook_secrets"]) == set(Provider)
        deliveries = Deliveries(SecretBox(settings.secret_key), db)
        for provider, secret in written["webhook_secrets"].items():
            stamp = NOW.isoformat()
            signed = {"x-webhook-timestamp": stamp, "x-webhook-signature": sign(secret, stamp, b"{}")}
            sent = Delivery(provider, "POST", f"http://localhost/{provider}", signed, b"{}")
            assert (await deliveries.authenticate(sent, now=NOW)).scope.group_id == group.group_id


async def test_keys_are_kept_while_they_work_and_tokens_are_new(
    db: Database, demo: DemoGroups, settings: Settings, owner: Any
) -> None:
    path = await write_demo_json(db, settings, demo, now=NOW)
    first = json.loads(path.read_text())["groups"]
    await write_demo_json(db, settings, demo, now=NOW + timedelta(minutes=1))
    second = json.loads(path.read_text())["groups"]
    for name in ("api_key", "client_id", "client_secret", "beacon_keys", "webhook_secrets"):
        assert [group[name] for group in first] == [group[name] for group in second]
    assert all(a["token"] != b["token"] for a, b in zip(first, second, strict=True))
    await owner.execute("UPDATE api_key SET revoked_at = $1", NOW)
    await write_demo_json(db, settings, demo, now=NOW + timedelta(minutes=2))
    third = json.loads(path.read_text())["groups"]
    assert all(a["api_key"] != b["api_key"] for a, b in zip(second, third, strict=True))
    path.write_text("[not json")
    await write_demo_json(db, settings, demo, now=NOW)
    assert len(json.loads(path.read_text())["groups"]) == 2
