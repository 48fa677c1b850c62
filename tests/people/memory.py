"""Who is who, kept in memory by the rules alone, and said once more from all that was ever told: the oracle."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from app.domain.identities.deciding import Decisions
from app.domain.identities.people import (
    EMAIL,
    PHONE,
    ROW,
    WEAK,
    Held,
    Key,
    Known,
    Person,
    Project,
    keys_of,
    vertex,
)

PROJECTS = {1: Project(1, None, ("account", "email", "phone")), 2: Project(2, None, ("email", "phone"))}


@dataclass(frozen=True)
class Imported:
    """A row of a file: a customer by its address, else by an id of its own, with a number."""

    email: str | None
    phone: str | None
    own_id: str = ""


@dataclass
class Memory:
    """What the tables would hold."""

    rows: dict[int, Held] = field(default_factory=dict)
    customers: dict[int, Known] = field(default_factory=dict)
    facts: list[tuple[int, int, int]] = field(default_factory=list)
    """Number of the statement, customer, identity."""

    def take(self, told: Sequence[tuple[int, Person]]) -> None:
        """A batch of what is said, each with its number."""
        people = [person for _, person in told]
        made = self.decide(people, {vertex(key) for person in people for key in keys_of(person, PROJECTS)})
        for number, person in told:
            found = made.customer_of(person)
            if found is not None:
                self.facts.append((number, self.real.get(found[0], found[0]), made.rows[found[1]].id))

    def decide(self, people: Sequence[Person], asked: set[Key], also: Iterable[int] = ()) -> Decisions:
        """What follows, written."""
        held = [self.copy(row) for row in self.rows.values() if vertex(row.key) in asked]
        emails = {
            c.email_key: c.id
            for c in self.customers.values()
            if c.email_key and (0, EMAIL, c.email_key) in asked
        }
        phones: dict[str, list[int]] = defaultdict(list)
        for number, one in self.told_of_gone:
            if (0, PHONE, number) in asked:
                phones[number].append(self.heir(one))
        for known in self.customers.values():
            is_told = known.is_told and known.is_phone_told and not known.is_gone
            if is_told and known.phone_key and (0, PHONE, known.phone_key) in asked:
                phones[known.phone_key].append(known.id)
        known_ones = (
            {row.owner for row in held}
            | set(emails.values())
            | set(also)
            | {c for some in phones.values() for c in some}
        )
        made = Decisions(
            PROJECTS, people, held, {one: self.customers[one] for one in known_ones}, phones, emails=emails
        )
        also = {self.rows[one].owner for one in made.unknown} - known_ones
        if also:
            return self.decide(people, asked, known_ones | also)
        made.add([self.copy(self.rows[one]) for one in made.unknown])
        made.collect()
        if made.opened:
            made.add([self.copy(row) for row in self.rows.values() if row.owner in made.opened])
            also = {self.rows[one].owner for one in made.unknown} - known_ones
            if also:
                return self.decide(people, asked, known_ones | also)
            made.add([self.copy(self.rows[one]) for one in made.unknown])
        made.decide()
        self.write(made)
        return made

    real: dict[int, int] = field(default_factory=dict)

    heirs: dict[int, int] = field(default_factory=dict)
    told_of_gone: list[tuple[str, int]] = field(default_factory=list)
    """Numbers that were told of customers who turned out to be others."""
    own: dict[str, int] = field(default_factory=dict)
    """Customers by ids of their own."""

    def write(self, made: Decisions) -> None:
        """What `identifying.py` writes."""
        self.real = {}
        for one in made.cleared:
            self.customers[one] = replace(self.customers[one], email=None, email_key=None)
        for number, fresh in made.fresh.items():
            if number < 0:
                self.real[number] = ident = len(self.customers) + 1
                known = Known(
                    ident, False, False, fresh.name or "", fresh.email, fresh.email_key, fresh.phone
                )
            else:
                ident, old = number, self.customers[number]
                known = replace(
                    old, email=old.email or fresh.email, email_key=old.email_key or fresh.email_key,
                    phone_key=old.phone_key or fresh.phone,
                )  # fmt: skip
            self.customers[ident] = known
        for row in made.rows.values():
            if not row.id:
                row.id = len(self.rows) + 1
                self.rows[row.id] = row
        for key, noted in made.links.items():
            row = made.rows[key]
            into = row.said_with if made.is_vouched_link(key) else row.claimed_with
            into |= {-int(d[2]) if d[1] == ROW else made.rows[d].id for d in noted}
        homes = {
            row.id: self.real.get(made.home_of(key), made.home_of(key)) for key, row in made.rows.items()
        }
        self.facts = [(n, homes.get(identity, owner), identity) for n, owner, identity in self.facts]
        for row in made.rows.values():
            row.owner = homes[row.id]
            self.rows[row.id] = row
        gone = {one: self.real.get(other, other) for one, other in made.merged.items()}
        self.facts = [(n, gone.get(owner, owner), identity) for n, owner, identity in self.facts]
        for row in self.rows.values():
            row.owner = gone.get(row.owner, row.owner)
        self.heirs |= gone
        for one in gone:
            before = self.customers[one]
            if before.is_phone_told and before.phone_key:
                self.told_of_gone.append((before.phone_key, one))
            self.customers[one] = replace(self.customers[one], is_gone=True, email_key=None, phone_key=None)

    def bring(self, row: Imported) -> None:
        """A customer of a file, as an upsert makes or changes it."""
        if row.email is None:
            known = self.customers.get(self.own.get(row.own_id, 0))
        else:
            known = next((c for c in self.customers.values() if c.email_key == row.email), None)
        if known is None:
            known = Known(
                len(self.customers) + 1, has_own_id=row.email is None, email=row.email, email_key=row.email
            )
            if row.email is None:
                self.own[row.own_id] = known.id
        is_told = known.is_phone_told or row.phone is not None
        known = replace(known, phone_key=row.phone or known.phone_key, is_phone_told=is_told)
        self.customers[known.id] = known
        self.decide([], {(0, EMAIL, row.email or ""), (0, PHONE, row.phone or "")})

    @staticmethod
    def copy(row: Held) -> Held:
        """As it would be read."""
        return replace(
            row, said_with=set(row.said_with), claimed_with=set(row.claimed_with), is_changed=False
        )

    def heir(self, customer: int) -> int:
        """Who it turned out to be."""
        while customer in self.heirs:
            customer = self.heirs[customer]
        return customer

    def parts(self) -> set[frozenset[int]]:
        """Which statements are about the same person."""
        by: defaultdict[int, set[int]] = defaultdict(set)
        for number, owner, _ in self.facts:
            by[owner].add(number)
        return {frozenset(one) for one in by.values()}


def who_is_who(told: Iterable[tuple[int, Person]], imported: Iterable[Imported] = ()) -> set[frozenset[int]]:
    """The same from all that was said, whatever the order."""
    said = [(number, keys_of(person, PROJECTS)) for number, person in told]
    with_: defaultdict[Key, set[Key]] = defaultdict(set)
    level: dict[Key, int] = {}
    for _, keys in said:
        for key in keys:
            level[vertex(key)] = ["account", EMAIL, PHONE, "tracker"].index(key[1])
        for at, key in enumerate(keys[1:], start=1):
            with_[vertex(key)] |= {vertex(keys[0]), *(vertex(one) for one in keys[:at] if one[1] not in WEAK)}
    for row in imported:
        name = (0, ROW, row.own_id) if row.email is None else (0, EMAIL, row.email)
        level.setdefault(name, -1 if row.email is None else 1)
        if row.phone:
            with_[0, PHONE, row.phone].add(name)
            level.setdefault((0, PHONE, row.phone), 2)
    part = {v: v for v in level}

    def find(v: Key) -> Key:
        while part[v] != v:
            v = part[v]
        return v

    def is_shared(v: Key) -> bool:
        kinds: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        for one in with_.get(v, ()):
            kinds[one[:2]].add(one[2])
        of_two = (0, ROW) in kinds and len(with_[v]) > 1
        return of_two or any(len(values) > 1 for values in kinds.values())

    for v in list(with_):
        if is_shared(v):
            continue
        chosen = sorted(with_[v], key=lambda one: (level[one], one))
        strong = [one for one in chosen if not is_shared(one)]
        for one in chosen[:1] if v[1] in WEAK else strong:
            part[find(v)] = find(one)
    by: defaultdict[Key, set[int]] = defaultdict(set)
    for number, keys in said:
        if keys:
            by[find(vertex(keys[0]))].add(number)
    return {frozenset(one) for one in by.values()}
