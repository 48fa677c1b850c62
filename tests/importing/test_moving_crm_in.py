"""What the Marketing & CRM API prints goes in as it is, and comes out the same: byte by byte."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from app.auth.webhooks.connections import create_connection
from app.auth.webhooks.sealing import SecretBox
from app.db.database import Database
from app.domain.funnels.stages import FunnelType
from app.importing.reading.sources import find_sources
from app.importing.reading.told import read_told
from app.importing.records import Verdict
from app.importing.report import Report
from app.importing.running import import_files
from app.seeding.demo import seed_demo
from app.seeding.webhooks import webhook_secrets
from app.settings import Settings
from app.tables.webhooks import Provider
from app.values.scope import Scope
from tests.given import groups
from tests.given.groups import GivenGroup
from tests.rest.conftest import Marketer, gateway, marketers, settings

__all__ = ["gateway", "marketers", "settings"]

Make = Callable[..., Any]
Printed = Mapping[str, bytes]
PAGE = 7
"""Rows a page: more than one page of each list."""


async def everything(marketer: Marketer) -> dict[str, bytes]:
    """All that the documented calls print, page by page, by address."""
    found: dict[str, bytes] = {}

    async def ask(path: str) -> Any:
        response = await marketer.call("GET", path)
        assert response.status_code == 200, response.text
        found[path] = response.content
        return response.json()

    for name in ("campaigns", "segments", "promos"):
        page = 1
        while rows := (await ask(f"/{name}?limit={PAGE}&page={page}"))["data"]:
            page += 1
            if name == "campaigns":
                for row in rows:
                    await ask(f"/campaigns/{row['id']}")
        await ask(f"/{name}")
    for status in ("draft", "scheduled", "active", "paused", "completed"):
        await ask(f"/campaigns?status={status}")
    await ask("/webhooks")
    for funnel in FunnelType:
        await ask(f"/funnels?funnel_type={funnel}")
    return found


def kept(folder: Path, printed: Printed) -> Path:
    """A file for each route with an answer a line, as they are kept when they are pulled."""
    folder.mkdir(exist_ok=True)
    for path, body in printed.items():
        route = path[1:].partition("?")[0].replace("/", "-").rstrip("0123456789")
        with (folder / f"{route}.jsonl").open("ab") as file:
            file.write(body + b"\n")
    return folder


async def bring(db: Database, group: GivenGroup, place: Path, what: str = "crm", **options: Any) -> Report:
    now = options.pop("now", datetime.now(UTC))
    return await import_files(db, group.scope, what, find_sources(str(place)), now=now, **options)


def changes(report: Report) -> dict[str, int]:
    """By concept, how many records were made or changed."""
    return {
        concept: found
        for concept, counts in report.concepts.items()
        if (found := counts[Verdict.MADE] + counts[Verdict.CHANGED])
    }


def _comparable(body: bytes) -> bytes:
    """Without the rate whose conversions by channel no document prints (docs/moving.md)."""
    return re.sub(rb'"conversion_rate":[0-9.]+', b"", body)


async def test_the_demonstration_group_prints_the_same_after_it_has_moved(
    db: Database, gateway: ASGIApp, marketers: Make, settings: Settings, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    for demo in (await seed_demo(db, now=now)).groups:
        async with db.transaction(Scope(demo.group_id)) as tx:
            row = await tx.fetchrow("SELECT currency, time_zone FROM customer_group")
        assert row is not None
        old = await marketers(given=GivenGroup(demo.group_id, demo.store_ids[0], demo.beacon_keys[0]))
        await webhook_secrets(db, settings.secret_key, demo.group_id, now=now)
        printed = await everything(old)
        new = await marketers(
            given=await groups.group(db, currency=row["currency"], time_zone=row["time_zone"])
        )
        folder = kept(tmp_path / demo.project, printed)
        report = await bring(db, new.given, folder)
        assert report.refused == 0, report.lines()
        # What has no place: connections have secrets that are not printed, and funnels are counted from touches.
        assert {concept: set(lost) for concept, lost in report.lost.items()} == {
            "webhook_providers": {"status"},
            "funnels": {"stages"},
        }
        await webhook_secrets(db, settings.secret_key, new.given.group_id, now=now)
        again = await everything(new)
        assert {
            path for path in printed if _comparable(again.get(path, b"")) != _comparable(printed[path])
        } <= {f"/funnels?funnel_type={funnel}" for funnel in FunnelType}
        assert set(again) == set(printed)
        # Twice is once.
        assert changes(await bring(db, new.given, folder)) == {}
        assert await everything(new) == again


CAMPAIGNS = b"""{
"data": [
{
"id": "camp_001",
"name": "Summer Promo 2026",
"type": "promotion",
"status": "active",
"channels": ["email", "push", "sms"],
"segment_id": "seg_loyalty_gold",
"start_date": "2026-06-01T00:00:00Z",
"end_date": "2026-08-31T23:59:59Z",
"metrics": {
"sent": 5420,
"opened": 2180,
"clicked": 845,
"converted": 156
}
}
]
}"""
CAMPAIGN = b"""{
"id": "camp_001",
"name": "Flash Sale Friday",
"type": "promotion",
"status": "completed",
"channels": ["push", "email"],
"segment": {
"id": "seg_all_customers",
"name": "All Customers",
"size": 5420
},
"content": {"subject": "Flash Sale - 25% Off Today Only!"},
"metrics": {
"sent": 5420,
"delivered": 5380,
"opened": 2180,
"open_rate": 40.5,
"clicked": 845,
"click_rate": 15.7,
"converted": 156,
"conversion_rate": 2.9,
"revenue_attributed": 4680.00,
"unsubscribed": 12
},
"created_at": "2026-01-25T10:00:00Z"
}"""
SEGMENTS = b"""{
"data": [
{
"id": "seg_loyalty_gold",
"name": "Gold Loyalty Members",
"type": "dynamic",
"size": 1250,
"criteria": {
"loyalty_tier": "gold"
},
"last_updated": "2026-01-24T00:00:00Z"
},
{
"id": "seg_inactive_30",
"name": "Inactive 30+ Days",
"type": "dynamic",
"size": 890,
"criteria": {
"last_order_days_ago": {"gte": 30}
}
}
]
}"""
WEBHOOKS = b"""{
"providers": [
{
"id": "sendgrid",
"name": "SendGrid",
"status": "connected",
"events_received": 15420,
"last_event": "2026-01-24T18:30:00Z"
},
{
"id": "twilio",
"name": "Twilio",
"status": "connected",
"events_received": 8920
},
{
"id": "mailchimp",
"name": "Mailchimp",
"status": "disconnected"
}
]
}"""
FUNNEL = b"""{
"funnel_type": "onboarding",
"period": {"start": "2026-01-01", "end": "2026-01-24"},
"stages": [
{"stage": "awareness", "count": 10000, "percentage": 100},
{"stage": "interest", "count": 6500, "percentage": 65, "drop_off": 35}
],
"overall_conversion": 9.8
}"""
PROMOS = b"""{"data": [{
"id": "promo_77",
"code": "WELCOME20",
"type": "percentage",
"value": 20,
"min_order_amount": 25.00,
"max_discount": 50.00,
"usage_limit": 1000,
"per_customer_limit": 1,
"valid_from": "2026-01-01T00:00:00Z",
"valid_until": "2026-12-31T23:59:59Z",
"applies_to": {
"all_items": true
},
"customer_segment_id": "seg_new_customers",
"used": 12,
"created_at": "2025-12-01T00:00:00Z"
}]}"""


def plain(text: bytes) -> Any:
    """Values with the digits they are written with."""
    return json.loads(text, parse_float=str)


@pytest.mark.parametrize("order", [1, -1])
async def test_the_samples_of_the_document_come_out_as_they_are_printed(
    db: Database, marketers: Make, settings: Settings, tmp_path: Path, order: int
) -> None:
    new = await marketers()
    samples = {"campaigns": CAMPAIGNS, "segments": SEGMENTS, "webhooks": WEBHOOKS, "funnels": FUNNEL}
    for name, body in list(samples.items())[::order]:
        (tmp_path / f"{name}.json").write_bytes(body)
    report = await bring(db, new.given, tmp_path)
    assert report.refused == 0, report.lines()
    assert report.lost == {"webhook_providers": {"status": 2}, "funnels": {"stages": 2}}
    box = SecretBox(settings.secret_key)
    async with db.transaction(new.given.scope) as tx:
        for provider in (Provider.SENDGRID, Provider.TWILIO):
            await create_connection(tx, box, provider=provider, now=datetime.now(UTC))
    assert plain((await new.call("GET", "/campaigns")).content) == plain(CAMPAIGNS)
    assert plain((await new.call("GET", "/segments")).content) == plain(SEGMENTS)
    assert (
        plain((await new.call("GET", "/webhooks")).content)["providers"][:3] == plain(WEBHOOKS)["providers"]
    )
    assert changes(await bring(db, new.given, tmp_path)) == {}


async def test_a_detail_and_a_promo_of_the_document(db: Database, marketers: Make, tmp_path: Path) -> None:
    new = await marketers()
    (tmp_path / "detail.json").write_bytes(CAMPAIGN)
    (tmp_path / "promos.json").write_bytes(PROMOS)
    report = await bring(db, new.given, tmp_path)
    # The promo's segment is printed nowhere.
    assert [(reason.code, reason.rows) for reason in report.reasons.values()] == [("NOT_FOUND", 1)]
    segment = {
        "id": "seg_new_customers",
        "name": "New customers",
        "type": "static",
        "size": 3,
        "criteria": {},
    }
    (tmp_path / "segments.json").write_text(json.dumps({"data": [segment]}))
    assert (await bring(db, new.given, tmp_path)).refused == 0
    detail = plain((await new.call("GET", "/campaigns/camp_001")).content)
    assert list(detail) == [*plain(CAMPAIGN), "start_date", "end_date"]
    assert {name: detail[name] for name in plain(CAMPAIGN)} == plain(CAMPAIGN)
    assert (detail["start_date"], detail["end_date"]) == (None, None)
    assert plain((await new.call("GET", "/promos")).content) == plain(PROMOS)
    # Only then the list says of which type the segment is that the detail showed.
    everybody = {"id": "seg_all_customers", "name": "All Customers", "type": "dynamic", "size": 5421,
                 "criteria": {"order_count": {"gte": 0}}, "last_updated": "2026-01-24T00:00:00Z"}  # fmt: skip
    (tmp_path / "segments.json").write_text(json.dumps({"data": [everybody, segment]}))
    assert (await bring(db, new.given, tmp_path)).refused == 0
    assert plain((await new.call("GET", "/segments")).content)["data"][-1]["type"] in ("dynamic", "static")
    assert changes(await bring(db, new.given, tmp_path)) == {}


async def test_totals_of_answers_count_up_to_when_they_were_pulled_or_told(
    db: Database, marketers: Make, tmp_path: Path
) -> None:
    new = await marketers()
    (tmp_path / "promos.json").write_bytes(
        PROMOS.replace(b'"customer_segment_id": "seg_new_customers",', b"")
    )
    await bring(db, new.given, tmp_path, told=read_told(totals_as_of="2026-02-01T00:00:00Z"))
    async with db.transaction(new.given.scope) as tx:
        assert await tx.fetchval("SELECT used_as_of FROM promo") == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ['{"id": 1}', '{"data": [{"id": "x", "name": "y"}]}', '{"id": {}, "code": "ABC", "value": 1}',
     '{"id": "c", "name": "n", "channels": [], "metrics": [1]}', '{"error": {"code": "x"}}',
     '{"id": "c", "name": "n", "channels": [], "metrics": {"sent": -1}}',
     '{"id": "c", "name": "n", "channels": [], "metrics": {"sent": "many"}}'],
)  # fmt: skip
async def test_what_it_does_not_print_is_refused(
    db: Database, marketers: Make, tmp_path: Path, text: str
) -> None:
    new = await marketers()
    (tmp_path / "a.json").write_text(text)
    report = await bring(db, new.given, tmp_path)
    assert (report.rows, report.refused) == (1, 1)
    assert next(iter(report.reasons.values())).message


async def test_what_it_prints_beside_the_documented_keys_is_told_as_lost(
    db: Database, marketers: Make, tmp_path: Path
) -> None:
    new = await marketers()
    row = {
        "id": "c",
        "name": "n",
        "channels": ["email"],
        "metrics": {"sent": 1, "bounced": 2},
        "colour": "red",
    }
    (tmp_path / "a.json").write_text(json.dumps({"data": [row]}))
    report = await bring(db, new.given, tmp_path)
    assert (report.refused, report.lost) == (
        0,
        {"campaigns": {"colour": 1}, "campaign_totals": {"metrics.bounced": 1}},
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"name": "n", "type": "promotion", "channels": ["email"]}', "campaign"),
        ('{"name": "n", "type": "dynamic", "criteria": {"loyalty_tier": "gold"}}', "segment"),
        ('{"code": "WELCOME20", "type": "percentage", "value": 20}', "promo"),
    ],
)
async def test_what_clients_send_is_refused_as_such(
    db: Database, marketers: Make, tmp_path: Path, text: str, what: str
) -> None:
    new = await marketers()
    (tmp_path / "a.json").write_text(text)
    report = await bring(db, new.given, tmp_path)
    assert [reason.message for reason in report.reasons.values()] == [
        f"The {what} has no `id`: it is what clients send, not what Marketing & CRM answers."
    ]
