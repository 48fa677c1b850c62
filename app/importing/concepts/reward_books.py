"""The books of reward campaigns elsewhere: totals, balances, lines of the ledger, and whom a campaign has rewarded.

    reward_totals        campaign total_rewards totals_as_of
    reward_balances      customer partner balance currency totals_as_of
    reward_entries       external_id campaign customer partner kind amount balance_change currency created_at
    reward_participants  campaign customer rewarded

Amounts are whole numbers in the smallest unit of the currency. Customers are named by their external id or e-mail. The
moment of a total or balance is that of the import where none is told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.groups.finding import currency_of_group
from app.domain.rewards.bringing_in import (
    Account,
    Line,
    bring_in_balances,
    bring_in_lines,
    bring_in_participants,
    bring_in_totals,
)
from app.errors import Failure, Invalid, NotFound
from app.importing.concepts.trees import Names, systems_of
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, instant, text, whole
from app.tables.rewards import RewardEntryKind
from app.values.contacts import fold_email
from app.values.ids import read_id
from app.values.money import is_currency
from app.values.numbers import MAX_SAFE_INTEGER

_CUSTOMERS = f"""
SELECT id, external_id, email_key FROM customer
 WHERE {CUSTOMER_BORDERS} AND deleted_at IS NULL
   AND (id = ANY ($4) OR external_id = ANY ($5) OR email_key = ANY ($6))
