"""Recording interactions: traffic, many at once, and contacts outside the website, one by one.

An interaction counts once: its `dedup_key` is unique in the project. Source: Webmarketer API 1.0.0, "Interactions",
"Get custom campaigns" (implicit campaigns).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.attribution.keeping import note_sales
from app.domain.customers.meanwhile import leave_interactions
from app.domain.identities.identifying import Person, Project, find, load_projects
from app.domain.identities.values import identity_of
from app.domain.integrations.operations import is_custom
from app.domain.interactions.addresses import parameters
from app.domain.interactions.campaigns import Led, campaigns_of, integrations_of
from app.domain.interactions.channel_rules import channels_of
from app.domain.interactions.landing import WMKT_ID, node_of, node_text
from app.domain.interactions.signs import signs_in, signs_of
from app.errors import Invalid, NotFound
from app.tables.interactions import InteractionKind
from app.values.json_text import write_json

MAX_KEY = 255
MAX_URL = 8_192
"""For addresses and referrers; longer ones are cut, since nobody can send them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody came to the site."""

    project_id: int
    tracker_id: str | None
    landing_url: str | None
    occurred_at: datetime
    dedup_key: str
    referrer: str | None = None
    customer_id: int | None = None
    """The tracker's customer, where that is known already."""
    identity_id: int | None = None
    """What says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """A contact outside the website, as it is reported."""

    user_data: Mapping[str, object]
    node_data: Mapping[str, object]
    occurred_at: datetime | None = None
    dedup_key: str | None = None
    """By default the same contact with the same person at the same moment counts as the same one; without a person each
    stands for itself."""


async def record_online(tx: Transaction, visits: Sequence[Visit], *, now: datetime) -> list[int]:
    """Store those of these visits that are new; their ids in order, for a repeat the first one's.

    In the same number of statements however many there are, except where implicit campaigns are made. A visit whose
    tracker nobody knows yet stays without a customer until somebody does (`identifying.py`).
    """
    if not visits:
        return []
    said = [parameters(visit.landing_url) if visit.landing_url else {} for visit in visits]
    nodes = [(visit.project_id, node_of(values)) for visit, values in zip(visits, said, strict=True)]
    integrations = await integrations_of(tx, [(project, node.wmkt_id) for project, node in nodes])
    led = await campaigns_of(tx, nodes, integrations, now=now)
    signs = [
        signs_in(values, visit.landing_url, visit.referrer)
        for visit, values in zip(visits, said, strict=True)
    ]
    return await _store(
        tx,
        InteractionKind.ONLINE,
        visits,
        led,
        channels=await channels_of(tx, signs, led),
        node_data=[node_text(node) for _, node in nodes],
        user_data=[None] * len(visits),
        now=now,
    )


async def record_offline(tx: Transaction, project_id: int, told: Offline, *, now: datetime) -> int:
    """Store a contact outside the website; its id, also where it was stored before. Invalid says what is wrong.

    It belongs to a custom integration of the project. Who it was is found, or a new customer made, from the project's
    identity fields; without any of them it has no customer.
    """
    project = (await load_projects(tx, [project_id])).get(project_id)
    if project is None:
        raise NotFound("project", project_id, path=["project"])
    node = node_of(told.node_data)
    if node.wmkt_id is None:
        raise Invalid(
            "wmktId must be present in nodeData", path=["nodeData", WMKT_ID], code="WMKT_ID_MISSING"
        )
    integrations = await integrations_of(tx, [(project_id, node.wmkt_id)])
    integration = integrations.get((project_id, node.wmkt_id))
    if integration is None:
        raise Invalid(
            f"There is no integration {node.wmkt_id} in this project.",
            path=["nodeData", WMKT_ID],
            code="INTEGRATION_UNKNOWN",
        )
    if not is_custom(integration.kind):
        raise Invalid(
            f"An offline interaction needs a custom integration; {node.wmkt_id} is of the kind {integration.kind}.",
            path=["nodeData", WMKT_ID],
            code="NOT_CUSTOM",
        )
    identities = _identities(told.user_data, project)
    occurred_at = told.occurred_at or now
    visit = Visit(
        project_id=project_id,
        tracker_id=None,
        landing_url=None,
        occurred_at=occurred_at,
        dedup_key=_offline_key(told, identities, occurred_at),
    )
    known = await tx.fetchval(_STORED, tx.scope.group_id, project_id, visit.dedup_key)
    if known is not None:
        return int(known)
    [led] = await campaigns_of(tx, [(project_id, node)], integrations, now=now)
    person = Person(project_id, None, identities)
    [whose] = await find(tx, [person], projects={project_id: project}, now=now)
    if whose is not None:
        visit = replace(visit, customer_id=whose.customer_id, identity_id=whose.identity_id)
    [made] = await _store(
        tx,
        InteractionKind.OFFLINE,
        [visit],
        [led],
        channels=await channels_of(tx, [signs_of(None, None, told.node_data)], [led]),
        node_data=[_document(told.node_data, "nodeData")],
        user_data=[_document(told.user_data, "userData")],
        now=now,
    )
    return made


_STORED = "SELECT id FROM interaction WHERE group_id = $1 AND project_id = $2 AND dedup_key = $3"
# A repeat is updated with nothing, so that its id comes back, even if it was stored at this very moment.
_INSERT = """
INSERT INTO interaction AS i (group_id, created_at, kind, project_id, dedup_key, occurred_at, tracker_id,
       landing_url, referrer, integration_id, campaign_id, channel, customer_id, identity_id, user_data, node_data)
