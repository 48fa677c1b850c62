"""A group's own rules of channels: set as a whole, and asked for whatever comes in."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.groups.operations import LOCK_GROUP, whole_group
from app.domain.inputs import MAX_CODE, Path
from app.domain.interactions.built_in import BUILT_IN
from app.domain.interactions.campaigns import Led
from app.domain.interactions.channels import ALTERNATIVE, Compiled, Rule, Told, compiled
from app.domain.interactions.signs import NO_SIGNS, Signs
from app.domain.settable import optional, written
from app.errors import MAX_TOLD, Failure, Invalid, Several, TooLarge
from app.values.numbers import MAX_SAFE_INTEGER

MAX_RULES = 200
MAX_PATTERN = 255
AGAIN_AFTER = timedelta(minutes=2)
"""No transaction that read the old rules takes so long."""


def _pattern(value: str, path: Path) -> str:
    text = inputs.text(value, path, longest=MAX_PATTERN, blank=False).strip()
    if not any(one.strip() for one in text.split(ALTERNATIVE)):
        raise Invalid("A pattern is a text, `*` for anything, `|` between alternatives.", path=path)
    return text


def _channel(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_CODE, blank=False).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRuleFields:
    """One rule. All patterns given must fit."""

    channel: str | None = optional(
        "The channel it is then, such as google_ads or email; null: none, as if nothing was known.",
        check=_channel,
    )
    source: str | None = optional("A pattern of utm_source.", check=_pattern)
    medium: str | None = optional("A pattern of utm_medium.", check=_pattern)
    campaign: str | None = optional("A pattern of utm_campaign.", check=_pattern)
    click_id: str | None = optional("A pattern of the name of a click id, such as gclid.", check=_pattern)
    referrer: str | None = optional(
        "A pattern of the host they came from, or of a domain it is in, such as google.*.", check=_pattern
    )
    integration: str | None = optional("A pattern of the integration's kind.", check=_pattern)


_RULES = """
SELECT channel, source, medium, campaign, click_id, referrer, integration FROM channel_rule
 WHERE group_id = $1 ORDER BY position
"""
_CLEAR = "DELETE FROM channel_rule WHERE group_id = $1"
_INSERT = """
INSERT INTO channel_rule (group_id, created_at, position, channel, source, medium, campaign, click_id, referrer,
       integration)
SELECT $1, $2, given.position, given.channel, given.source, given.medium, given.campaign, given.click_id,
       given.referrer, given.integration
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]) WITH ORDINALITY
    AS given (channel, source, medium, campaign, click_id, referrer, integration, position)
RETURNING id, position
"""
_DUE = "UPDATE customer_group SET channels_due = $2, channels_again_at = $3 WHERE id = $1"


async def set_channel_rules(
    tx: Transaction, rules: Sequence[ChannelRuleFields], *, now: datetime
) -> list[int]:
    """Put these in place of the group's rules, in this order; their ids. What was recorded is due to be told anew."""
    whole_group(tx)
    if len(rules) > MAX_RULES:
        raise TooLarge(f"There are {len(rules)} rules; a group has {MAX_RULES} at most.", path=["rules"])
    checked = _checked(rules)
    # One after the other: of two at once the later one's list holds.
    await tx.execute(LOCK_GROUP, tx.scope.group_id)
    before = await _own(tx)
    await tx.execute(_CLEAR, tx.scope.group_id)
    made: list[Any] = []
    if checked:
        columns = [list(column) for column in zip(*checked, strict=True)]
        made = await tx.fetch(_INSERT, tx.scope.group_id, now, *columns)
    if before != tuple(checked):
        await tx.execute(_DUE, tx.scope.group_id, MAX_SAFE_INTEGER, now + AGAIN_AFTER)
    return [int(row["id"]) for row in sorted(made, key=lambda row: row["position"])]


async def rules_of(tx: Transaction) -> Compiled:
    """The group's rules and the built-in ones, ready to be asked."""
    return compiled(await _own(tx), BUILT_IN)


async def tell_channels(tx: Transaction, signs: Sequence[Signs], led: Sequence[Led]) -> list[Told]:
    """What each came by, and what says so; one statement for all of them, and none where nothing says anything."""
    if all(where.integration_id is None and sign == NO_SIGNS for sign, where in zip(signs, led, strict=True)):
        return [Told()] * len(signs)
    rules = await rules_of(tx)
    return [
        rules.tell(sign, kind=where.kind, channels=where.channels)
        for sign, where in zip(signs, led, strict=True)
    ]


async def channels_of(tx: Transaction, signs: Sequence[Signs], led: Sequence[Led]) -> list[str | None]:
    """The same, the channels alone."""
    return [told.channel for told in await tell_channels(tx, signs, led)]


async def _own(tx: Transaction) -> tuple[Rule, ...]:
    return tuple(Rule(*row.values()) for row in await tx.fetch(_RULES, tx.scope.group_id))


def _checked(rules: Sequence[ChannelRuleFields]) -> list[Rule]:
    faults: list[Failure] = []
    checked = []
    for at, one in enumerate(rules):
        values = written(one, ("rules", at), faults=faults)
        rule = Rule(**{"channel": None, **values})
        if not any(astuple(one)[1:]):
            faults.append(
                Invalid(
                    "A rule asks for something: source, medium, campaign, clickId, referrer or integration.",
                    path=["rules", at],
                )
            )
        checked.append(rule)
    if faults:
        raise Several(faults[:MAX_TOLD])
    return checked
