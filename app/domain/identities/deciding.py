"""Who is who, decided in memory from what is known; `identifying.py` reads it before and writes it afterwards.

Keys are strong (an e-mail address, an id of the tenant's own) or weak (a telephone number, a tracker). Of what is said of
somebody at once, the surest key decides whose it is, and each other key is noted as said with it. From these notes alone
follows who is who, whatever came first:

- a key that was said with two different ones of a kind (two addresses, two accounts) is shared: it is somebody of its
  own, and decides for nobody else;
- else a strong key is the same person as all it was said with, and a weak one belongs to the surest it was said with.

So a tablet that two people sign in on is nobody's, and what came from it while nobody was signed in is its own. A key that
moves takes along what was known by it. Keys are pinned to their customer where somebody decided by hand, or where two
could not be joined, since one of them has an external id too, or something that counts per customer.

What strangers say (events without a credential) may be made up: it is noted apart, counts only for keys that nobody
vouched for, and fills in no columns. Of somebody who is known by more than strangers' word it attaches trackers alone. So
strangers' journeys are attributed, and never decide whom a vouched event pays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TRACKER, PHONE, EMAIL = "tracker", "phone", "email"
WEAK = (PHONE, TRACKER)
EVERYWHERE = (EMAIL, PHONE)
"""Kinds that are the same in all projects of a group."""
ROW = "#customer"
"""The kind of what stands for a customer's row itself: what was told of that customer by name, in a file for example."""
MOST_CLAIMS = 20
"""How many identities strangers may claim for a customer, trackers aside."""
_SUREST = (ROW, "an id of the tenant's own", EMAIL, PHONE, TRACKER)
Key = tuple[int, str, str]
"""Project, kind and value of an identity. As something to compare, addresses and numbers have project 0."""


@dataclass(frozen=True, slots=True)
class Project:
    """What identifying needs to know of a project."""

    id: int
    store_id: int | None
    """New customers' store."""
    identity_fields: tuple[str, ...]
    """The surest first."""
    region: str | None = None
    """The country of telephone numbers that say none."""


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
    customer_id: int | None = None
    """Whom it is said of, where that is known already. Then it is known by what nobody else is known by."""


@dataclass(slots=True)
class Held:
    """A row of the table of identities; new ones have the id 0."""

    id: int
    key: Key
    owner: int
    is_vouched: bool = False
    said_with: set[int] = field(default_factory=set)
    claimed_with: set[int] = field(default_factory=set)
    is_shared: bool = False
    is_pinned: bool = False
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A customer as the table has it."""

    id: int
    is_gone: bool = False
    has_own_id: bool = False
    """An external id: it was told by name, and is never joined with another one by itself."""
    name: str = ""
    email: str | None = None
    """As typed; `email_key` is what compares."""
    email_key: str | None = None
    phone_key: str | None = None
    is_phone_told: bool = False
    """Whether the number was told of this customer by name."""

    @property
    def is_told(self) -> bool:
        """Whether it is known by its own columns."""
        return self.has_own_id or self.email_key is not None


@dataclass(slots=True)
class Fresh:
    """A customer to be made, or values that a known one lacks."""

    store_id: int | None
    name: str | None = None
    email: str | None = None
    email_key: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that somebody may want to look at."""

    reason: str
    key: Key
    customer: int
    other: int | None


def row_key(customer: int) -> Key:
    """What stands for the customer's row."""
    return (0, ROW, str(customer))


def vertex(key: Key) -> Key:
    """The key as something to compare."""
    return (0, key[1], key[2]) if key[1] in EVERYWHERE else key


def keys_of(person: Person, projects: Mapping[int, Project]) -> list[Key]:
    """The keys that identify somebody, the surest first."""
    project, values = projects[person.project_id], person.identities
    fields = [name for name in project.identity_fields if name != TRACKER and values.get(name)]
    names = [*(name for name in fields if name not in WEAK), *(name for name in fields if name in WEAK)]
    found = [(project.id, name, values[name]) for name in names]
    return [*found, (project.id, TRACKER, person.tracker_id)] if person.tracker_id else found


