"""Asking and telling about people through GraphQL, as a credential that may write and see who they are."""

import json
from pathlib import Path
from typing import Any

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import groups
from tests.given.asking import NOW

UPSERT = """
mutation($customers: [CustomerInput!]!) {
  customersUpsert(input: {customers: $customers}) { customers { id } errors { code message path } } }
"""
OFFLINE = """
mutation($input: InteractionRecordOfflineInput!) {
  interactionRecordOffline(input: $input) { interaction { id customer { id } } errors { code message path } } }
"""
MERGE = """
mutation($from: ID!, $into: ID!) { customerMerge(input: {fromId: $from, intoId: $into}) {
  customer { id name email phone orderCount totalSpent emailConsent } merge { id reason actor }
  errors { code message path } } }
"""
SPLIT = """
mutation($input: CustomerSplitInput!) { customerSplit(input: $input) {
  customers { id name email phone orderCount totalSpent } errors { code message path } } }
"""


class Asking:
    """One credential of one group."""

    def __init__(self, db: Database, scope: Scope, folder: Path) -> None:
        settings = read_settings({"DATA_DIR": str(folder)})
        self.services = Services(settings, db, AssetStorage(settings))
        self.scope = scope

    async def __call__(self, query: str, **variables: Any) -> Any:
        roles = frozenset({Role.TENANT_ADMIN, Role.WRITE, Role.PERSONAL_DATA})
        principal = Principal("test", self.scope, roles)
        made = json.loads(
            (await answer(Operation(query, variables), Context(self.services, principal, now=NOW))).body
        )
        assert "errors" not in made, made
        return made["data"]

    async def upsert(self, *rows: dict[str, Any]) -> list[str]:
        """The ids of these customers."""
        done = (await self(UPSERT, customers=list(rows)))["customersUpsert"]
        assert done["errors"] == [], done
        return [row["id"] for row in done["customers"]]

    async def offline(self, site: Any, user: Any, **more: Any) -> Any:
        """A contact outside the website."""
        told = {"project": site.slug, "nodeData": {"wmktId": site.wmkt_id}, "userData": user, **more}
        done = (await self(OFFLINE, input=told))["interactionRecordOffline"]
        assert done["errors"] == [], done
        return done["interaction"]

    async def merge(self, gone: str, into: str) -> Any:
        """What `customerMerge` says."""
        return (await self(MERGE, **{"from": gone, "into": into}))["customerMerge"]

    async def split(self, **how: Any) -> Any:
        """What `customerSplit` says."""
        return (await self(SPLIT, input=how))["customerSplit"]


async def asking(db: Database, folder: Path) -> Asking:
    """In a group of its own."""
    return Asking(db, (await groups.group(db)).scope, folder)
