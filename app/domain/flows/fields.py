"""What a flow tree and goals may hold. Source: Benji, "GET /campaigns", child attributes and their ranges.

Codes are accepted in the wider of the two ranges the document gives (choice BJ-C1); one without a name is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.settable import Check, SmallInt, needed, optional, settable, written
from app.errors import Invalid
from app.tables.flows import RewardPer, RewardRounding
from app.values.changes import UNSET, Settable
from app.values.json_text import kind_of, write_json
from app.values.texts import read_text

MAX_FLOWS = 100
MAX_CHILDREN = 100
MAX_DOCUMENT = 65_536
CUSTOM = 4
"""The trigger that has an id of its own."""

TRIGGERS = range(1, 6)
ACTIONS = range(1, 5)
OWNERS = range(1, 10)
"""For conditions and multipliers: whose attribute it is."""
OPERATORS = range(1, 6)
JOINERS = range(1, 3)
GOAL_TYPES = range(1, 5)
GOAL_OPERATORS = range(1, 5)


NEW_ID = "One that is there; 0 or left out: a new one."
BLANK_IDS = ("", "0")


def code(value: int, known: range, path: Path) -> int:
    """A code of the documented range."""
    if value not in known:
        name = ".".join(map(str, path))
        raise Invalid(f"`{name}` lies between {known[0]} and {known[-1]}, not {value}.", path=path)
    return value


def document(value: Any, path: Path) -> str | None:
    """Any JSON, as the text that is stored; None stays NULL."""
    if value is None:
        return None
    try:
        text = write_json(value).decode()
        if "\\u0000" in text:
            raise ValueError("holds the character NUL (U+0000), which cannot be stored")
        return read_text(text, longest=MAX_DOCUMENT)
    except (UnicodeEncodeError, TypeError, RecursionError, ValueError) as why:
        raise Invalid(f"`{'.'.join(map(str, path))}` cannot be kept: {why}.", path=path) from None


def _in(known: range) -> Check:
    return lambda value, path: code(value, known, path)


def _extra_data(value: Any, path: Path) -> str | None:
    # An object, as in Benji's sample.
    if not isinstance(value, dict):
        raise Invalid(f"`{'.'.join(map(str, path))}` must be an object, not {kind_of(value)}.", path=path)
    return document(value, path)


def _new_id(prefix: str, kind: str) -> Any:
    """The id of an existing one, or None."""
    return optional(NEW_ID, refers=(prefix, kind), blank=BLANK_IDS)


def _partner(description: str) -> Any:
    return needed(description, refers=("part", "partner"))


def _attribute() -> Any:
    return needed("Which attribute of its owner, by number; see `rewardAttributes`.", check=inputs.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFields:
    """What a flow pays. `id` None is a new one."""

    action_code: SmallInt = needed("1 to 4; the codes have no documented names.", check=_in(ACTIONS))
    partner_id: int = _partner("The partner it pays for.")
    base_reward: int = optional(
        "What it pays before multipliers, in the smallest currency unit; 0 unless said.",
        check=inputs.count,
        default=0,
        null=0,
    )
    rate: Decimal | None = optional(
        "A share: how much it pays besides, before multipliers, in the smallest currency unit, for each unit of what"
        " `per` says. 1 is a point for each euro.",
        check=inputs.amount,
    )
    rounding: RewardRounding = optional(
        "How a share, with what is paid beside it, is made a whole number after multipliers; DOWN unless said.",
        default=RewardRounding.DOWN,
        null=RewardRounding.DOWN,
    )
    per: RewardPer = optional(
        "What the share is of; AMOUNT unless said.", default=RewardPer.AMOUNT, null=RewardPer.AMOUNT
    )
    id: int | None = _new_id("act", "action")
    extra_data: Any = optional("Further data: an object, kept as it is.", check=_extra_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFields:
    """What must hold."""

    partner_id: int = _partner("The partner it is about.")
    attribute: int = _attribute()
    id: int | None = _new_id("cond", "condition")
    type_code: int = needed("Whose attribute is compared.", check=_in(OWNERS))
    operator_code: int = optional(
        "How it is compared; EQUALS unless said.", check=_in(OPERATORS), default=1, null=1
    )
    joiner_code: int = optional(
        "How it is tied to the next condition; AND unless said.", check=_in(JOINERS), default=1, null=1
    )
    value: Any = optional("What it is compared with; null: having the attribute is enough.", check=document)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplierFields:
    """What raises the reward."""

    partner_id: int = _partner("The partner it is about.")
    attribute: int = _attribute()
    amount: Decimal = needed("The factor: 1.5 is half again as much.", check=inputs.amount)
    id: int | None = _new_id("mult", "multiplier")
    type_code: int = needed("Whose attribute triggers it.", check=_in(OWNERS))
    value: Any = optional("The value the attribute must have; null: having it is enough.", check=document)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFields:
    """A flow as it is to be: fields that are UNSET stay; a list that is given is the whole list."""

    id: int | None = _new_id("flow", "flow")
    trigger_code: Settable[int] = settable("What sets it off; a new flow needs one.", check=_in(TRIGGERS))
    custom_trigger_id: Settable[int | None] = settable(
        "Which custom trigger; with the trigger CUSTOM, and only then.", check=inputs.count
    )
    is_active: Settable[bool] = settable(
        "Inactive flows pay nothing; a new one is active unless said.", null=UNSET
    )
    is_deleted: Settable[bool] = settable("True deletes it, false brings it back.", null=UNSET)
    actions: Settable[Sequence[ActionFields]] = settable("What it pays, in order.", null=UNSET)
    conditions: Settable[Sequence[ConditionFields]] = settable("What must hold, in order.", null=UNSET)
    multipliers: Settable[Sequence[MultiplierFields]] = settable(
        "What raises the reward, in order.", null=UNSET
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalFields:
    """A target or a limit."""

    partner_id: int = _partner("The partner it is about.")
    value: int = needed("Users, transactions, or the smallest currency unit, by type.", check=inputs.count)
    id: int | None = _new_id("goal", "goal")
    type_code: int = needed("What it counts.", check=_in(GOAL_TYPES))
    operator_code: int = needed("Whether it is a target, a limit or a threshold.", check=_in(GOAL_OPERATORS))


def row_of(
    given: ActionFields | ConditionFields | MultiplierFields | GoalFields, path: Path
) -> dict[str, Any]:
    """The columns of a child or a goal, checked."""
    return written(given, path, without=("id",))