class Decisions:
    """Who is who, after all of these people. Customers to be made have negative numbers.

    `held` are the rows of all keys in question (in every project, for addresses and numbers), `customers` those who have
    them or have them in their columns. Then `opened` names customers all of whose keys are needed as well, and
    `unknown` rows that only these name; `decide` may be called when they were given.
    """

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
        self.projects = projects
        self.people = people
        self.customers = customers
        self.phones = {number: set(some) for number, some in (phones or {}).items()}
        for one in customers.values():
            if one.is_phone_told and one.phone_key and one.is_told and not one.is_gone:
                self.phones.setdefault(one.phone_key, set()).add(one.id)
        """By number, customers who have it in their columns and are known by more."""
        self.rows: dict[Key, Held] = {}
        self.by_id: dict[int, Held] = {}
        self.of: defaultdict[Key, list[Held]] = defaultdict(list)
        """By vertex its rows."""
        self.columns = {(0, EMAIL, c.email_key): c.id for c in customers.values() if c.email_key}
        # An address of somebody who was joined with another one is that one's.
        self.columns |= {(0, EMAIL, email): customer for email, customer in (emails or {}).items()}
        self._before: set[Key] = set()
        self.vouched = set(self.columns) | {(0, PHONE, number) for number in self.phones}
        self.add(held)
        self.links: defaultdict[Key, set[Key]] = defaultdict(set)
        """New notes: by key, the surer ones it was said with."""
        self.fresh: dict[int, Fresh] = {}
        """What to write: customers to be made, and values for those that lack some."""
        self.merged: dict[int, int] = {}
        self.moved: list[tuple[int, int, int]] = []
        """Rows of keys that leave a customer for another one: id, from, into."""
        self.cleared: set[int] = set()
        """Customers whose address turned out to be shared: it goes to whom it is now."""
        self.back: set[int] = set()
        """Those who come back if they are deleted."""
        self.doubts: list[Doubt] = []
        self._pinned: set[Key] = set()
        self._home: dict[Key, int] = {}
        self._opened: set[int] = set()
        self._loose: set[Key] = set()
        self._asking = {(0, PHONE, number) for number in self.phones} | {
            vertex(key)
            for person in people
            for key in keys_of(person, projects)[person.customer_id is None :]
        }
        """What may turn out to be shared."""

    def add(self, held: Iterable[Held]) -> None:
        """Further rows that were read."""
        for one in held:
            if one.id not in self.by_id:
                self.by_id[one.id] = self.rows[one.key] = one
                self.of[vertex(one.key)].append(one)
                if one.is_vouched:
                    self._before.add(vertex(one.key))
                    self.vouched.add(vertex(one.key))

    @property
    def opened(self) -> set[int]:
        """Customers that may fall apart or be joined: all their keys are needed."""
        return self._opened

    @property
    def unknown(self) -> set[int]:
        """Ids of rows that others were said with, which have not been read. Of what is shared nobody asks."""
        moving = [
            one
            for v, rows in self.of.items()
            for one in rows
            if one.id
            and not one.is_shared
            and (v in self._asking or v in self._loose or one.owner in self._opened)
        ]
        named = {ident for one in moving for ident in (*one.said_with, *one.claimed_with)}
        return {ident for ident in named if ident > 0} - set(self.by_id)

    # What is said

    def collect(self) -> None:
        """Note what these people say. Before that `unknown` rows are to be given, and afterwards those of `opened`."""
        for person in self.people:
            if person.is_vouched:
                self.vouched |= {vertex(key) for key in keys_of(person, self.projects)}
        claims: defaultdict[Key, int] = defaultdict(int)
        for person in self.people:
            keys = keys_of(person, self.projects)
            if not keys:
                continue
            told = None if person.customer_id is None else row_key(person.customer_id)
            if told is None:
                self._note(keys[0], None, is_vouched=person.is_vouched)
            first = told or keys[0]
            for at, key in enumerate(keys):
                if told is None and at == 0:
                    continue
                if told is not None and key[1] not in WEAK and self._has_owner(vertex(key)):
                    continue
                if not person.is_vouched and not self._may_claim(key, first, claims):
                    continue
                for surer in dict.fromkeys([first, *(one for one in keys[:at] if one[1] not in WEAK)]):
                    self._note(key, surer, is_vouched=person.is_vouched)
        self._open()

    def _has_owner(self, v: Key) -> bool:
        return v in self.columns or any(one.id for one in self.of[v])

    def _may_claim(self, key: Key, first: Key, claims: defaultdict[Key, int]) -> bool:
        v, decider = vertex(key), vertex(first)
        if v in self.vouched:
            return False
        if key[1] == TRACKER:
            return True
        claims[decider] += key not in self.rows
        return decider not in self.vouched and claims[decider] <= MOST_CLAIMS

    def _note(self, key: Key, first: Key | None, *, is_vouched: bool) -> None:
        v = vertex(key)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Held(0, key, 0)
            self.of[v].append(row)
        if is_vouched and not row.is_vouched:
            row.is_vouched = row.is_changed = True
        if first is None or any(one.is_pinned for one in self.of[v]):
            return
        if any(one.is_shared for one in self.of[v]) and (v not in self.vouched or v in self._before):
            return
        if vertex(first) not in self.deciders(v):
            self.links[key].add(first)

    def _open(self) -> None:
        for v in list(self.of):
            old = [one for one in self.of[v] if one.id]
            if not old or any(one.is_pinned for one in old):
                continue
            owners = {one.owner for one in old}
            new = {vertex(d) for one in self.of[v] for d in self.links.get(one.key, ())}
            if v[1] == PHONE:
                new |= {row_key(customer) for customer in self.phones.get(v[2], ())}
            elsewhere = any(self._owner(d) not in owners for d in new)
            is_new_word = v in self.vouched and v not in self._before
            column = self.columns.get(v)
            apart = len(owners) > 1 or (column is not None and column not in owners)
            if not (elsewhere or is_new_word or apart or self._is_newly_contested(v, old)):
                continue
            if v[1] == TRACKER and any(
                (one.said_with or one.claimed_with) and not one.is_shared for one in old
            ):
                self._loose.add(v)  # It is with somebody surer, and nothing hangs on it: so it goes alone.
            else:
                self._opened |= owners

    def _is_newly_contested(self, v: Key, old: Sequence[Held]) -> bool:
        return not any(one.is_shared for one in old) and self.is_contested(v)

    def _owner(self, v: Key) -> int:
        """Whose it was; 0 where it is new."""
        if v[1] == ROW:
            return int(v[2])
        return next((one.owner for one in self.of.get(v, ()) if one.id), self.columns.get(v, 0))

    # What follows

    def deciders(self, v: Key) -> set[Key]:
        """The surer keys that this one was said with, as far as they count for it."""
        is_vouched = v in self.vouched
        found = {vertex(d) for one in self.of[v] for d in self.links.get(one.key, ())}
        for one in self.of[v]:
            for ident in one.said_with if is_vouched else one.claimed_with:
                if ident < 0:
                    found.add(row_key(-ident))
                elif ident in self.by_id:
                    found.add(vertex(self.by_id[ident].key))
        if not is_vouched and v[1] != TRACKER:
            found = {d for d in found if d not in self.vouched}
        if v[1] == PHONE:
            found |= {row_key(customer) for customer in self.phones.get(v[2], ())}
        return found

    def is_contested(self, v: Key) -> bool:
        """Whether it was said with two different keys of a kind."""
        if any(one.is_shared for one in self.of[v]) and (v not in self.vouched or v in self._before):
            return True
        kinds: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        for d in self.deciders(v):
            said = self._as_said(d)
            kinds[said[:2]].add(said[2])
        return any(len(values) > 1 for values in kinds.values())

    def _as_said(self, v: Key) -> Key:
        """A customer that was told by name counts as its address, if it has one."""
        known = self.customers.get(int(v[2])) if v[1] == ROW else None
        return v if known is None or known.email_key is None else (0, EMAIL, known.email_key)

    def level(self, v: Key) -> int:
        """The lower the surer: a customer's row, ids of the tenant's own, addresses, numbers, trackers."""
        return _SUREST.index(v[1]) if v[1] in _SUREST else 1

    def decide(self, counted: Iterable[int] = ()) -> None:
        """Find everybody's customer. `counted`: those among `candidates` who cannot be joined with others."""
        counted = set(counted)
        while True:
            refused = self._solve(counted)
            if not refused:
                break
            self._pinned |= refused
        self._tell()

    @property
    def candidates(self) -> set[int]:
        """Customers who are to be joined with others."""
        return set(self.merged)

    def _solve(self, counted: set[int]) -> set[Key]:
        self.merged, self.moved, self.fresh, self.doubts = {}, [], {}, []
        self.cleared = set()
        parts = _Parts()
        shared = self._unite(parts)
        rows_of = self._rows_of(parts)
        refused: set[Key] = set()
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
                    refused |= {w for w in self.of if self._owner(w) == one}
                    self._pinned |= refused
                else:
                    self.merged[one] = rows[0]
        if refused:
            return refused
        self._home = {v: home[parts.find(v)] for v in self.of}
        for v in self.of:
            self._settle(v, v in shared)
        return set()

    def _unite(self, parts: "_Parts") -> set[Key]:
        shared: set[Key] = set()
        for customer in self.customers.values():
            if customer.is_told or customer.id not in self._opened:
                parts.find(row_key(customer.id))
        for v, column in self.columns.items():
            known = self.customers.get(column)
            may_leave = known is not None and not known.has_own_id and known.email_key == v[2]
            if v in self.of and not (may_leave and column in self._opened and self.is_contested(v)):
                self._join(parts, v, row_key(column))
        for v in sorted(self.of, key=self._order):
            old = [one for one in self.of[v] if one.id]
            if v in self._pinned or any(one.is_pinned for one in old):
                self._join(parts, v, row_key(self._owner(v)))
            elif old and v not in self._loose and not {one.owner for one in old} & self._opened:
                parts.join(v, row_key(old[0].owner))
            elif self.is_contested(v):
                shared.add(v)
            else:
                found = sorted(self.deciders(v), key=lambda d: self._order(self._as_said(d)))
                for d in found[:1] if v[1] in WEAK else found:
                    if v[1] not in WEAK and self.is_contested(d):
                        continue
                    if not self._join(parts, v, d):
                        shared.add(v)
        return shared

    def _join(self, parts: "_Parts", one: Key, other: Key) -> bool:
        """Unless two external ids would be one person's."""
        named = [
            {row for row in parts.rows(of) if row in self.customers and self.customers[row].has_own_id}
            for of in (one, other)
        ]
        if named[0] and named[1] and named[0] != named[1]:
            return False
        parts.join(one, other)
        return True

    def _rows_of(self, parts: "_Parts") -> dict[Key, list[int]]:
        """By part of the keys, the customers that it goes on as, the best first."""
        found: defaultdict[Key, set[int]] = defaultdict(set)
        for node in parts.all_rows():
            found[parts.find(node)].add(int(node[2]))
        best: dict[int, tuple[tuple[int, int], Key]] = {}
        for v in self.of:
            for one in self.of[v]:
                if one.id and row_key(one.owner) not in parts and v not in self._loose:
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
        project = next((one.key[0] for one in self.of[v] if one.key[0] in self.projects), None)
        return None if project is None else self.projects[project].store_id

    def _settle(self, v: Key, is_shared: bool) -> None:
        """What changes of the key's rows, and who loses it."""
        home = self._home[v]
        for one in self.of[v]:
            if v in self.vouched and not one.is_vouched:
                one.is_vouched = one.is_changed = True
            if one.id and one.owner != home:
                if self.merged.get(one.owner) != home:
                    self.moved.append((one.id, one.owner, home))
                    one.is_changed = True
            if is_shared and not one.is_shared:
                if one.id or len(self.deciders(v)) > 1:
                    others = sorted({self._owner(d) for d in self.deciders(v)} - {0, one.owner})
                    doubt = Doubt(f"shared_{v[1] if v[1] in (*WEAK, EMAIL) else 'id'}", one.key, home, None)
                    if others:
                        doubt = Doubt(doubt.reason, one.key, home, others[0])
                    if not any(known.key[1:] == one.key[1:] for known in self.doubts):
                        self.doubts.append(doubt)
                one.is_shared = one.is_changed = True
            if not is_shared and one.is_shared and v in self.vouched and v not in self._before:
                one.is_shared, one.is_changed = False, True
            if v in self._pinned and not one.is_pinned:
                one.is_pinned = one.is_changed = True
                self.doubts.append(Doubt("kept_apart", one.key, home, None))
        column = self.columns.get(v)
        if column is not None and column != home and self.merged.get(column) != home:
            if column in self._opened and not self.customers[column].has_own_id:
                self.cleared.add(column)
                told = self.fresh.setdefault(home, Fresh(None))
                told.email, told.email_key = self.customers[column].email, v[2]

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


