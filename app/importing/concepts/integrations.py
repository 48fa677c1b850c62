"""Integrations: known by what the system calls them, else by their tracking id (wmktId); made where there is none.

A record's `currency` is taken as long as nothing was laid out through the integration.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.integrations.bringing_in import PastIntegration, bring_in_integration
from app.errors import NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.tracking import project_of
from app.importing.knowing import before_made, give_ids, known_row, named_rows
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, instant, text


class IntegrationWriter:
    """Makes integrations, or changes them; one that was written already in this import is not looked at again."""

    columns = Columns(
        known=("external_id", "project", "wmkt_id", "name", "kind", "currency", "created_at", "campaign"),
        also={"id": "external_id", "project_id": "project", "campaign_id": "campaign"},
        moments=frozenset({"created_at"}),
    )

    def __init__(self) -> None:
        self._done: set[tuple[tuple[str, str], ...]] = set()

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        keys = [_key(record) for record in records]
        new = [at for at, key in enumerate(keys) if key not in self._done and key not in keys[:at]]
        written = await one_by_one(tx, [records[at] for at in new], _write, now=now)
        outcomes = [Outcome(Verdict.SAME)] * len(records)
        for at, outcome in zip(new, written, strict=True):
            outcomes[at] = outcome
            if outcome.verdict is Verdict.SAME:
                self._done.add(keys[at])
        return outcomes


def _key(record: Record) -> tuple[tuple[str, str], ...]:
    values: Mapping[str, object] = {**record.external_ids, **record.values}
    return tuple(sorted((name, str(value)) for name, value in values.items()))


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = dict(record.external_ids)
    project, wmkt_id = row.take("project", text), row.take("wmkt_id", text)
    campaign = row.take("campaign", text)
    past = PastIntegration(
        name=row.take("name", text), kind=row.take("kind", text), currency=row.take("currency", text),
        created_at=row.take("created_at", instant), wmkt_id=wmkt_id,
    )  # fmt: skip
    row.nothing_left(IntegrationWriter.columns.known)
    known = await known_row(tx, "intg", ids) if ids else None
    if known is None and wmkt_id is None:
        failure = NotFound("integration", next(iter(ids.values()), ""), path=["external_id"])
        failure.message = (
            f"There is no integration {next(iter(ids.values()), '')} here, and these rows do not tell its wmktId: pull"
            " with `--integration WMKT_ID`, or make it with integrationCreate and give it this id there."
        )
        raise failure
    of = None if campaign is None else (await named_rows(tx, "camp", ids, [campaign])).get(campaign)
    project_id = None
    if project is not None:
        project_id = await project_of(tx, project, campaign_id=of if isinstance(of, int) else None, now=now)
    await before_made(tx, "intg", ids)
    ident, changed = await bring_in_integration(
        tx, None if known is None else int(str(known)), past, project_id=project_id, now=now
    )
    if known is None and ids:
        await give_ids(tx, "intg", ident, ids)
    if known is None:
        return Verdict.CHANGED if changed is False else Verdict.MADE
    return Verdict.CHANGED if changed else Verdict.SAME
