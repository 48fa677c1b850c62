"""Which integration and which campaign an interaction belongs to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.db.database import Transaction
from app.domain.external_ids.finding import rows_known_as
from app.domain.integrations.custom_campaigns import Implicit, implicit_campaigns
from app.domain.interactions.landing import LandingNode, loosened
from app.values.ids import read_id
from app.values.systems import WEBMARKETER


class Led(NamedTuple):
    """Where somebody came from."""

    integration_id: int | None = None
    campaign_id: int | None = None
    kind: str | None = None
    """The integration's."""
    channels: tuple[str, ...] = ()
    """The campaign's."""


class _Campaign(NamedTuple):
    """A campaign that an integration tracks."""

    id: int
    integration_id: int
    kind: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration, as it was found by its tracking id."""

    id: int
    kind: str


async def integrations_of(
    tx: Transaction, asked: Sequence[tuple[int, str | None]]
) -> dict[tuple[int, str], Integration]:
    """By project and tracking id. Other projects' integrations are not found.

    One written in another case, or with a slash behind it, is found where it can be only one.
    """
    pairs = sorted({(project, wmkt_id) for project, wmkt_id in asked if wmkt_id is not None})
    if not pairs:
        return {}
    rows = await tx.fetch(_INTEGRATIONS, tx.scope.group_id, [p for p, _ in pairs], [w for _, w in pairs])
    found = {(row["project_id"], row["wmkt_id"]): Integration(row["id"], row["kind"]) for row in rows}
    missing = [pair for pair in pairs if pair not in found]
    if missing:
        rows = await tx.fetch(
            _NEARLY, tx.scope.group_id, [p for p, _ in missing], [w for _, w in missing],
            [loosened(w) for _, w in missing],
        )  # fmt: skip
        found |= {(row["project_id"], row["given"]): Integration(row["id"], row["kind"]) for row in rows}
    return found


async def campaigns_of(
    tx: Transaction,
    nodes: Sequence[tuple[int, LandingNode]],
    integrations: Mapping[tuple[int, str], Integration],
    *,
    now: datetime | None,
) -> list[Led]:
    """Project and node → where somebody came from, in the same order.

    A campaign is known by its slug in the integration, else by its id there, else by either written carelessly. Where
    no slug or id is given it is the one that `utm_campaign` names by slug or name, of the integration or, without one,
    of the project's. Where none is known it is the integration's implicit campaign, which is made if it is missing;
    `now` None: nothing is made.
    """
    places = [(project, integrations.get((project, node.wmkt_id or "")), node) for project, node in nodes]
    named = {(at.id, node.campaign) for _, at, node in places if at is not None and node.campaign is not None}
    known = await _known(tx, sorted(named))
    tagged = {
        (project, None if at is None else at.id, node.tagged)
        for project, at, node in places
        if node.tagged is not None and (at is None or (at.id, node.campaign or "") not in known)
    }
    by_tag = await _tagged(tx, sorted(tagged, key=repr))
    found = [
        (known.get((at.id, node.campaign)) if at is not None and node.campaign is not None else None)
        or (by_tag.get((project, None if at is None else at.id, node.tagged)) if node.tagged else None)
        for project, at, node in places
    ]
    unsaid = {at.id for (_, at, _), one in zip(places, found, strict=True) if at is not None and one is None}
    implicit = await implicit_campaigns(tx, unsaid, now=now)
    return [_led(at, one, implicit) for (_, at, _), one in zip(places, found, strict=True)]


def _led(at: Integration | None, one: _Campaign | None, implicit: Mapping[int, Implicit]) -> Led:
    if one is not None:
        return Led(one.integration_id, one.id, one.kind, one.channels)
    if at is None:
        return Led()
    ours = implicit.get(at.id)
    return Led(at.id, None, at.kind) if ours is None else Led(at.id, ours.id, at.kind, ours.channels)


_INTEGRATIONS = """
SELECT i.id, i.kind, i.project_id, i.wmkt_id
  FROM unnest($2::bigint[], $3::text[]) AS given (project_id, wmkt_id)
  JOIN integration i ON i.group_id = $1 AND i.wmkt_id = given.wmkt_id AND i.project_id = given.project_id
"""
_NEARLY = """
SELECT given.project_id, given.wmkt_id AS given, min(i.id) AS id, min(i.kind) AS kind
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (project_id, wmkt_id, loose)
  JOIN integration i ON i.group_id = $1 AND i.project_id = given.project_id AND lower(i.wmkt_id) = lower(given.loose)
 GROUP BY given.project_id, given.wmkt_id
