"""Partners, and their agreements with stores.

A record without a name makes one that is called by its number elsewhere (`Partner 6`), and leaves the name of one that
is there: answers of APIs know them as numbers, another file gives them their names.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.groups.bringing_in_partners import Brought, bring_in_partners, bring_in_partnerships
from app.errors import Conflict, Failure, Invalid, Several
from app.importing.concepts.trees import Names, systems_of
from app.importing.knowing import before_many_made, give_many, known_rows
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, instant, text

_AGREEMENTS = "SELECT id, partner_id, store_id FROM partnership WHERE group_id = $1 AND id = ANY ($2)"
_THERE = "SELECT id FROM {table} WHERE group_id = $1 AND id = ANY ($2)"


class PartnerWriter:
    """Makes or names partners, a batch at once: all of it, or those that prevent it."""

    columns = Columns(
        known=("external_id", "name", "created_at"),
        also={"id": "external_id", "partner_id": "external_id"},
        moments=frozenset({"created_at"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch(tx, records, "part", "partner", "Partner")
        await batch.read(self.columns.known)
        batch.stop()
        return await batch.done(await bring_in_partners(tx, await batch.making_room(), now=now))


class PartnershipWriter:
    """The same for agreements. A new one needs its partner and its store."""

    columns = Columns(
        known=("external_id", "name", "partner", "store", "created_at"),
        also={
            "id": "external_id", "partnership_id": "external_id", "partner_id": "partner", "store_id": "store",
            "merchant_id": "store", "merchant": "store",
        },
        moments=frozenset({"created_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch(tx, records, "pship", "partnership", "Partnership")
        await batch.read(self.columns.known)
        await batch.find_parties()
        batch.stop()
        return await batch.done(await bring_in_partnerships(tx, await batch.making_room(), now=now))


class _Batch:
    """Records of a batch; those that name the same one are one."""

    def __init__(self, tx: Transaction, records: Sequence[Record], kind: str, table: str, word: str) -> None:
        self._tx, self._records = tx, records
        self._kind, self._table, self._word = kind, table, word
        self._faults: dict[int, Failure] = {}
        self._first: dict[tuple[tuple[str, str], ...], int] = {}
        """The ids of each → which record tells it first."""
        self._asked: dict[int, tuple[Brought, Mapping[str, Any]]] = {}
        self._new: set[int] = set()

    def stop(self) -> None:
        if self._faults:
            raise RefusedTogether(self._faults)

    async def read(self, columns: Sequence[str]) -> None:
        for at, record in enumerate(self._records):
            row = RowReader(record.values)
            try:
                if not record.external_ids:
                    raise Invalid(
                        "`external_id` says what the system it comes from calls it.", path=["external_id"]
                    )
                name = row.take("name", text)
                created_at = row.take("created_at", instant)
                parties = {word: row.rest.pop(word, None) for word in ("partner", "store")}
                row.nothing_left(columns)
                first = self._first.setdefault(tuple(sorted(record.external_ids.items())), at)
                if first != at:
                    self._merge(at, first, name, created_at, parties)
                    continue
                brought = Brought(
                    inputs.name(name, ["name"]) if name else None,
                    inputs.moment(created_at, ["created_at"]) if created_at else None,
                )
                self._asked[at] = (brought, parties)
            except Failure as failure:
                self._faults[at] = failure
        places = list(self._asked)
        known = await known_rows(self._tx, self._kind, [self._records[at].external_ids for at in places])
        numbers = [one for one in known if isinstance(one, int)]
        there = {
            row["id"]
            for row in await self._tx.fetch(
                _THERE.format(table=self._table), self._tx.scope.group_id, numbers
            )
        }
        for at, found in zip(places, known, strict=True):
            brought = self._asked[at][0]
            if isinstance(found, Conflict):
                self._faults[at] = found
            elif found in there:
                brought.id = found
            else:
                self._new.add(at)
                brought.name = brought.name or self._called(self._records[at])

    def _merge(
        self, at: int, first: int, name: str | None, created_at: datetime | None, parties: Mapping[str, Any]
    ) -> None:
        """Rows of other concepts name the same ones again and again; two that say different things are one too many."""
        if first not in self._asked:
            return  # refused itself
        brought, before = self._asked[first]
        differs = any(
            given is not None and before[word] not in (None, given) for word, given in parties.items()
        )
        self._asked[first] = (brought, {word: before[word] or given for word, given in parties.items()})
        if name not in (None, brought.name) or created_at not in (None, brought.created_at) or differs:
            self._faults[at] = Invalid(
                f"Line {self._records[first].row.number} says something else of the same {self._table}.",
                path=["external_id"],
                code="REPEATED",
            )

    def _called(self, record: Record) -> str:
        return f"{self._word} {next(iter(record.external_ids.values()))}"

    async def find_parties(self) -> None:
        """Which partner and which store agree."""
        names = Names(self._tx)
        for kind, word in (("part", "partner"), ("store", "store")):
            await names.find(
                kind, [(systems_of(self._records[at]), given[word]) for at, (_, given) in self._asked.items()]
            )
        known = [brought.id for brought, _ in self._asked.values() if brought.id is not None]
        there = {row["id"]: row for row in await self._tx.fetch(_AGREEMENTS, self._tx.scope.group_id, known)}
        for at, (brought, given) in self._asked.items():
            systems = systems_of(self._records[at])
            try:
                for kind, word, column in (("part", "partner", "partner_id"), ("store", "store", "store_id")):
                    row = there.get(brought.id) if brought.id is not None else None
                    if row is not None and given[word] is None:
                        continue
                    found = names.row(kind, word, systems, given[word], [word])
                    if row is not None and row[column] != found and word == "partner":
                        raise Conflict(
                            "The agreement is with another partner here; campaigns depend on that.",
                            path=[word],
                            code="WRONG_PARTNER",
                        )
                    setattr(brought, column, found)
            except Failure as failure:
                self._faults.setdefault(at, failure)

    async def making_room(self) -> list[Brought]:
        """What is to be, after our numbers have given way to those of new ones."""
        await before_many_made(self._tx, self._kind, [self._records[at].external_ids for at in self._new])
        return [brought for brought, _ in self._asked.values()]

    async def done(self, changed: Sequence[bool]) -> list[Outcome]:
        """Let them be known by their ids; what became of each record."""
        places = list(self._asked)
        try:
            await give_many(
                self._tx,
                self._kind,
                [(self._asked[at][0].id or 0, self._records[at].external_ids) for at in places],
            )
        except Failure as failure:
            faults: dict[int, Failure] = {}
            for one in failure.failures if isinstance(failure, Several) else [failure]:
                at = places[int(one.path[0])]
                one.path = one.path[1:]
                faults.setdefault(at, one)
            raise RefusedTogether(faults) from None
        outcomes = [Outcome(Verdict.SAME)] * len(self._records)
        for at, is_changed in zip(places, changed, strict=True):
            if is_changed:
                outcomes[at] = Outcome(Verdict.MADE if at in self._new else Verdict.CHANGED)
        return outcomes
