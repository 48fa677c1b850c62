"""Which promo a code is of: its own code, or one that was generated for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import PROMO_BORDERS, borders
from app.domain.promos.campaigns import lives_of
from app.domain.promos.fields import terms_of
from app.domain.promos.terms import Terms
from app.values.codes import code_key, is_generated, is_mistyped

_BY_CODE = f"""
SELECT promo.*, promo.applies_to::text AS applies_to_text, promo.code_key AS asked_key, NULL::bigint AS code_id,
       NULL::timestamptz AS code_redeemed_at, NULL::timestamptz AS code_disabled_at
  FROM promo WHERE {PROMO_BORDERS} AND promo.code_key = ANY ($4) AND promo.deleted_at IS NULL
"""
_BY_GENERATED = f"""
SELECT promo.*, promo.applies_to::text AS applies_to_text, generated.code AS asked_key, generated.id AS code_id,
       generated.redeemed_at AS code_redeemed_at, generated.disabled_at AS code_disabled_at
  FROM promo_code generated
  JOIN promo ON promo.id = generated.promo_id AND {PROMO_BORDERS} AND promo.deleted_at IS NULL
 WHERE generated.group_id = $1 AND generated.code = ANY ($4)
"""
MAX_ASKED = 200
"""Longer texts are no codes, whatever their form."""


@dataclass(frozen=True, slots=True)
class Found:
    """A promo, by the code that was asked for."""

    row: Any
    terms: Terms

    @property
    def promo_id(self) -> int:
        """The promo."""
        return int(self.row["id"])

    @property
    def code_id(self) -> int | None:
        """The generated code, where it was one."""
        return None if self.row["code_id"] is None else int(self.row["code_id"])

    @property
    def version(self) -> datetime:
        """Stands for the terms: uses do not move it, changes of the promo do."""
        at: datetime = self.row["updated_at"]
        return at


def mistyped(code: str) -> bool:
    """Whether it has the form of a generated code and cannot be one. Found without a look at what there is."""
    key = code_key(code[:MAX_ASKED])
    return is_generated(key) and is_mistyped(key)


async def found_by(tx: Transaction, codes: Sequence[str]) -> dict[str, Found]:
    """The promos of these codes that this scope reaches, by the codes' keys."""
    keys = {code_key(one) for one in codes if len(one) <= MAX_ASKED and not mistyped(one)}
    rows: list[Any] = []
    for statement, asked in (
        (_BY_CODE, sorted(one for one in keys if not is_generated(one))),
        (_BY_GENERATED, sorted(one for one in keys if is_generated(one))),
    ):
        if asked:
            rows += await tx.fetch(statement, *borders(tx.scope), asked)
    following = sorted({row["id"] for row in rows if row["follows_campaign"]})
    lives = await lives_of(tx, following) if following else {}
    return {
        row["asked_key"]: Found(row, terms_of(row, lives.get(row["id"], ()), own_code=row["code_id"] is None))
        for row in rows
    }


__all__ = ["MAX_ASKED", "Found", "found_by", "mistyped"]
