"""Figures of campaigns that a system prints as one sum, without days."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from app.db.database import Transaction
from app.domain import inputs
from app.domain.metrics.opening import bring_in_totals
from app.errors import Invalid, NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.knowing import known_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, exact, instant, whole
from app.tables.metrics import FIGURES, WHOLE

_RATES = ("open_rate", "click_rate", "conversion_rate", "ctr", "cpc", "roas")


class CampaignTotalsWriter:
    """Lets the sums of campaigns be what a system printed, up to the moment it printed them."""

    columns = Columns(
        known=("external_id", *FIGURES, "totals_as_of"),
        also={
            "id": "external_id", "campaign_id": "external_id", "converted": "conversions",
            "revenue_attributed": "revenue",
        },
        amounts=frozenset(FIGURES),
        moments=frozenset({"totals_as_of"}),
        unkept=frozenset(_RATES),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        exceeded: dict[int, tuple[str, ...]] = {}

        async def write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
            verdict, exceeded[id(record)] = await _write(tx, record, now=now)
            return verdict

        outcomes = await one_by_one(tx, records, write, now=now)
        return [
            Outcome(outcome.verdict, outcome.failure, exceeded.get(id(record), ()))
            for record, outcome in zip(records, outcomes, strict=True)
        ]


async def _write(tx: Transaction, record: Record, *, now: datetime) -> tuple[Verdict, tuple[str, ...]]:
    row = RowReader(record.values)
    numbers = {
        "conversions": row.take("conversions", exact, "converted"),
        "revenue": row.take("revenue", exact, "revenue_attributed"),
        "spend": row.take("spend", exact),
        **{name: row.take(name, whole) for name in WHOLE},
    }
    until = row.take("totals_as_of", instant) or now
    for name in _RATES:
        row.rest.pop(name, None)  # they follow from the others
    unknown = tuple(name for name, value in row.rest.items() if value is not None)
    told: dict[str, Decimal] = {}
    for name, number in numbers.items():
        if isinstance(number, int):
            told[name] = Decimal(inputs.count(number, [name]))
        elif number is not None:
            told[name] = inputs.amount(number, [name])
    campaign = await known_row(tx, "camp", record.external_ids)
    if not isinstance(campaign, int):
        raise NotFound("campaign", next(iter(record.external_ids.values())), path=["external_id"])
    if not told and not unknown:
        raise Invalid("There are no figures in it.", path=[])
    done = await bring_in_totals(tx, campaign, told, until=until, now=now)
    return Verdict.CHANGED if done.changed else Verdict.SAME, (*done.exceeded, *unknown)