"""
_CURRENCIES = "SELECT id, currency FROM campaign WHERE group_id = $1 AND id = ANY ($2)"
_UNKNOWN = ("participants", "transactions")
"""What a sum does not say. Limits on them count from 0 unless `reward_participants` come in, too."""
Key = TypeVar("Key")


class TotalWriter:
    """What campaigns have paid elsewhere: opening entries of the ledger, in bulk."""

    columns = Columns(
        known=("campaign", "total_rewards", "totals_as_of"),
        also={"campaign_id": "campaign", "total": "total_rewards", "as_of": "totals_as_of"},
        amounts=frozenset({"total_rewards"}),
        moments=frozenset({"totals_as_of"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch[int](tx, records)
        await batch.find("camp", "campaign")
        totals: dict[int, tuple[int, datetime]] = {}
        for one in batch.each():
            with one:
                campaign = one.campaign()
                totals[one.key(campaign)] = (one.count("total_rewards"), one.moment("totals_as_of") or now)
                one.nothing_left(self.columns.known)
        batch.stop()
        outcomes = batch.outcomes(await bring_in_totals(tx, totals))
        return [one if one.verdict is Verdict.SAME else replace(one, unknown=_UNKNOWN) for one in outcomes]


class BalanceWriter:
    """What customers have with partners elsewhere: opening entries of the ledger, in bulk."""

    columns = Columns(
        known=("customer", "partner", "balance", "currency", "totals_as_of"),
        also={"customer_id": "customer", "partner_id": "partner", "as_of": "totals_as_of"},
        amounts=frozenset({"balance"}),
        moments=frozenset({"totals_as_of"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch[Account](tx, records)
        await batch.find("part", "partner")
        await batch.find_customers()
        usual = await currency_of_group(tx)
        balances: dict[Account, tuple[int, datetime]] = {}
        for one in batch.each():
            with one:
                account = one.key((one.customer(), one.named("part", "partner"), one.currency(usual)))
                balances[account] = (one.count("balance"), one.moment("totals_as_of") or now)
                one.nothing_left(self.columns.known)
        batch.stop()
        return batch.outcomes(await bring_in_balances(tx, balances))


class EntryWriter:
    """Lines of another system's ledger, each once, in bulk."""

    columns = Columns(
        known=(
            "external_id", "campaign", "customer", "partner", "kind", "amount", "balance_change", "currency",
            "created_at",
        ),
        also={
            "id": "external_id", "campaign_id": "campaign", "customer_id": "customer", "partner_id": "partner",
            "created_date": "created_at",
        },
        amounts=frozenset({"amount", "balance_change"}),
        moments=frozenset({"created_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch[str](tx, records)
        await batch.find("camp", "campaign")
        await batch.find("part", "partner")
        await batch.find_customers()
        currencies = await batch.currencies()
        lines: list[Line] = []
        places: list[int] = []
        for one in batch.each():
            with one:
                system, ident = one.only_id()
                campaign, kind = one.campaign(), one.entry_kind()
                amount, change = _signed(kind, one.amount("amount"), one.optional_amount("balance_change"))
                lines.append(
                    Line(
                        one.key(f"{system}:{ident}"), campaign, one.customer(), one.named("part", "partner"), kind,
                        amount, change, one.currency(currencies[campaign]), one.needed_moment("created_at", now),
                    )
                )  # fmt: skip
                places.append(one.at)
                one.nothing_left(self.columns.known)
        batch.stop()
        done = await bring_in_lines(tx, lines)
        faults = {at: made for at, made in zip(places, done, strict=True) if isinstance(made, Failure)}
        if faults:
            raise RefusedTogether(faults)
        return [Outcome(Verdict.MADE if made else Verdict.SAME) for made in done]


class ParticipantWriter:
    """Whom campaigns have rewarded elsewhere, and how often, in bulk."""

    columns = Columns(
        known=("campaign", "customer", "rewarded"),
        also={"campaign_id": "campaign", "customer_id": "customer", "times": "rewarded"},
        amounts=frozenset({"rewarded"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        batch = _Batch[tuple[int, int]](tx, records)
        await batch.find("camp", "campaign")
        await batch.find_customers()
        rewarded: dict[tuple[int, int], int] = {}
        for one in batch.each():
            with one:
                rewarded[one.key((one.campaign(), one.customer()))] = one.count("rewarded", default=1)
                one.nothing_left(self.columns.known)
        batch.stop()
        return batch.outcomes(await bring_in_participants(tx, rewarded))


class _Batch(Generic[Key]):
    """The records of a batch, and the rows they name."""

    def __init__(self, tx: Transaction, records: Sequence[Record]) -> None:
        self.tx, self.records = tx, records
        self.names = Names(tx)
        self.customers: Mapping[str, int] = {}
        self.faults: dict[int, Failure] = {}
        self.keys: dict[Any, int] = {}

    async def find(self, kind: str, column: str) -> None:
        """The rows that a column names."""
        await self.names.find(kind, [(systems_of(one), _named(one, column)) for one in self.records])

    async def find_customers(self) -> None:
        """Customers, by external id, by e-mail or by an id of ours."""
        self.customers = await _customers_named(
            self.tx, [str(one.values.get("customer") or "") for one in self.records]
        )

    async def currencies(self) -> dict[int, str]:
        """Of the campaigns named."""
        found = set()
        for record in self.records:
            try:
                found.add(
                    self.names.row("camp", "campaign", systems_of(record), _named(record, "campaign"), [])
                )
            except Failure:
                continue  # told where the record is read
        rows = await self.tx.fetch(_CURRENCIES, self.tx.scope.group_id, sorted(found))
        return {row["id"]: row["currency"] for row in rows}

    def each(self) -> Iterable["_One"]:
        return (_One(self, at) for at in range(len(self.records)))

    def stop(self) -> None:
        if self.faults:
            raise RefusedTogether(self.faults)

    def outcomes(self, news: Mapping[Key, bool]) -> list[Outcome]:
        by_place = {at: news[key] for key, at in self.keys.items()}
        return [Outcome(Verdict.MADE if by_place[at] else Verdict.SAME) for at in range(len(self.records))]


@dataclass(slots=True)
class _One:
    """A record on its way; a Failure inside of `with` is one of the record's."""

    batch: _Batch[Any]
    at: int

    def __enter__(self) -> None:
        self.row = RowReader(self.record.values)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Failure):
            self.batch.faults[self.at] = error
            return True
        return False

    row: RowReader = None  # type: ignore[assignment]  # set on entering

    @property
    def record(self) -> Record:
        return self.batch.records[self.at]

    def key(self, key: Key) -> Key:
        first = self.batch.keys.setdefault(key, self.at)
        if first != self.at:
            line = self.batch.records[first].row.number
            raise Invalid(f"Line {line} is about the same.", code="REPEATED")
        return key

    def campaign(self) -> int:
        return self.named("camp", "campaign")

    def named(self, kind: str, column: str) -> int:
        found = self.batch.names.row(
            kind, column, systems_of(self.record), _named(self.record, column), [column]
        )
        self.row.rest.pop(column, None)
        return found

    def customer(self) -> int:
        name = self._take("customer", text)
        if name is None:
            raise Invalid("The customer is missing.", path=["customer"])
        found = self.batch.customers.get(name, self.batch.customers.get(fold_email(name)))
        if found is None:
            raise NotFound("customer", name, path=["customer"])
        return found

    def count(self, column: str, *, default: int | None = None) -> int:
        value = self._take(column, whole)
        value = default if value is None else value
        if value is None:
            raise Invalid(f"`{column}` is missing.", path=[column])
        return inputs.count(value, [column])

    def amount(self, column: str) -> int:
        value = self.optional_amount(column)
        if not value:
            raise Invalid(f"`{column}` is a whole number other than 0.", path=[column])
        return value

    def optional_amount(self, column: str) -> int | None:
        value: int | None = self._take(column, whole)
        if value is not None and abs(value) > MAX_SAFE_INTEGER:
            raise Invalid(f"`{column}` is larger than {MAX_SAFE_INTEGER}.", path=[column])
        return value

    def currency(self, usual: str) -> str:
        value: str = self._take("currency", text) or usual
        if not is_currency(value):
            raise Invalid("A currency is three capital letters like EUR.", path=["currency"])
        return value

    def moment(self, column: str) -> datetime | None:
        value = self._take(column, instant)
        return None if value is None else inputs.moment(value, [column])

    def needed_moment(self, column: str, now: datetime) -> datetime:
        """An instant of the past: a line of the future would change what was known."""
        value = self.moment(column)
        if value is None or value > now:
            raise Invalid(f"`{column}` is the instant at which it was written.", path=[column])
        return value

    def entry_kind(self) -> RewardEntryKind:
        word = (self._take("kind", text) or RewardEntryKind.PAYMENT).lower()
        known = [kind for kind in RewardEntryKind if kind is not RewardEntryKind.OPENING]
        if word not in known:
            raise Invalid(f"`kind` is one of {', '.join(known)}.", path=["kind"])
        return RewardEntryKind(word)

    def only_id(self) -> tuple[str, str]:
        ids = list(self.record.external_ids.items())
        if len(ids) != 1:
            raise Invalid("`external_id` says what the system it comes from calls it.", path=["external_id"])
        return ids[0]

    def nothing_left(self, known: Sequence[str]) -> None:
        self.row.nothing_left(known)

    def _take(self, column: str, read: Callable[[Any, str], Any]) -> Any:
        return self.row.take(column, read)


def _signed(kind: RewardEntryKind, amount: int, change: int | None) -> tuple[int, int]:
    """Amount and change of the balance with the signs they have in our ledger."""
    size = abs(amount)
    if change is not None and abs(change) != size:
        raise Invalid("`balance_change` is as large as `amount`.", path=["balance_change"])
    if kind is RewardEntryKind.REVERSAL:
        return -size, -size if change is None else change
    return size, -size if kind is RewardEntryKind.REDEMPTION else size


def _named(record: Record, column: str) -> Any:
    """What a column names; a record that a system printed is known by its campaign's ids."""
    named = record.values.get(column)
    if named is None and column == "campaign":
        return next(iter(record.external_ids.values()), None)
    return named


async def _customers_named(tx: Transaction, names: Sequence[str]) -> dict[str, int]:
    asked = [name.strip() for name in names if name.strip()]
    own = {name: ident for name in asked if (ident := read_id("cust", name)) is not None}
    found: dict[str, int] = {}
    rows = await tx.fetch(
        _CUSTOMERS, *borders(tx.scope), list(own.values()), asked, [fold_email(name) for name in asked]
    )
    for row in rows:
        found[f"cust_{row['id']}"] = row["id"]
    for row in rows:
        if row["email_key"] is not None:
            found[row["email_key"]] = row["id"]
    for row in rows:
        if row["external_id"] is not None:
            found[row["external_id"]] = row["id"]
    return found