HAVING count(*) = 1
"""
# The slug comes before the id: somebody may have given a campaign another one's number for a slug. What is written
# carelessly comes last, and only where it can be one campaign alone.
_KNOWN = """
SELECT found.integration_id, found.named, found.rank, c.id, c.channels, i.kind
  FROM (
SELECT given.integration_id, given.named, c.id, 1 AS rank
  FROM unnest($2::bigint[], $3::text[]) AS given (integration_id, named)
  JOIN campaign c ON c.group_id = $1 AND c.integration_id = given.integration_id AND c.slug = given.named
 WHERE c.deleted_at IS NULL
UNION ALL
SELECT given.integration_id, given.named, c.id, 2
  FROM unnest($4::bigint[], $5::text[], $6::bigint[]) AS given (integration_id, named, id)
  JOIN campaign c ON c.group_id = $1 AND c.id = given.id AND c.integration_id = given.integration_id
 WHERE c.deleted_at IS NULL
       ) found
  JOIN campaign c ON c.group_id = $1 AND c.id = found.id
  JOIN integration i ON i.group_id = $1 AND i.id = found.integration_id
"""
_CARELESSLY = """
SELECT given.integration_id, given.named, c.id, c.channels, i.kind
  FROM (SELECT given.integration_id, given.named, min(c.id) AS id
          FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (integration_id, named, loose)
          JOIN campaign c ON c.group_id = $1 AND c.integration_id = given.integration_id
           AND lower(c.slug) = lower(given.loose)
         WHERE c.deleted_at IS NULL
         GROUP BY given.integration_id, given.named
        HAVING count(*) = 1) given
  JOIN campaign c ON c.group_id = $1 AND c.id = given.id
  JOIN integration i ON i.group_id = $1 AND i.id = given.integration_id
"""
# A slug comes before a name. Names are compared by their letters and digits alone: tags are written without the others.
_FOLDED = "regexp_replace(lower({0}), '[^[:alnum:]]+', '', 'g')"
_TAGGED = f"""
WITH given AS MATERIALIZED (
  SELECT given.*, lower(given.named) AS slug, {_FOLDED.format("given.named")} AS name
    FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::text[]) AS given (at, project_id, integration_id, named)),
ours AS MATERIALIZED (
  SELECT i.project_id, i.id AS integration_id, i.kind, c.id, c.channels, lower(c.slug) AS slug,
         {_FOLDED.format("c.name")} AS name
    FROM integration i
    JOIN campaign c ON c.group_id = $1 AND c.integration_id = i.id AND c.is_explicit AND c.deleted_at IS NULL
   WHERE i.group_id = $1 AND i.project_id = ANY ($3))
SELECT given.at, 1 AS rank, ours.id, ours.integration_id, ours.kind, ours.channels
  FROM given JOIN ours ON ours.project_id = given.project_id AND ours.slug = given.slug
 WHERE given.integration_id IS NULL OR given.integration_id = ours.integration_id
UNION ALL
SELECT given.at, 2, ours.id, ours.integration_id, ours.kind, ours.channels
  FROM given JOIN ours ON ours.project_id = given.project_id AND ours.name = given.name
 WHERE (given.integration_id IS NULL OR given.integration_id = ours.integration_id) AND given.name <> ''
"""


async def _known(
    tx: Transaction, named: Sequence[tuple[int, str]]
) -> dict[tuple[int, str | None], _Campaign]:
    if not named:
        return {}
    elsewhere = await rows_known_as(tx, "camp", WEBMARKETER, [n for _, n in named if n])
    by_id = [
        (i, n, ident) for i, n in named if n and (ident := elsewhere.get(n) or read_id("camp", n)) is not None
    ]
    rows: list[Any] = await tx.fetch(
        _KNOWN, tx.scope.group_id, [i for i, _ in named], [n for _, n in named], [i for i, _, _ in by_id],
        [n for _, n, _ in by_id], [ident for _, _, ident in by_id],
    )  # fmt: skip
    found = {
        (row["integration_id"], row["named"]): _campaign(row)
        for row in sorted(rows, key=lambda row: -row["rank"])
    }
    missing = [pair for pair in named if pair not in found]
    if missing:
        rows = await tx.fetch(
            _CARELESSLY, tx.scope.group_id, [i for i, _ in missing], [n for _, n in missing],
            [loosened(n) for _, n in missing],
        )  # fmt: skip
        found |= {(row["integration_id"], row["named"]): _campaign(row) for row in rows}
    return found


async def _tagged(
    tx: Transaction, asked: Sequence[tuple[int, int | None, str | None]]
) -> dict[tuple[int, int | None, str | None], _Campaign]:
    """By project, integration and tag, the one campaign that it can be."""
    if not asked:
        return {}
    rows: list[Any] = await tx.fetch(
        _TAGGED, tx.scope.group_id, [*range(len(asked))], [p for p, _, _ in asked], [i for _, i, _ in asked],
        [t for _, _, t in asked],
    )  # fmt: skip
    fitting: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        fitting[row["at"]].append(row)
    found = {}
    for at, some in fitting.items():
        best = min(row["rank"] for row in some)
        first, *others = [row for row in some if row["rank"] == best]
        if not others:
            found[asked[at]] = _campaign(first)
    return found


def _campaign(row: Any) -> _Campaign:
    return _Campaign(row["id"], row["integration_id"], row["kind"], tuple(row["channels"]))
