"""In which country a telephone number is that says none: its store's, else its group's."""

from collections.abc import Collection, Mapping

from app.db.database import Transaction
from app.values.countries import country_of_zone

_REGIONS = """
SELECT s.id, coalesce(s.country, g.country) AS country, coalesce(s.time_zone, g.time_zone) AS zone
  FROM customer_group g JOIN store s ON s.group_id = g.id AND s.id = ANY ($2)
 WHERE g.id = $1
UNION ALL
SELECT NULL, g.country, g.time_zone FROM customer_group g WHERE g.id = $1
"""


async def regions_of(tx: Transaction, store_ids: Collection[int | None]) -> Mapping[int | None, str | None]:
    """By store its country, or the one that its time zone lies in; under None the group's."""
    asked = sorted({one for one in store_ids if one is not None})
    rows = await tx.fetch(_REGIONS, tx.scope.group_id, asked)
    return {row["id"]: region(row["country"], row["zone"]) for row in rows}


def region(country: str | None, zone: str) -> str | None:
    """The country, unless set the one that the zone lies in."""
    return country or country_of_zone(zone)


__all__ = ["region", "regions_of"]
