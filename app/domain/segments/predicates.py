"""The predicate language of segments: parsed once, then compiled to SQL or evaluated in memory.

    {"total_spent": {"gte": 500}, "loyalty_tier": {"in": ["gold", "platinum"]}}
    {"any": [{"tags": "vip"}, {"not": {"last_order_days_ago": {"gte": 30}}}]}

A criteria object is a set of conditions that must all hold. Its keys are attributes, each with a bare value or
with an object of operators, or the groups `any`, `all` (lists of criteria) and `not` (criteria). Which attributes
there are is an argument. Source: Marketing & CRM API, "Customer Segments"; the bare value, `gte` and
`in` are documented, the rest is ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from app.domain.segments.free import Free
from app.domain.segments.kinds import Bind, DaysAgo, Moment, ValueKind
from app.errors import Invalid
from app.values.json_text import kind_of
from app.values.texts import read_text

CODE = "INVALID_SEGMENT_CRITERIA"
GROUPS = ("any", "all", "not")
NEGATIONS = {"ne": "eq", "nin": "in"}
MAX_TESTS = 200
MAX_NESTING = 8
MAX_KEY = 128

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Attribute:
    """Something a predicate can ask about."""

    name: str
    kind: ValueKind
    column: str
    """The SQL expression; for free attributes the whole jsonb object."""
    read: Callable[[Any], Any]
    """The value among the facts in memory, None where there is none."""
    says: str = ""
    """What it is, for people."""


@dataclass(frozen=True)
class PredicateAttributes:
    """The attributes of one kind of subject. `free` makes an attribute for any key after the prefix."""

    attributes: Mapping[str, Attribute]
    free_prefix: str = ""
    free: Callable[[str], Attribute] | None = None

    def find(self, name: str) -> Attribute | None:
        """The attribute of this name."""
        key = name.removeprefix(self.free_prefix)
        if self.free is not None and key != name and 0 < len(key) <= MAX_KEY:
            return self.free(key)
        return self.attributes.get(name)


def predicate_attributes(attributes: Sequence[Attribute], **free: Any) -> PredicateAttributes:
    """These attributes, by name."""
    assert not any(one.name in GROUPS for one in attributes)
    return PredicateAttributes({one.name: one for one in attributes}, **free)


# ── the tree ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Test:
    """One operator on one attribute; `operator` is `exists` or a positive one of the attribute's kind."""

    __test__ = False

    attribute: Attribute
    operator: str
    operand: Any