SELECT $1, $2, $3, given.project_id, given.dedup_key, given.occurred_at, given.tracker_id, given.landing_url,
       given.referrer, given.integration_id, given.campaign_id, given.channel,
       coalesce(given.customer_id, known.customer_id),
       CASE WHEN given.customer_id IS NULL THEN known.id ELSE given.identity_id END,
       given.user_data::json, given.node_data::json
  FROM unnest($4::bigint[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::bigint[],
              $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::bigint[])
    AS given (project_id, dedup_key, occurred_at, tracker_id, landing_url, referrer, integration_id, campaign_id,
              customer_id, user_data, node_data, channel, identity_id)
  LEFT JOIN customer_identity known
    ON known.group_id = $1 AND known.project_id = given.project_id AND known.kind = 'tracker'
   AND known.value = given.tracker_id
 ORDER BY given.project_id, given.dedup_key
ON CONFLICT (group_id, project_id, dedup_key) DO UPDATE SET dedup_key = i.dedup_key
RETURNING i.id, i.project_id, i.dedup_key, i.customer_id
"""


async def _store(
    tx: Transaction,
    kind: InteractionKind,
    visits: Sequence[Visit],
    led: Sequence[Led],
    *,
    channels: Sequence[str | None],
    node_data: Sequence[str | None],
    user_data: Sequence[str | None],
    now: datetime,
) -> list[int]:
    first = {(visit.project_id, visit.dedup_key): at for at, visit in reversed([*enumerate(visits)])}
    rows = [(visits[at], led[at], at) for at in first.values()]
    with refusals():
        stored: list[Any] = await tx.fetch(
            _INSERT,
            tx.scope.group_id,
            now,
            kind,
            [v.project_id for v, _, _ in rows],
            [v.dedup_key for v, _, _ in rows],
            [v.occurred_at for v, _, _ in rows],
            [v.tracker_id for v, _, _ in rows],
            [_cut(v.landing_url) for v, _, _ in rows],
            [_cut(v.referrer) for v, _, _ in rows],
            [where.integration_id for _, where, _ in rows],
            [where.campaign_id for _, where, _ in rows],
            [v.customer_id for v, _, _ in rows],
            [user_data[at] for _, _, at in rows],
            [node_data[at] for _, _, at in rows],
            [channels[at] for _, _, at in rows],
            [v.identity_id for v, _, _ in rows],
        )
    await leave_interactions(tx, [row["id"] for row in stored if row["customer_id"] is not None])
    await note_sales(tx, (row["customer_id"] for row in stored))
    ids = {(row["project_id"], row["dedup_key"]): int(row["id"]) for row in stored}
    return [ids[visit.project_id, visit.dedup_key] for visit in visits]


def _identities(said: Mapping[str, object], project: Project) -> dict[str, str]:
    """The identifying values in comparable form; only identity fields are allowed."""
    identities: dict[str, str] = {}
    fields = project.identity_fields
    for name, value in said.items():
        path = ["userData", name]
        if name not in fields:
            raise Invalid(
                f"userData.{name[:80]} is not an identity field of this project; those are: {', '.join(fields)}.",
                path=path,
                code="NOT_IDENTITY_FIELD",
            )
        try:
            known = None if value is None else identity_of(name, value, project.region)
        except ValueError as why:
            raise Invalid(f"userData.{name} {why}.", path=path) from None
        if known is not None:
            identities[name] = known
    return identities


def _offline_key(told: Offline, identities: Mapping[str, str], occurred_at: datetime) -> str:
    if told.dedup_key is not None:
        return f"offline:{inputs.text(told.dedup_key, ['nonce'], longest=MAX_KEY, blank=False)}"
    if not identities:
        # Two people may have called at one moment; who sends it again says so by a nonce, or an Idempotency-Key.
        return f"offline::{uuid4()}"
    node = {name: value for name, value in sorted(told.node_data.items())}
    said = write_json([occurred_at.isoformat(), sorted(identities.items()), node])
    return f"offline::{hashlib.sha256(said).hexdigest()}"


def _document(data: Mapping[str, object], name: str) -> str:
    text = write_json(data).decode()
    return inputs.text(text, [name])


def _cut(address: str | None) -> str | None:
    return None if address is None else address[:MAX_URL]


__all__ = ["Offline", "Visit", "record_offline", "record_online"]
