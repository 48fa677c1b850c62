"""Random operations over the schema: fields, aliases, fragments, variables, directives, arguments of every kind."""

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

from tests.given.everything import WEIRD, Everything

MAX_DEPTH = 5
TEXTS = ["", "a", "plain", "%", "_", "\\", "é", "漢", '"', "'", "google_ads", *WEIRD]


@dataclass
class Generated:
    """An operation and its variables."""

    query: str
    variables: dict[str, Any]


@dataclass
class Generator:
    """Grows operations from a seed."""

    schema: GraphQLSchema
    world: Everything
    other: Everything
    """Another group, whose ids must look like missing ones."""
    rng: random.Random
    unplanned: frozenset[str] = frozenset()
    """`Type.field` the planner does not know: left out, so that every operation can be compared."""
    cursors: dict[str, list[str]] = field(default_factory=dict)
    """By the name of the connection's type."""
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _fragments: list[str] = field(default_factory=list)
    _aliases: int = 0
    _budget: int = 0

    def operation(self) -> Generated:
        """One query."""
        self._variables, self._fragments, self._aliases = {}, [], 0
        self._budget = self.rng.choice([4, 15, 40, 80])
        assert self.schema.query_type is not None
        body = self.selections(self.schema.query_type, 0)
        text = body + "".join(f"\n{one}" for one in self._fragments)
        used = {n: kv for n, kv in self._variables.items() if re.search(rf"\${n}\b", text)}
        shown = ", ".join(f"${name}: {kind}" for name, (kind, _) in used.items())
        head = f"query Q({shown}) " if shown else "query Q "
        return Generated(head + text, {n: v for n, (_, v) in used.items() if v is not _ABSENT})

    def selections(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        """`{ … }` on a type."""
        fields = [n for n in kind.fields if f"{kind.name}.{n}" not in self.unplanned]
        leaves = [n for n in fields if is_leaf_type(get_named_type(kind.fields[n].type))]
        pool = fields if depth < MAX_DEPTH and self._budget > 0 else leaves
        chosen = self.rng.sample(pool, min(len(pool), self.rng.choice([1, 2, 3, 5, 8]))) if pool else []
        parts: list[str] = []
        for name in chosen:
            self._budget -= 1
            shown = self.field(kind.fields[name], name, depth)
            parts.append(self.wrapped(shown, kind))
        if self.rng.random() < 0.15 or not parts:
            parts.append(self.rng.choice(["__typename", "kind: __typename"]))
        if isinstance(kind, GraphQLInterfaceType):
            for one in self.rng.sample(list(self.schema.get_possible_types(kind)), 2):
                parts.append(f"... on {one.name} {self.selections(one, depth + 1)}")
        return "{ " + " ".join(parts) + " }"

    def wrapped(self, shown: str, kind: GraphQLObjectType | GraphQLInterfaceType) -> str:
        """Sometimes in a fragment, or behind a directive."""
        roll = self.rng.random()
        if roll < 0.06:
            return f"... on {kind.name} {{ {shown} }}"
        if roll < 0.12:
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {kind.name} {{ {shown} }}")
            return f"...{name}"
        if roll < 0.2:
            flag = self.rng.choice(["true", "false", self.variable("Boolean!", self.rng.random() < 0.5)])
            return f"... @{self.rng.choice(['include', 'skip'])}(if: {flag}) {{ {shown} }}"
        return shown

    def field(self, definition: GraphQLField, name: str, depth: int) -> str:
        """One field with its arguments and what is selected in it."""
        inner = get_named_type(definition.type)
        arguments = self.arguments(definition)
        # Aliased whenever it has arguments: two uses of a name must not clash.
        if arguments or self.rng.random() < 0.1:
            self._aliases += 1
            name = f"a{self._aliases}_é: {name}".replace("_é", "_x")
        if is_leaf_type(inner):
            return name + arguments
        if arguments == "" and ":" not in name:
            self._aliases += 1
            name = f"b{self._aliases}: {name}"
        assert isinstance(inner, GraphQLObjectType | GraphQLInterfaceType)
        return f"{name}{arguments} {self.selections(inner, depth + 1)}"

    def arguments(self, definition: GraphQLField) -> str:
        """`(first: 3, …)`"""
        given: dict[str, str] = {}
        for name, argument in definition.args.items():
            often = 0.08 if name in {"after", "before"} else 0.25
            if is_required_argument(argument) or self.rng.random() < often:
                given[name] = self.given(name, argument.type, definition)
        if "first" in given and "after" in definition.args:
            given.pop("last", None)
        if "offset" in given:
            given.pop("after", None)
            given.pop("before", None)
        if ("after" in given or "before" in given) and "orderBy" in given:
            given.pop("orderBy")
        if "fill" in definition.args:
            self.windowed(given, definition)
        if "cycle" in definition.args:
            given.pop(self.rng.choice(["interval", "cycle"]), None)
            if not {"interval", "cycle"} & set(given):
                given["interval"] = "MONTH"
        return "(" + ", ".join(f"{n}: {v}" for n, v in given.items()) + ")" if given else ""

    def windowed(self, given: dict[str, str], definition: GraphQLField) -> None:
        """Figures are of one window at most, and of one where they are filled or compared."""
        if "last" not in given and {"fill", "compare"} & set(given):
            given["last"] = self.given("last", definition.args["last"].type, definition)
        if "last" in given:
            given.pop("since", None)
            given.pop("until", None)

    def given(self, name: str, kind: Any, definition: Any) -> str:
        """A literal, or a variable of the same value (or null, or absent)."""
        value = self.value(name, kind, definition)
        if self.rng.random() < 0.45:
            if not is_non_null_type(kind) and self.rng.random() < 0.15:
                value = self.rng.choice([None, _ABSENT])
            return self.variable(str(kind), value)
        return literal(value, kind)

    def variable(self, kind: str, value: Any) -> str:
        """Declare a variable."""
        name = f"v{len(self._variables)}"
        self._variables[name] = (kind, value)
        return f"${name}"

    def value(self, name: str, kind: Any, owner: Any) -> Any:
        """A JSON value of an input type."""
        if is_non_null_type(kind):
            kind = kind.of_type
        if is_list_type(kind):
            length = self.rng.choice([0, 1, 2, 3])
            return [self.value(name, kind.of_type, owner) for _ in range(length)]
        if isinstance(kind, GraphQLEnumType):
            return self.rng.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return {
                n: self.value(n, f.type, kind)
                for n, f in kind.fields.items()
                if is_required_input_field(f) or self.rng.random() < 0.2
            }
        return self.cursor(owner) if name in {"after", "before"} else self.scalar(name, kind.name)

    def cursor(self, definition: Any) -> str:
        """A cursor of such a list, rarely of another one."""
        own = self.cursors.get(get_named_type(definition.type).name)
        return self.rng.choice(own) if own and self.rng.random() < 0.95 else "bm8"

    def scalar(self, name: str, kind: str) -> Any:
        """A scalar, by its type and the argument's name."""
        rng = self.rng
        if kind == "ID":
            return self.ident()
        if kind == "Int":
            return rng.choice([0, 1, 2, 3, 5, 50])
        if kind == "Long":
            return rng.choice([0, 1, 2, 2**53 - 1])
        if kind == "Boolean":
            return rng.random() < 0.5
        if kind == "DateTime":
            return rng.choice(
                [
                    "2025-06-01T08:00:00Z",
                    "2025-06-03 08:00:00.12",
                    "2030-01-01T00:00:00+02:00",
                    "0001-01-01T00:00:00Z",
                ]
            )
        if kind == "Date":
            return rng.choice(["2025-06-01", "2025-06-02", "1999-12-31", "9999-12-31"])
        if kind == "Duration":
            return rng.choice(["P1D", "P30D", "P12W", "P3M", "P1Y"])
        if kind == "Decimal":
            return rng.choice(["0", "12.5", "-1", "0.0001"])
        return rng.choice(["EUR", "JPY", "BHD"] if name == "currency" else TEXTS)

    def ident(self) -> str:
        """An id: of this group, of another, or nonsense."""
        if self.rng.random() < 0.12:
            return self.rng.choice(
                [
                    "",
                    "camp_",
                    "camp_x",
                    "camp_0",
                    "camp_9223372036854775808",
                    "nope_1",
                    "42",
                    "camp_٣",
                    "event_1",
                ]
            )
        world = self.world if self.rng.random() < 0.8 else self.other
        table = self.rng.choice(list(PREFIXES))
        return f"{PREFIXES[table]}_{self.rng.choice(world.ids[table])}"


PREFIXES = {
    "audit_entry": "audit",
    "import_run": "import",
    "customer_group": "group", "store": "store", "project": "proj", "partner": "part", "partnership": "pship",
    "integration": "intg", "segment": "seg", "customer": "cust", "campaign": "camp", "spend_limit": "limit",
    "goal": "goal", "flow": "flow", "flow_action": "act", "flow_condition": "cond", "flow_multiplier": "mult",
    "promo": "promo", "outlay": "outlay", "spend_entry": "spend", "asset": "asset", "api_key": "key",
    "promo_code": "pcode", "oauth_client": "client", "webhook_connection": "hook", "promo_redemption": "redeem",
    "order_refund": "refund",
    "funnel_touch": "touch",
    "customer_order": "order", "segment_member": "member", "exchange_rate": "rate",
    "reward_evaluation": "reward", "reward_entry": "rentry", "reward_balance": "balance",
    "reward_reevaluation": "reeval", "reward_tier": "rtier",
    "interaction": "interaction", "channel_rule": "chrule",
    "event_type": "evtype", "event_field": "evfield", "event_fault": "fault", "event_metric": "metric",
    "event_metric_change": "mchange", "customer_identity": "identity", "customer_merge": "merge",
    "customer_doubt": "doubt", "contact_statement": "said", "webhook_refusal": "refusal",
}  # fmt: skip
_ABSENT = object()


def literal(value: Any, kind: Any) -> str:
    """A JSON value as a GraphQL literal."""
    if is_non_null_type(kind):
        kind = kind.of_type
    if value is None:
        return "null"
    if is_list_type(kind):
        return "[" + ", ".join(literal(v, kind.of_type) for v in value) + "]"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(kind, GraphQLInputObjectType):
        return "{" + ", ".join(f"{n}: {literal(v, kind.fields[n].type)}" for n, v in value.items()) + "}"
    return json.dumps(value)
