"""Who is who, decided in memory from what is known; `identifying.py` reads it before and writes it afterwards.

What strangers say (events without a credential) may be made up. Their identities are kept unvouched, they fill in no
columns, and attach nothing but trackers to a customer who is known by anything vouched. A vouched person is found by
vouched identities and columns first. A customer whom only strangers made is taken for theirs where strangers said
nothing more of it than this person says too, trackers aside; otherwise the identities are taken over by another
customer. So strangers' journeys are attributed, and never decide whom a vouched event pays.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TRACKER = "tracker"
MOST_CLAIMS = 20
"""How many identities strangers may claim for a customer, trackers aside: all are read with each of its events."""
Key = tuple[int, str, str]
"""Project, kind and value of an identity."""


@dataclass(frozen=True, slots=True)
class Project:
    """What identifying needs to know of a project."""

    id: int
    store_id: int | None
    """New customers' store."""
    identity_fields: tuple[str, ...]
    """The surest first."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is said about somebody: a tracker, and attributes in comparable form (`values.identity_of`).

    Attributes that are no identity fields of the project do not identify; `name` becomes a new customer's name.
    """

    project_id: int
    tracker_id: str | None = None
    identities: Mapping[str, str] = field(default_factory=dict)
    is_vouched: bool = True
    """Whether somebody with a credential says so."""


@dataclass(slots=True)
class Fresh:
    """A customer to be made, or values that a known one lacks."""

    store_id: int | None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class Decisions:
    """Who is who. Customers to be made have negative numbers."""

    def __init__(self, projects: Mapping[int, Project]) -> None:
        self.projects = projects
        self.owner: dict[Key, int] = {}
        """By keys in the table of identities, and those that will be."""
        self.vouched: set[Key] = set()
        """Keys whose owner is not strangers' word alone."""
        self.columns: dict[tuple[str, str], int] = {}
        """By the customers' own columns, which are valid in every project, and vouched."""
        self.attached: set[Key] = set()
        """Keys that were not in the table."""
        self.taken_over: set[Key] = set()
        """Keys that only strangers had claimed."""
        self.read: Sequence[int] = ()
        """The customers who were there before."""
        self.counted: set[int] = set()
        """Customers who cannot be merged."""
        self.firm: set[int] = set()
        """Customers with columns, or vouched identities other than trackers."""
        self.tracked: set[int] = set()
        """Customers with vouched trackers."""
        self.claims: defaultdict[int, set[Key]] = defaultdict(set)
        """By customers what strangers say of them, trackers aside."""
        self.gone: set[int] = set()
        """Customers who are deleted."""
        self.back: set[int] = set()
        """Those who come back if they are."""
        self.merged: dict[int, int] = {}
        self.fresh: dict[int, Fresh] = {}
        """What to write: customers to be made, and values for those that lack some."""
        self.made = 0

    def holds(self, customer: int, key: Key, *, is_vouched: bool) -> None:
        """The customer has this identity."""
        if is_vouched:
            (self.tracked if key[1] == TRACKER else self.firm).add(customer)
        elif key[1] != TRACKER:
            self.claims[customer].add(key)

    def decide(self, person: Person) -> int | None:
        """The person's customer."""
        keys = keys_of(person, self.projects)
        if not keys:
            return None
        customer = self._find(person, keys)
        if customer is None:
            self.made += 1
            customer = -self.made
            self.fresh[customer] = Fresh(self.projects[person.project_id].store_id)
        owners = {self.final(self.owner[key]) for key in keys if key in self.owner}
        if person.is_vouched:
            self.back |= owners | {customer}
            self._vouch(customer, person, keys)
        else:
            if not self._is_known(customer):
                self.back.add(customer)
            self._claim(customer, keys)
        if keys[0][1] != TRACKER:
            self._merge(customer, owners, person, keys)
        return customer

    def final(self, customer: int) -> int:
        """After all merging."""
        while customer in self.merged:
            customer = self.merged[customer]
        return customer

    def _find(self, person: Person, keys: Sequence[Key]) -> int | None:
        for key in keys:
            found = self.owner[key] if key in self.vouched else self.columns.get(key[1:])
            if found is None and not person.is_vouched:
                found = self.owner.get(key)
            if found is not None:
                return self.final(found)
        for key in keys:
            found = self.owner.get(key)
            if found is not None:
                found = self.final(found)
                if not self._is_known(found) and self.claims[found] <= set(keys):
                    return found
        return None

    def _is_known(self, customer: int) -> bool:
        """Whether anything vouched is known of the customer."""
        return customer in self.firm or customer in self.tracked

    def _vouch(self, customer: int, person: Person, keys: Sequence[Key]) -> None:
        new = [key for key in keys if key not in self.vouched]
        for key in new:
            owner = self.owner.get(key)
            if owner is None:
                self.attached.add(key)
            else:
                self.claims[self.final(owner)].discard(key)
                if key not in self.attached:
                    self.taken_over.add(key)
            self.owner[key] = mine = self.final(self.columns.get(key[1:], customer))
            self.vouched.add(key)
            self.holds(mine, key, is_vouched=True)
        if keys[0][1] != TRACKER:
            self.firm.add(customer)
            if new:
                self._tell(customer, person, new)

    def _claim(self, customer: int, keys: Sequence[Key]) -> None:
        """Of those who are known by more than strangers' word, a tracker alone: it tells their way, and pays nobody."""
        is_known = self._is_known(customer)
        for key in keys:
            may_claim = not is_known and len(self.claims[customer]) < MOST_CLAIMS
            if key not in self.owner and (key[1] == TRACKER or may_claim):
                self.attached.add(key)
                self.owner[key] = customer
                self.holds(customer, key, is_vouched=False)

    def _merge(self, customer: int, owners: set[int], person: Person, keys: Sequence[Key]) -> None:
        """Those of whom nothing else is known turn out to be this customer."""
        for one in owners - {customer}:
            if one in self.firm or one in self.counted or self.claims[one]:
                continue
            if not person.is_vouched and one in self.tracked:
                continue
            self.merged[one] = customer
            self.fresh.pop(one, None)

    def _tell(self, customer: int, person: Person, new: Sequence[Key]) -> None:
        """Fill in the customer's own columns, where they are still empty."""
        told = self.fresh.setdefault(customer, Fresh(None))
        told.name = told.name or person.identities.get("name")
        for _, kind, value in new:
            if kind in ("email", "phone") and (kind, value) not in self.columns:
                setattr(told, kind, getattr(told, kind) or value)
                self.columns[kind, value] = customer


def keys_of(person: Person, projects: Mapping[int, Project]) -> list[Key]:
    """The keys that identify somebody, the surest first."""
    project, values = projects[person.project_id], person.identities
    names = (name for name in project.identity_fields if name != TRACKER and values.get(name))
    found = [(project.id, name, values[name]) for name in names]
    return [*found, (project.id, TRACKER, person.tracker_id)] if person.tracker_id else found


__all__ = ["TRACKER", "Decisions", "Fresh", "Key", "Person", "Project", "keys_of"]
