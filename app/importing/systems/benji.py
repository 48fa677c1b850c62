"""Benji: `GET /campaigns`, every reward campaign with all that belongs to it.

Merchants, partners and partnerships are numbers there; they are made as rows that are called by them. What it prints
of a status is `is_active`; of what was paid it prints sums, so participants and transactions are not known.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Invalid
from app.importing.records import Lists, Record, Row
from app.values.json_text import kind_of
from app.values.systems import BENJI, fits
from app.values.texts import read_url

_CAMPAIGN = {
    "name": "name", "campaign_type": "reward_type", "created_date": "created_at", "description": "description",
    "campaign_logo": "logo_url", "merchant_id": "store", "partner_id": "partner", "partnership_id": "partnership",
    "is_active": "is_active", "is_deleted": "deleted", "start_date": "starts_at", "end_date": "ends_at",
    "activation_date": "activated_at", "owner_id": "owner_id", "is_template": "is_template", "template_id": "template",
}  # fmt: skip
_FLOW = {
    "trigger_type": "trigger", "custom_trigger_id": "custom_trigger", "is_active": "is_active",
    "is_deleted": "is_deleted", "created_date": "created_at",
}  # fmt: skip
_INNER = {
    "actions": {
        "action_type": "action", "partner_id": "partner", "base_reward": "base_reward", "extra_data": "extra_data",
    },
    "conditions": {
        "partner_id": "partner", "campaign_condition_type": "type", "condition_operator": "operator",
        "or_and_operator": "joiner", "condition_attribute": "attribute", "condition_value": "value",
    },
    "multipliers": {
        "partner_id": "partner", "multiplier_attribute_type": "type", "multiplier_attribute": "attribute",
        "multiplier_amount": "amount", "multiplier_value": "value",
    },
}  # fmt: skip
_GOAL = {"partner_id": "partner", "goal_type": "type", "goal_value": "value", "goal_operator": "operator"}
_OPEN = {"extra_data", "value"}
"""Values that may be null and mean it."""


class BenjiReader:
    """Reads campaigns out of answers, or out of lists of them."""

    lists = Lists(frozenset({"campaigns", "data", "data.campaigns"}))

    def records(self, row: Row) -> Iterator[Record]:
        """The campaign in a row, what it names, and what belongs to it."""
        if list(row.values) == ["campaigns"] and row.values["campaigns"] == []:
            return  # an answer without any
        reading = _Reading(row)
        yield from reading.named()
        yield from reading.campaign()
        yield from reading.trees()


class _Reading:
    """A campaign on its way from Benji's names to ours."""

    def __init__(self, row: Row) -> None:
        self._row, self._values = row, row.values
        if not {"id", "campaign_type"} <= self._values.keys():
            raise Invalid("This is no campaign as Benji prints it: it has no `id` or no `campaign_type`.")
        self._id = _number(self._values, "id", "")
        if self._id is None:
            raise Invalid("`id` is the campaign's number, from 1 on.", path=["id"])
        self._lost: dict[str, int] = {}

    def named(self) -> Iterator[Record]:
        """Whom and what the campaign names by number."""
        merchant = _number(self._values, "merchant_id", "")
        partner = _number(self._values, "partner_id", "")
        ship = _number(self._values, "partnership_id", "")
        if merchant is not None:
            yield self._record("stores", {"name_if_new": f"Merchant {merchant}"}, merchant)
        for one in self._partners(partner):
            yield self._record("partners", {}, one)
        if ship is not None and partner is not None:
            parties = {"partner": partner, "store": merchant}
            yield self._record("partnerships", parties, ship)

    def campaign(self) -> Iterator[Record]:
        """Its own values."""
        values = self._renamed(self._values, _CAMPAIGN, "")
        values["is_active"] = _flag(values.get("is_active"), "is_active")
        values["is_template"] = _flag(values.get("is_template"), "is_template")
        values["deleted"] = _flag(values.get("deleted"), "is_deleted")
        for name in ("store", "partner", "partnership", "template"):
            values[name] = None if values.get(name) in (0, "0") else values.get(name)
        logo = values.get("logo_url")
        if isinstance(logo, str) and not _is_address(logo):
            values["logo_url"] = None
            if logo:
                self._lose("campaign_logo")
        unknown = self._values.keys() - {*_CAMPAIGN, "id", "total_rewards", "campaign_flows", "goals"}
        for name in sorted(unknown):
            if self._values[name] is not None:
                self._lose(name)
        flows = self._listed(self._values, "campaign_flows", "")
        trees = [self._flow(flow, f"campaign_flows.{at}") for at, flow in enumerate(flows)]
        goals = [
            self._inner(goal, _GOAL, "goals", f"goals.{at}")
            for at, goal in enumerate(self._listed(self._values, "goals", ""))
        ]
        self._trees = trees
        self._goals = goals
        yield self._record(
            "campaigns", values, self._id, names={ours: theirs for theirs, ours in _CAMPAIGN.items()}
        )

    def trees(self) -> Iterator[Record]:
        """What belongs to it."""
        yield self._record(
            "flows", {"flows": self._trees}, self._id, lost={}, names={"flows": "campaign_flows"}
        )
        yield self._record("goals", {"goals": self._goals}, self._id, lost={})
        total = self._values.get("total_rewards")
        if total is not None:
            yield self._record("reward_totals", {"total_rewards": total}, self._id, lost={})

    def _partners(self, own: str | None) -> list[str]:
        """Every partner that is named anywhere in it."""
        found = {own: None} if own is not None else {}
        nested = [*self._listed(self._values, "goals", "")]
        for flow in self._listed(self._values, "campaign_flows", ""):
            nested += [one for name in _INNER for one in self._listed(flow, name, "campaign_flows.")]
        for one in nested:
            partner = _number(one, "partner_id", "")
            if partner is not None:
                found[partner] = None
        return list(found)

    def _flow(self, flow: Mapping[str, Any], path: str) -> dict[str, Any]:
        values = self._inner(flow, _FLOW, "campaign_flows", path, further={"campaign_id", *_INNER})
        for name in ("is_active", "is_deleted"):
            values[name] = _flag(values.get(name), f"{path}.{name}")
        if str(flow.get("campaign_id", self._id)) != self._id:
            self._lose("campaign_flows.campaign_id")
        for name, columns in _INNER.items():
            values[name] = [
                self._inner(one, columns, f"campaign_flows.{name}", f"{path}.{name}.{at}")
                for at, one in enumerate(self._listed(flow, name, f"{path}."))
            ]
        return values

    def _inner(
        self, given: Mapping[str, Any], columns: Mapping[str, str], where: str, path: str, further: Any = ()
    ) -> dict[str, Any]:
        values = self._renamed(given, columns, where, further={"id", *further})
        ident = _number(given, "id", f"{path}.")
        values["external_ids"] = {} if ident is None else {BENJI: ident}
        if ident is None and given.get("id") is not None:
            self._lose(f"{where}.id")
        return values

    def _renamed(
        self, given: Mapping[str, Any], columns: Mapping[str, str], where: str, further: Any = None
    ) -> dict[str, Any]:
        if further is not None:
            for name in given.keys() - {*columns, *further}:
                if given[name] is not None:
                    self._lose(f"{where}.{name}")
        return {
            ours: given[theirs]
            for theirs, ours in columns.items()
            if theirs in given and (given[theirs] is not None or ours in _OPEN)
        }

    def _listed(self, given: Mapping[str, Any], name: str, path: str) -> list[Mapping[str, Any]]:
        listed = given.get(name)
        if listed is None:
            return []
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise Invalid(f"`{path}{name}` is a list of objects, not {kind_of(listed)}.", path=[name])
        return listed

    def _lose(self, name: str) -> None:
        self._lost[name] = self._lost.get(name, 0) + 1

    def _record(
        self,
        concept: str,
        values: Mapping[str, Any],
        ident: str | None,
        *,
        names: Mapping[str, str] | None = None,
        lost: Mapping[str, int] | None = None,
    ) -> Record:
        told = {name: value for name, value in values.items() if value is not None}
        ids = {} if ident is None else {BENJI: ident}
        given = (self._lost if concept == "campaigns" else {}) if lost is None else lost
        return Record(concept, told, self._row, ids, names or {}, given)


def _number(values: Mapping[str, Any], name: str, path: str) -> str | None:
    """A number of Benji's, as text; None where there is none: 0 is none."""
    value = values.get(name)
    if value is None or value in (0, "0", ""):
        return None
    told = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not fits(BENJI, "camp", told):
        raise Invalid(f"`{path}{name}` is a number of Benji's, from 1 on, not {value!r:.40}.", path=[name])
    return told


def _flag(value: Any, name: str) -> bool | None:
    if value is None:
        return None
    if value not in (0, 1):
        raise Invalid(f"`{name}` is 0 or 1, not {value!r:.40}.", path=[name])
    return bool(value)


def _is_address(text: str) -> bool:
    try:
        read_url(text)
    except ValueError:
        return False
    return True


READER = BenjiReader()