class _Parts:
    """Keys that are one person."""

    def __init__(self) -> None:
        self._up: dict[Key, Key] = {}
        self._named: dict[Key, set[int]] = {}

    def __contains__(self, v: Key) -> bool:
        return v in self._up

    def find(self, v: Key) -> Key:
        """What stands for all of its part."""
        if v not in self._up:
            self._up[v] = v
            self._named[v] = {int(v[2])} if v[1] == ROW else set()
        while self._up[v] != v:
            self._up[v] = self._up[self._up[v]]
            v = self._up[v]
        return v

    def all_rows(self) -> list[Key]:
        """What stands for customers' rows."""
        return [v for v in self._up if v[1] == ROW]

    def rows(self, v: Key) -> set[int]:
        """Customers' rows in its part."""
        return self._named[self.find(v)]

    def join(self, one: Key, other: Key) -> None:
        """Make two parts one."""
        a, b = self.find(one), self.find(other)
        if a != b:
            self._up[a] = b
            self._named[b] |= self._named[a]


__all__ = [
    "EMAIL",
    "PHONE",
    "ROW",
    "TRACKER",
    "Decisions",
    "Doubt",
    "Fresh",
    "Held",
    "Key",
    "Known",
    "Person",
    "Project",
    "keys_of",
    "row_key",
    "vertex",
]