@dataclass(frozen=True, slots=True)
class Not:
    """The inner one does not hold."""

    inner: "Predicate"


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of them holds."""

    parts: tuple["Predicate", ...]


Predicate = Test | Not | Every | Some


# ── reading ───────────────────────────────────────────────────────────────────


def parse(criteria: object, attributes: PredicateAttributes) -> Predicate:
    """The predicate in a criteria object. Invalid (`INVALID_SEGMENT_CRITERIA`) names the path of the fault."""
    return _Reader(attributes).criteria(criteria, ("criteria",), 1)


@dataclass
class _Reader:
    attributes: PredicateAttributes
    tests: int = 0

    def criteria(self, given: object, path: Path, depth: int) -> Predicate:
        if not isinstance(given, dict):
            raise _fault(path, f"takes an object of conditions, not {kind_of(given)}")
        if not given:
            raise _fault(path, "is empty; name at least one condition")
        if depth > MAX_NESTING:
            raise _fault(path, f"is nested deeper than {MAX_NESTING} levels")
        return _all([self._condition(key, value, (*path, key), depth) for key, value in given.items()])

    def _condition(self, key: str, value: object, path: Path, depth: int) -> Predicate:
        if key == "not":
            return Not(self.criteria(value, path, depth + 1))
        if key in GROUPS:
            if not isinstance(value, list) or not value:
                raise _fault(path, "takes a list of criteria, at least one")
            parts = [self.criteria(one, (*path, at), depth + 1) for at, one in enumerate(value)]
            return _all(parts) if key == "all" else Some(tuple(parts))
        attribute = self._attribute(key, path)
        if not isinstance(value, dict):
            return self._test(attribute, attribute.kind.bare, value, path)
        if not value:
            raise _fault(path, "is empty; name at least one operator")
        return _all([self._test(attribute, op, operand, (*path, op)) for op, operand in value.items()])

    def _attribute(self, name: str, path: Path) -> Attribute:
        try:
            read_text(name)
        except ValueError as why:
            raise _fault(path[:-1], f"has a key that {why}") from None
        attribute = self.attributes.find(name)
        if attribute is None:
            known = sorted(self.attributes.attributes)
            if self.attributes.free is not None:
                known.append(f"{self.attributes.free_prefix}<key>")
            raise _fault(path, f"is no attribute; known are {', '.join((*known, *GROUPS))}")
        return attribute

    def _test(self, attribute: Attribute, operator: str, operand: object, path: Path) -> Predicate:
        self.tests += 1
        if self.tests > MAX_TESTS:
            raise _fault(path, f"is one condition too many; at most {MAX_TESTS} are allowed")
        if operator == "exists":
            if not isinstance(operand, bool):
                raise _fault(path, f"takes true or false, not {kind_of(operand)}")
            there = Test(attribute, "exists", True)
            return there if operand else Not(there)
        positive = NEGATIONS.get(operator, operator)
        if positive not in attribute.kind.operators:
            raise _fault(path, f"is no operator of this attribute; it has {', '.join(_operators(attribute))}")
        try:
            test = Test(attribute, positive, attribute.kind.operand(positive, operand))
        except ValueError as why:
            raise _fault(path, str(why)) from None
        return test if positive == operator else Not(test)


def _operators(attribute: Attribute) -> list[str]:
    known = attribute.kind.operators
    return [*known, *(negation for negation, positive in NEGATIONS.items() if positive in known), "exists"]


def _all(parts: Sequence[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _fault(path: Path, why: str) -> Invalid:
    # Keys are the client's own text: shown, but cut.
    shown = ".".join(str(part)[:80] for part in path)
    return Invalid(f"`{shown}` {why}.", path=[str(part)[:80] for part in path], code=CODE)


# ── in SQL ────────────────────────────────────────────────────────────────────


@dataclass
class Compiled:
    """A condition, and its values in the order of their parameters."""

    text: str = ""
    values: list[object] = field(default_factory=list)


def compile_sql(predicate: Predicate, *, now: datetime, zone: tzinfo = UTC, first: int = 1) -> Compiled:
    """The predicate as a condition of a WHERE; its parameters are numbered from `$first` on. `zone`: whose days
    days ago are.

    It is true exactly where `evaluate` is, elsewhere false or NULL: so indexes can be used where nothing is negated.
    """
    out = Compiled()
    at = Moment(now, zone)

    def bind(value: object, cast: str) -> str:
        out.values.append(value)
        return f"${first + len(out.values) - 1}::{cast}"

    out.text = _sql(predicate, bind, at)
    return out


def _sql(predicate: Predicate, bind: Bind, at: Moment) -> str:
    match predicate:
        case Not(inner):
            return f"({_sql(inner, bind, at)}) IS NOT TRUE"
        case Every(parts):
            return "(" + " AND ".join(_sql(part, bind, at) for part in parts) + ")"
        case Some(parts):
            return "(" + " OR ".join(_sql(part, bind, at) for part in parts) + ")"
        case Test(attribute, operator, operand):
            kind = attribute.kind
            if operator == "exists":
                if isinstance(kind, Free):
                    return kind.there_sql(attribute.column, bind)
                return kind.there(attribute.column)
            return kind.sql(operator, attribute.column, operand, bind, at)


# ── in memory ─────────────────────────────────────────────────────────────────


def evaluate(predicate: Predicate, facts: Any, *, now: datetime, zone: tzinfo = UTC) -> bool:
    """Whether the predicate holds for these facts; `facts` is what the attributes' `read` understands."""
    return _holds(predicate, facts, Moment(now, zone))


def _holds(predicate: Predicate, facts: Any, at: Moment) -> bool:
    match predicate:
        case Not(inner):
            return not _holds(inner, facts, at)
        case Every(parts):
            return all(_holds(part, facts, at) for part in parts)
        case Some(parts):
            return any(_holds(part, facts, at) for part in parts)
        case Test(attribute, operator, operand):
            value = attribute.read(facts)
            if not attribute.kind.is_there(value):
                return False
            return operator == "exists" or attribute.kind.holds(operator, value, operand, at)


def asks_freely(predicate: Predicate) -> bool:
    """Whether it asks about a free attribute, which may be anything that is known about somebody."""
    match predicate:
        case Not(inner):
            return asks_freely(inner)
        case Every(parts) | Some(parts):
            return any(asks_freely(part) for part in parts)
        case Test(attribute):
            return isinstance(attribute.kind, Free)


def depends_on_time(predicate: Predicate) -> bool:
    """Whether its result can change from one day to the next although no fact does."""
    match predicate:
        case Not(inner):
            return depends_on_time(inner)
        case Every(parts) | Some(parts):
            return any(depends_on_time(part) for part in parts)
        case Test(attribute):
            return isinstance(attribute.kind, DaysAgo)
