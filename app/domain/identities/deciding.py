"""Who is who, decided in memory from what is known; `identifying.py` reads it before and writes it afterwards.

Keys are strong (an e-mail address, an id of the tenant's own) or weak (a telephone number, a tracker). Of what is said
of somebody at once, the surest key decides whose it is, and of each other key it is noted with which surer ones it was
said. From these notes alone follows who is who, whatever came first:

- a key that was said with two different surer ones of a kind (two addresses, two accounts) is shared: it is somebody of
  its own, and decides for nobody else; so is a number that was told of a customer with an id of its own and no address,
  and of anybody else;
- else a strong key is the same person as all it was said with, and a weak one belongs to the surest it was said with.

So a tablet that two people sign in on is nobody's, and what came from it while nobody was signed in is its own. A key
that moves takes along what was known by it. Keys are pinned to their customer where somebody decided by hand, or where
two could not be joined, since one of them has an external id too, or something that counts per customer.

What strangers say (events without a credential) may be made up: it is noted apart, counts only for keys that nobody
vouched for, and fills in no columns. Of somebody who is known by more than strangers' word it attaches trackers alone.
So strangers' journeys are attributed, and never decide whom a vouched event pays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.domain.identities.parts import Parts
from app.domain.identities.people import (
    EMAIL,
    PHONE,
    TRACKER,
    WEAK,
    Doubt,
    Fresh,
    Held,
    Key,
    Known,
    Person,
    Project,
    keys_of,
    row_key,
    vertex,
)
from app.domain.identities.said import Said

MOST_TOLD = 5
"""How many of those who share a key are told, each as something to look at."""


class Decisions(Said):
    """Who is who, after all of these people. Customers to be made have negative numbers."""

    def __init__(
        self,
        projects: Mapping[int, Project],
        people: Sequence[Person],
        held: Iterable[Held],
        customers: Mapping[int, Known],
        phones: Mapping[str, Sequence[int]] | None = None,
        *,
        emails: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(projects, people, held, customers, phones, emails=emails)
        self.fresh: dict[int, Fresh] = {}
        """What to write: customers to be made, and values for those that lack some."""
        self.merged: dict[int, int] = {}
        """Customers who are another one."""
        self.moved: list[tuple[int, int, int]] = []
        """Rows of keys that leave a customer for another one: id, from, into."""
        self.cleared: dict[int, tuple[int, str]] = {}
        """Customers whose address turned out to be shared: whose it is now, and the address."""
        self.back: set[int] = set()
        """Those who come back if they are deleted."""
        self.doubts: list[Doubt] = []
        self._pinned: set[Key] = set()
        self._apart: set[int] = set()
        """Customers who turned out not to be joinable: nothing joins them with another one any more."""
        self._home: dict[Key, int] = {}

    def decide(self, counted: Iterable[int] = ()) -> None:
        """Find everybody's customer. `counted`: those among `candidates` who cannot be joined with others."""
        counted = set(counted)
        # Each round sets at least one more customer apart, so there are no more rounds than customers.
        while refused := self._solve(counted):
            self._apart |= refused
            self._pinned |= {w for w in self.of if self.owner(w) in refused}
        self._tell()

    @property
    def candidates(self) -> set[int]:
        """Customers who are to be joined with others."""
        return set(self.merged)

    def _solve(self, counted: set[int]) -> set[int]:
        """Who is who; or further customers that would have to be joined and cannot be."""
        self.merged, self.moved, self.fresh, self.doubts = {}, [], {}, []
        self.cleared = {}
        parts = Parts()
        shared = self._unite(parts)
        rows_of = self._rows_of(parts)
        refused: set[int] = set()
        number = 0
        home: dict[Key, int] = {}
        for v in sorted(self.of, key=self._order):
            root = parts.find(v)
            if root in home:
                continue
            rows = rows_of.get(root, [])
            if not rows:
                number -= 1
                rows = [number]
                self.fresh[number] = Fresh(self._store_of(v))
            home[root] = rows[0]
            for one in rows[1:]:
                if one in counted or (one in self.customers and self.customers[one].has_own_id):
                    refused.add(one)
                else:
                    self.merged[one] = rows[0]
        if refused - self._apart:
            return refused - self._apart
        self._home = {v: home[parts.find(v)] for v in self.of}
        for v in self.of:
            self._settle(v, v in shared)
        return set()

    def _unite(self, parts: Parts) -> set[Key]:
        shared: set[Key] = set()
        # First of all, so that whatever joins a key joins the customer it stays with.
        for v in sorted(self.of, key=self._order):
            if v in self._pinned or any(one.is_pinned for one in self.of[v] if one.id):
                parts.join(v, row_key(self.owner(v)))
        for customer in self.customers.values():
            if customer.is_told or customer.id not in self.opened:
                parts.find(row_key(customer.id))
        for v, column in self.columns.items():
            known = self.customers.get(column)
            may_leave = known is not None and not known.has_own_id and known.email_key == v[2]
            if v in self.of and not (may_leave and column in self.opened and self.is_contested(v)):
                self._join(parts, v, row_key(column))
        for v in sorted(self.of, key=self._order):
            old = [one for one in self.of.get(v, ()) if one.id]
            if v in self._pinned or any(one.is_pinned for one in old):
                continue
            if old and v not in self.loose and not {one.owner for one in old} & self.opened:
                if not self._are_apart(parts, v, row_key(old[0].owner)):
                    parts.join(v, row_key(old[0].owner))
            elif self.is_contested(v):
                shared.add(v)
            else:
                found = sorted(self.deciders(v), key=lambda d: self._order(self.as_said(d)))
                for d in found[:1] if v[1] in WEAK else found:
                    if v[1] not in WEAK and self.is_contested(d):
                        continue
                    if not self._join(parts, v, d):
                        shared.add(v)
        return shared

    def _join(self, parts: Parts, one: Key, other: Key) -> bool:
        """Unless two external ids would be one person's, or somebody who cannot be joined would be another one."""
        named = [
            {row for row in parts.rows(of) if row in self.customers and self.customers[row].has_own_id}
            for of in (one, other)
        ]
        if (named[0] and named[1] and named[0] != named[1]) or self._are_apart(parts, one, other):
            return False
        parts.join(one, other)
        return True

    def _are_apart(self, parts: Parts, one: Key, other: Key) -> bool:
        """Whether one of them is of somebody who cannot be joined, and the other of somebody else."""
        rows = [parts.rows(of) for of in (one, other)]
        return bool(rows[0] and rows[1] and rows[0] != rows[1] and self._apart & (rows[0] | rows[1]))

    def _rows_of(self, parts: Parts) -> dict[Key, list[int]]:
        """By part of the keys, the customers that it goes on as, the best first."""
        found: defaultdict[Key, set[int]] = defaultdict(set)
        for node in parts.all_rows():
            found[parts.find(node)].add(int(node[2]))
        best: dict[int, tuple[tuple[int, int], Key]] = {}
        for v in self.of:
            for one in self.of.get(v, ()):
                if one.id and row_key(one.owner) not in parts and v not in self.loose:
                    rank = ((self.level(v), one.id), v)
                    best[one.owner] = min(best.get(one.owner, rank), rank)
        for customer, (_, v) in best.items():
            found[parts.find(v)].add(customer)
        return {root: sorted(rows, key=self._rank) for root, rows in found.items()}

    def _rank(self, customer: int) -> tuple[bool, bool, int]:
        known = self.customers.get(customer)
        return (known is None or not known.has_own_id, known is None or known.email_key is None, customer)

    def _order(self, v: Key) -> tuple[int, Key]:
        return self.level(v), v

    def _store_of(self, v: Key) -> int | None:
        project = next((one.key[0] for one in self.of.get(v, ()) if one.key[0] in self.projects), None)
        return None if project is None else self.projects[project].store_id

    def _settle(self, v: Key, is_shared: bool) -> None:
        """What changes of the key's rows, and who loses it."""
        home = self._home[v]
        for one in self.of.get(v, ()):
            if v in self.vouched and not one.is_vouched:
                one.is_vouched = one.is_changed = True
            if one.id and one.owner != home:
                if self.merged.get(one.owner) != home:
                    self.moved.append((one.id, one.owner, home))
                    one.is_changed = True
            if is_shared and not one.is_shared:
                if one.id or len(self.deciders(v)) > 1:
                    reason = f"shared_{v[1] if v[1] in (*WEAK, EMAIL) else 'id'}"
                    if not any(known.key[1:] == one.key[1:] for known in self.doubts):
                        others: list[int | None] = [*self._who_share(v)]
                        self.doubts += [Doubt(reason, one.key, home, other) for other in others or [None]]
                one.is_shared = one.is_changed = True
            if not is_shared and one.is_shared and v in self.vouched and v not in self.before:
                one.is_shared, one.is_changed = False, True
            if v in self._pinned and not one.is_pinned:
                one.is_pinned = one.is_changed = True
                self.doubts.append(Doubt("kept_apart", one.key, home, self._kept_from(v)))
        column = self.columns.get(v)
        if column is not None and column != home and self.merged.get(column) != home:
            if column in self.opened and not self.customers[column].has_own_id:
                self.cleared[column] = (home, v[2])
                told = self.fresh.setdefault(home, Fresh(None))
                told.email, told.email_key = self.customers[column].email, v[2]

    def _who_share(self, v: Key) -> list[int]:
        """Some of those with whom a shared key was said, as they are afterwards."""
        found = {self._home.get(d) or self.final(self.owner(d)) for d in self.deciders(v)}
        return sorted(found - {0, self._home[v]}, key=abs)[:MOST_TOLD]

    def _kept_from(self, v: Key) -> int | None:
        """Who would have been joined with the key's customer."""
        said_with = {self.owner(d) for d in self.deciders(v)} - {0, self._home[v]}
        decided = {self._home[w] for w in self.of if v in self.deciders(w)} - {self._home[v]}
        return min(said_with or decided, default=None)

    def customer_of(self, person: Person) -> tuple[int, Key] | None:
        """The person's customer, and the key that says so."""
        keys = keys_of(person, self.projects)
        if not keys:
            return None
        if person.customer_id is not None:
            return self.final(person.customer_id), keys[0]
        return self._home[vertex(keys[0])], keys[0]

    def home_of(self, key: Key) -> int:
        """Whose the key is."""
        return self._home[vertex(key)]

    def is_vouched_link(self, key: Key) -> bool:
        """Whether what was noted of the key now is more than strangers' word."""
        return vertex(key) in self.vouched

    def final(self, customer: int) -> int:
        """After all joining."""
        return self.merged.get(customer, customer)

    def _tell(self) -> None:
        """Fill in columns that are still empty, and say who comes back."""
        for person in self.people:
            found = self.customer_of(person)
            if found is None:
                continue
            customer, key = found
            known = self.customers.get(customer)
            if not person.is_vouched:
                if vertex(key) not in self.vouched:
                    self.back.add(customer)
                continue
            self.back.add(customer)
            if key[1] == TRACKER or person.customer_id is not None:
                continue
            told = self.fresh.get(customer) or Fresh(None)
            if not (known and known.name):
                told.name = told.name or person.identities.get("name")
            keys = [vertex(one) for one in keys_of(person, self.projects)]
            for v in keys:
                if v[1] == EMAIL and not (known and known.email_key and customer not in self.cleared):
                    if v not in self.columns and self._home[v] == customer and told.email_key is None:
                        told.email = told.email_key = v[2]
                        self.columns[v] = customer
                elif v[1] == PHONE and not (known and known.phone_key):
                    told.phone = told.phone or v[2]
            if told != Fresh(told.store_id) or customer < 0:
                self.fresh[customer] = told


__all__ = ["Decisions"]
