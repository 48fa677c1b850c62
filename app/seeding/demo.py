"""Demonstration data: two believable groups, and the credentials to look at them with."""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.auth.clients import create_client, prove_client
from app.auth.keys import create_api_key, find_api_key
from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database, group_setting
from app.domain.assets.storage import AssetStorage
from app.seeding.campaign_rows import CampaignWriter
from app.seeding.customers import write_customers
from app.seeding.files import PHOTO_JPEG, banner_png, brief_pdf
from app.seeding.journeys import write_journeys
from app.seeding.lumiere import LUMIERE
from app.seeding.progress import Progress, silent
from app.seeding.rewards import write_rewards
from app.seeding.sales import write_sales
from app.seeding.stories import CampaignPlan, GroupPlan
from app.seeding.tanuki import TANUKI
from app.seeding.traffic import write_traffic
from app.seeding.webhooks import webhook_history, webhook_secrets
from app.seeding.writing import Writer
from app.settings import Settings
from app.values.scope import Scope

PLANS = (LUMIERE, TANUKI)
ROLES = (Role.TENANT_ADMIN, Role.MARKETING)
TOKEN_LIFE_S = 7 * 24 * 3600

# Two processes that start together seed one after the other; the slug's primary key guarantees it.
WAIT_FOR_OTHERS = "SELECT pg_advisory_xact_lock(7202512)"
EXISTING = "SELECT group_id FROM project_slug WHERE slug = $1"
STORES = "SELECT id, beacon_key FROM store WHERE group_id = $1 AND deleted_at IS NULL ORDER BY id"
HAS_ASSETS = "SELECT EXISTS (SELECT FROM asset WHERE group_id = $1)"
CAMPAIGN = "SELECT id, store_id FROM campaign WHERE group_id = $1 AND name = $2 ORDER BY id LIMIT 1"
ADD_ASSET = """
INSERT INTO asset (group_id, store_id, campaign_id, name, content_type, size, sha256, storage_key, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True)
class DemoGroup:
    """A demonstration group, as it is in the database."""

    group_id: int
    name: str
    store_ids: tuple[int, ...]
    beacon_keys: tuple[str, ...]
    project: str
    integration: str


@dataclass(frozen=True, slots=True)
class DemoGroups:
    """Both of them."""

    groups: tuple[DemoGroup, ...]
    made: int
    """How many of them this call made; 0 if they existed."""


async def seed_demo(
    db: Database, *, now: datetime, storage: AssetStorage | None = None, progress: Progress = silent
) -> DemoGroups:
    """Make the two groups where they are missing. What exists stays as it is, even if somebody changed it.

    Active campaigns are active on the day of `now`. Without storage there are no files; a later call with
    storage adds them.
    """
    groups, made = [], 0
    for place, plan in enumerate(PLANS):
        progress(plan.name, place, len(PLANS))
        async with db.directory() as connection:
            await connection.execute(WAIT_FOR_OTHERS)
            group_id = await connection.fetchval(EXISTING, plan.slug)
            if group_id is None:
                group_id = await connection.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
                await connection.execute(group_setting(Scope(group_id)))
                writer = Writer(connection, plan, group_id, now)
                written = await writer.write()
                await write_customers(writer, written.stores, written.segments)
                await CampaignWriter(writer, written).write()
                await webhook_history(connection, group_id, now=now)
                made += 1
        if storage is not None:
            await _files(db, plan, group_id, storage=storage, now=now)
        async with db.transaction(Scope(group_id)) as tx:
            stores = await tx.fetch(STORES, group_id)
            has_journeys = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM funnel_touch)")
            has_rewards = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM reward_evaluation)")
        if not has_journeys:
            await write_journeys(db, group_id, slug=plan.slug, now=now)
        if not has_rewards:
            await write_rewards(db, group_id, slug=plan.slug, now=now)
        await write_traffic(db, group_id, plan, now=now)
        await write_sales(db, group_id, plan, now=now)
        groups.append(
            DemoGroup(
                group_id,
                plan.name,
                tuple(row["id"] for row in stores),
                tuple(row["beacon_key"] for row in stores),
                plan.slug,
                plan.wmkt_id,
            )
        )
    progress("done", len(PLANS), len(PLANS))
    return DemoGroups(tuple(groups), made)


async def write_demo_json(
    db: Database, settings: Settings, demo: DemoGroups, *, now: datetime, path: Path | None = None
) -> Path:
    """Write `$DATA_DIR/demo.json`: how to reach each group. Only its owner can read it.

    Keys and clients that the file holds and that still work are kept, since their secrets cannot be read
    anywhere else; tokens are minted anew.
    """
    path = path or settings.data_dir / "demo.json"
    before = {group.get("group_id"): group for group in _read(path)}
    groups = [
        await _credentials(db, settings, group, before.get(group.group_id, {}), now=now)
        for group in demo.groups
    ]
    content = {"base_url": _base_url(settings), "groups": groups}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
    new.replace(path)
    return path


async def _credentials(
    db: Database, settings: Settings, group: DemoGroup, before: dict[str, Any], *, now: datetime
) -> dict[str, Any]:
    api_key = str(before.get("api_key", ""))
    kept = await find_api_key(db, secret=api_key)
    if kept is None or kept.group_id != group.group_id or not kept.holds(now=now):
        api_key = (
            await create_api_key(
                db, group_id=group.group_id, name="Demonstration", now=now,
                access="write", personal_data=True, administration=True,
            )
        ).secret  # fmt: skip
    client_id, secret = str(before.get("client_id", "")), str(before.get("client_secret", ""))
    client = await prove_client(db, client_id=client_id, secret=secret)
    if client is None or client.group_id != group.group_id:
        new = await create_client(db, group_id=group.group_id, name="Demonstration", roles=ROLES, now=now)
        client_id, secret = new.client.client_id, new.secret
    token = Tokens(settings).mint(
        subject="demo", group_id=group.group_id, roles=ROLES, now=now, life_s=TOKEN_LIFE_S
    )
    return {
        "group_id": group.group_id,
        "name": group.name,
        "api_key": api_key,
        "beacon_keys": list(group.beacon_keys),
        "store_ids": list(group.store_ids),
        "token": token,
        "client_id": client_id,
        "client_secret": secret,
        "project": group.project,
        "integration": group.integration,
        "webhook_secrets": await webhook_secrets(db, settings.secret_key, group.group_id, now=now),
    }


def _base_url(settings: Settings) -> str:
    """Where programs on this machine reach the server: an IP address, since `localhost` may mean the other family."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _read(path: Path) -> list[dict[str, Any]]:
    """The groups of an earlier file; empty where it is missing or not ours."""
    try:
        groups = json.loads(path.read_text())["groups"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [group for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []


async def _files(
    db: Database, plan: GroupPlan, group_id: int, *, storage: AssetStorage, now: datetime
) -> None:
    """The campaigns' files, bytes first: a row without its bytes would be a broken link."""
    async with db.transaction(Scope(group_id)) as tx:
        if await tx.fetchval(HAS_ASSETS, group_id):
            return
        for campaign in plan.campaigns:
            row = await tx.fetchrow(CAMPAIGN, group_id, campaign.name)
            if row is None:
                continue  # somebody renamed it
            for name in campaign.files:
                content_type, data = _file(name, plan, campaign)
                digest = hashlib.sha256(data).hexdigest()
                key = f"{group_id}/demo/{digest[:16]}-{name}"
                await storage.put(key, data)
                await tx.execute(
                    ADD_ASSET, group_id, row["store_id"], row["id"], name, content_type, len(data), digest,
                    key, now,
                )  # fmt: skip


def _file(name: str, plan: GroupPlan, campaign: CampaignPlan) -> tuple[str, bytes]:
    if name.endswith(".pdf"):
        lines = [
            plan.name,
            f"Budget: {campaign.budget or '-'} {plan.currency}",
            f"Channels: {', '.join(campaign.channels)}",
        ]
        return "application/pdf", brief_pdf(campaign.name, lines)
    if name.endswith(".png"):
        return "image/png", banner_png(*plan.colours)
    return "image/jpeg", PHOTO_JPEG
