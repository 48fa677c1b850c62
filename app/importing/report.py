"""What an import did, or would do: counts by concept, what was refused and why, and what had no place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Failure
from app.importing.reading.files import RowFile
from app.importing.records import Outcome, Record, Row, Verdict
from app.importing.refusing import Refusals

MAX_REASONS = 1_000
"""How many different reasons are kept apart; further ones are only in the file of reasons."""


@dataclass(slots=True)
class Reason:
    """Why rows were refused, and where the first of them is."""

    code: str
    message: str
    file: str
    line: int
    rows: int = 0


@dataclass(slots=True)
class Report:
    """Rows are those of the files; records are what they tell, and each is counted under one verdict."""

    what: str
    dry: bool = False
    rows: int = 0
    refused: int = 0
    """Rows that are in the files of refused rows, wholly or in part."""
    concepts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    lost: dict[str, Counter[str]] = field(default_factory=dict)
    """Concept → what the file calls it → how many values have no place here."""
    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    """Concept → what goes with it here and the files do not say → of how many records."""
    reasons: dict[tuple[str, str], Reason] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    """How each file was read, and where its refused rows are."""

    absent: list[str] = field(default_factory=list)
    """Columns that were mapped, and that no file has."""
    free: list[str] = field(default_factory=list)
    """Columns that mean nothing here and are kept as free attributes."""

    @property
    def imported(self) -> int:
        """Records that are as the files say."""
        return sum(
            n for counts in self.concepts.values() for v, n in counts.items() if v is not Verdict.REFUSED
        )

    def count(self, record: Record, outcome: Outcome) -> None:
        """Add what became of a record."""
        self.concepts.setdefault(record.concept, Counter())[outcome.verdict] += 1
        if outcome.unknown:
            self.unknown.setdefault(record.concept, Counter()).update(outcome.unknown)
        if outcome.verdict is not Verdict.REFUSED:
            self.lose(record, outcome.lost)

    def lose(self, record: Record, further: Sequence[str] = ()) -> None:
        """Add what of a record has no place here."""
        if further or record.lost:
            lost = self.lost.setdefault(record.concept, Counter())
            lost.update(record.lost)
            lost.update(record.named(name) for name in further)

    def because(self, failure: Failure, row: Row) -> None:
        """Add a reason why a row was refused."""
        key = (failure.reason, failure.message)
        if key not in self.reasons and len(self.reasons) >= MAX_REASONS:
            return
        reason = self.reasons.setdefault(key, Reason(failure.reason, failure.message, row.file, row.number))
        reason.rows += 1

    def read(self, file: RowFile, refusals: Refusals) -> None:
        """Note how a file was read."""
        told: dict[str, Any] = {"file": file.name, "rows": file.total, "read_as": file.read_as}
        if refusals.count and refusals.rows_file is not None:
            told |= {"refused": str(refusals.rows_file), "reasons": str(refusals.reasons_file)}
        self.files.append(told)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "what": self.what,
            "dry_run": self.dry,
            "rows": self.rows,
            "refused_rows": self.refused,
            "concepts": {
                concept: {verdict.value: counts[verdict] for verdict in Verdict}
                for concept, counts in self.concepts.items()
            },
            "lost": {concept: dict(counts.most_common()) for concept, counts in self.lost.items()},
            "unknown": {concept: dict(counts.most_common()) for concept, counts in self.unknown.items()},
            "absent": self.absent,
            "free": self.free,
            "reasons": [
                {
                    "code": r.code,
                    "message": r.message,
                    "rows": r.rows,
                    "first": {"file": r.file, "line": r.line},
                }
                for r in self._commonest()
            ],
            "files": self.files,
        }

    def lines(self) -> list[str]:
        """For people."""
        told: list[str] = []
        would = "would be " if self.dry else ""
        for concept, counts in self.concepts.items():
            parts = [
                f"{counts[Verdict.MADE]} {would}made",
                f"{counts[Verdict.CHANGED]} {would}changed",
                f"{counts[Verdict.SAME]} {'are' if self.dry else 'were'} the same already",
                f"{counts[Verdict.REFUSED]} {would}refused",
            ]
            told.append(f"{concept}: {', '.join(parts)}.")
        for concept, unknown in self.unknown.items():
            names = ", ".join(f"{name} ({count})" for name, count in unknown.most_common(20))
            told.append(f"{concept}: not said by the files: {names}.")
        for concept, lost in self.lost.items():
            names = ", ".join(f"{name} ({count})" for name, count in lost.most_common(20))
            told.append(f"{concept}: no place for {names}{' and more' if len(lost) > 20 else ''}.")
        if self.refused:
            told.append(f"{self.refused} of {self.rows} rows {would or 'were '}refused:")
            for reason in self._commonest()[:10]:
                told.append(f"  {reason.rows} × {reason.message} (first: {reason.file}, line {reason.line})")
        for file in self.files:
            if "refused" in file:
                told.append(f"They are in {file['refused']}, the reasons in {file['reasons']}.")
        if self.absent:
            told.append(f"No column is called {', '.join(f'`{name}`' for name in self.absent)}.")
        if self.free:
            named = ", ".join(f"`{name}`" for name in self.free[:20])
            more = f" and {len(self.free) - 20} more" if len(self.free) > 20 else ""
            told.append(
                f"Kept as free attributes: {named}{more}; `--map` says what they are, `--ignore` leaves out."
            )
        if not self.rows:
            told.append("There are no rows.")
        return told

    def _commonest(self) -> list[Reason]:
        return sorted(self.reasons.values(), key=lambda reason: -reason.rows)
