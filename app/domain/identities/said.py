"""What is said of people, noted by keys: which were said together, and whose they were. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.domain.identities.people import (
    EMAIL,
    PHONE,
    ROW,
    SUREST,
    TRACKER,
    WEAK,
    Held,
    Key,
    Known,
    Person,
    Project,
    keys_of,
    row_key,
    vertex,
)

MOST_CLAIMS = 20
"""How many identities strangers may claim for somebody at once, trackers aside."""


class Said:
    """What was said of keys so far, and what these people say.

    `held` are the rows of all keys in question (in every project, for addresses and numbers), `customers` those who
    have them or have them in their columns. `unknown` are rows that only these name: they are given before `collect`.
    Then `opened` names customers all of whose keys are needed as well, and `unknown` what only those name.
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
        """By number, customers of whom it was told by name."""
        for one in customers.values():
            if one.is_phone_told and one.phone_key and one.is_told and not one.is_gone:
                self.phones.setdefault(one.phone_key, set()).add(one.id)
        self.rows: dict[Key, Held] = {}
        self.by_id: dict[int, Held] = {}
        self.of: dict[Key, list[Held]] = {}
        """By vertex its rows."""
        self.columns = {(0, EMAIL, c.email_key): c.id for c in customers.values() if c.email_key}
        # An address of somebody who was joined with another one is that one's.
        self.columns |= {(0, EMAIL, email): customer for email, customer in (emails or {}).items()}
        self.before: set[Key] = set()
        """Keys that were vouched for before these people came."""
        self.vouched = set(self.columns) | {(0, PHONE, number) for number in self.phones}
        self.add(held)
        self.links: defaultdict[Key, set[Key]] = defaultdict(set)
        """New notes: by key, the surer ones it was said with."""
        self.opened: set[int] = set()
        """Customers that may fall apart or be joined: all their keys are needed."""
        self.loose: set[Key] = set()
        """Trackers that go alone: they were with somebody surer, and nothing hangs on them."""
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
                self.of.setdefault(vertex(one.key), []).append(one)
                if one.is_vouched:
                    self.before.add(vertex(one.key))
                    self.vouched.add(vertex(one.key))

    @property
    def unknown(self) -> set[int]:
        """Ids of rows that others were said with, which have not been read. Of what is shared nobody asks."""
        moving = [
            one
            for v, rows in self.of.items()
            for one in rows
            if one.id
            and not one.is_shared
            and (v in self._asking or v in self.loose or one.owner in self.opened)
        ]
        named = {ident for one in moving for ident in (*one.said_with, *one.claimed_with)}
        return {ident for ident in named if ident > 0} - set(self.by_id)

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
                    if surer[1] == ROW or surer in self.rows:  # Not what strangers may not claim.
                        self._note(key, surer, is_vouched=person.is_vouched)
        self._open()

    def _has_owner(self, v: Key) -> bool:
        return v in self.columns or any(one.id for one in self.of.get(v, ()))

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
            self.of.setdefault(v, []).append(row)
        if is_vouched and not row.is_vouched:
            row.is_vouched = row.is_changed = True
        if first is None or any(one.is_pinned for one in self.of.get(v, ())):
            return
        if any(one.is_shared for one in self.of.get(v, ())) and (v not in self.vouched or v in self.before):
            return
        if vertex(first) not in self.deciders(v):
            self.links[key].add(first)

    def _open(self) -> None:
        for v in list(self.of):
            old = [one for one in self.of.get(v, ()) if one.id]
            if not old or any(one.is_pinned for one in old):
                continue
            owners = {one.owner for one in old}
            new = {vertex(d) for one in self.of.get(v, ()) for d in self.links.get(one.key, ())}
            if v[1] == PHONE:
                new |= {row_key(customer) for customer in self.phones.get(v[2], ())}
            elsewhere = any(self.owner(d) not in owners for d in new)
            is_new_word = v in self.vouched and v not in self.before
            column = self.columns.get(v)
            apart = len(owners) > 1 or (column is not None and column not in owners)
            if not (elsewhere or is_new_word or apart or self._is_newly_contested(v, old)):
                continue
            if v[1] == TRACKER and any(
                (one.said_with or one.claimed_with) and not one.is_shared for one in old
            ):
                self.loose.add(v)
            else:
                self.opened |= owners

    def _is_newly_contested(self, v: Key, old: Sequence[Held]) -> bool:
        return not any(one.is_shared for one in old) and self.is_contested(v)

    def owner(self, v: Key) -> int:
        """Whose it was; 0 where it is new."""
        if v[1] == ROW:
            return int(v[2])
        return next((one.owner for one in self.of.get(v, ()) if one.id), self.columns.get(v, 0))

    def deciders(self, v: Key) -> set[Key]:
        """The surer keys that this one was said with, as far as they count for it."""
        is_vouched = v in self.vouched
        found = {vertex(d) for one in self.of.get(v, ()) for d in self.links.get(one.key, ())}
        for one in self.of.get(v, ()):
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
        """Whether it was said with two different keys of a kind, or a number of two different people."""
        if any(one.is_shared for one in self.of.get(v, ())) and (v not in self.vouched or v in self.before):
            return True
        kinds: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        found = self.deciders(v)
        for d in found:
            said = self.as_said(d)
            kinds[said[:2]].add(said[2])
        return any(len(values) > 1 for values in kinds.values()) or (
            v[1] == PHONE and self._is_of_two_people(found)
        )

    def _is_of_two_people(self, deciders: set[Key]) -> bool:
        """Whether one of them is a customer with an id of its own who has no address, and another is not known by it.

        With an address it is compared by that, like everybody else.
        """
        for row in deciders:
            known = self.customers.get(int(row[2])) if row[1] == ROW else None
            if known is None or known.is_gone or not known.has_own_id or known.email_key is not None:
                continue
            if any(d != row and self.owner(d) != known.id and row not in self.deciders(d) for d in deciders):
                return True
        return False

    def as_said(self, v: Key) -> Key:
        """A customer that was told by name counts as its address, if it has one."""
        known = self.customers.get(int(v[2])) if v[1] == ROW else None
        return v if known is None or known.email_key is None else (0, EMAIL, known.email_key)

    def level(self, v: Key) -> int:
        """The lower the surer: a customer's row, ids of the tenant's own, addresses, numbers, trackers."""
        return SUREST.index(v[1]) if v[1] in SUREST else 1


__all__ = ["Said"]
