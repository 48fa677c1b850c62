"""Rows of a demonstration group, table by table, in one transaction inside the group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from app.seeding.stories import GroupPlan
from app.values.instants import start_of

Rows = Sequence[dict[str, Any]]
JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Written:
    """Ids of what campaigns refer to, in the order of the plan."""

    stores: list[int]
    segments: list[int]
    partners: list[int]
    partnerships: list[int]
    project: int
    integration: int


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes one group."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    plan: GroupPlan
    group_id: int
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose days the group counts by."""
        return ZoneInfo(self.plan.time_zone)

    @property
    def today(self) -> date:
        """Day 0 of the plan."""
        return self.now.astimezone(self.zone).date()

    def at(self, offset: int, hour: int = 0) -> datetime:
        """An hour on a day of the plan."""
        return start_of(self.today + timedelta(days=offset), self.zone) + timedelta(hours=hour)

    async def rows(self, table: str, rows: Rows) -> list[int]:
        """Insert rows that have the same columns; returns their ids, in the same order."""
        if not rows:
            return []
        columns = ", ".join(rows[0])
        # `json`, not `jsonb`: documents in it keep their spelling.
        inserted = await self.connection.fetch(
            f"INSERT INTO {table} (group_id, {columns})"
            f" SELECT $1, {columns} FROM json_populate_recordset(NULL::{table}, $2::json) RETURNING id",
            self.group_id,
            JSON.encode(rows).decode(),
        )
        return [row["id"] for row in inserted]

    async def write(self) -> "Written":
        """Write the group and what its campaigns refer to, except its customers."""
        plan = self.plan
        await self.connection.execute(
            "INSERT INTO customer_group (id, name, currency, time_zone, created_at, attribution_model)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            self.group_id, plan.name, plan.currency, plan.time_zone, self.at(-400, 9), plan.attribution,
        )  # fmt: skip
        stores = await self._stores()
        partners = await self.rows("partner", [{"name": name} for name in plan.partners])
        partnerships = await self.rows(
            "partnership",
            [
                {"name": f"{name} × {plan.stores[0]}", "partner_id": partner, "store_id": stores[0]}
                for name, partner in zip(plan.partners, partners, strict=True)
            ],
        )
        project, integration = await self._tracking(stores[0])
        segments = await self.rows(
            "segment",
            [
                {
                    "name": s.name, "type": s.type, "criteria": s.criteria, "source": s.source, "size": 0,
                    "sized_at": self.at(-1, 4), "created_at": self.at(-200), "updated_at": self.at(-1, 4),
                }
                for s in plan.segments
            ],
        )  # fmt: skip
        return Written(stores, segments, partners, partnerships, project, integration)

    async def _stores(self) -> list[int]:
        return await self.rows(
            "store",
            [
                {
                    "name": name, "beacon_key": str(uuid4()),
                    "is_default": place == 0, "created_at": self.at(-400 + place, 10),
                    "updated_at": self.at(-400 + place, 10),
                }
                for place, name in enumerate(self.plan.stores)
            ],
        )  # fmt: skip

    async def _tracking(self, store_id: int) -> tuple[int, int]:
        plan = self.plan
        [project] = await self.rows(
            "project",
            [{"name": f"{plan.name} – web", "slug": plan.slug, "is_internal": False, "store_id": store_id,
              "created_at": self.at(-390)}],
        )  # fmt: skip
        await self.connection.execute(
            "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)",
            plan.slug, self.group_id, project,
        )  # fmt: skip
        [integration] = await self.rows(
            "integration",
            [{"name": plan.integration, "project_id": project, "kind": "custom_ads", "wmkt_id": plan.wmkt_id,
              "currency": plan.currency, "created_at": self.at(-380)}],
        )  # fmt: skip
        return project, integration
