"""Money of many currencies in one: by the newest rate that holds on its day, direct or inverse."""

from app.plan.catalog import AggregateRequest, Row
from app.plan.sql import Sql, sql


def rate_into(request: AggregateRequest, row: Row, into: Sql) -> Sql:
    """What an amount of the row's currency is multiplied by on the row's day; NULL where no rate was known.

    The newest of both directions holds; of one day, the direct one.
    """
    x, y = request.table("ExchangeRate", "x"), request.table("ExchangeRate", "y")
    return sql(
        """
        CASE WHEN {row.currency} = {into} THEN 1 ELSE (
            SELECT n.rate
            FROM (
                (
                    SELECT {x.rate}, {x.day}, 0 AS turned FROM {x}
                    WHERE {x.scope} AND {x.from_currency} = {row.currency} AND {x.to_currency} = {into}
                        AND {x.day} <= {row.day}
                    ORDER BY {x.day} DESC LIMIT 1
                )
                UNION ALL
                (
                    SELECT 1 / {y.rate}, {y.day}, 1 FROM {y}
                    WHERE {y.scope} AND {y.from_currency} = {into} AND {y.to_currency} = {row.currency}
                        AND {y.day} <= {row.day}
                    ORDER BY {y.day} DESC LIMIT 1
                )
            ) n
            ORDER BY n.day DESC, n.turned LIMIT 1
        ) END
        """,
        row=row,
        into=into,
        x=x,
        y=y,
    )
