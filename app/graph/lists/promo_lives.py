"""Where promos stand, in SQL: by their own window, by their campaigns where they follow them, by their uses.

As `domain/promos/lives.py` and `domain/promos/rules.standing` say in Python. Campaigns out of the request's scope do
not count: whoever does not see them does not use the promo by them.
"""

from app.domain.promos.terms import PromoType
from app.plan.catalog import Row, TablesInScope
from app.plan.sql import NOW, Sql, joined, quoted, sql


def _phase(campaign: Row) -> Sql:
    return sql(
        """
        (CASE WHEN {c.deleted_at} IS NOT NULL OR {c.status} = 'completed' OR {c.ends_at} <= {now} THEN 3
              WHEN {c.status} IN ('draft', 'paused') THEN 2 WHEN {c.starts_at} > {now} THEN 1
              WHEN {c.starts_at} IS NULL AND {c.status} = 'scheduled' THEN 2 ELSE 0 END)
        """,
        c=campaign,
        now=NOW,
    )


def _of_foremost(row: Row, tables: TablesInScope, column: str) -> Sql:
    """Of the campaign that says where the promo stands: a column, or its phase."""
    link, campaign = tables("PromoCampaign", "pl"), tables("Campaign", "pc")
    phase = _phase(campaign)
    return sql(
        """
        (SELECT {value} FROM {l} JOIN {c} ON {c.scope} AND {c.id} = {l.campaign_id}
          WHERE {l.scope} AND {l.promo_id} = {row.id}
          ORDER BY {phase}, CASE WHEN {phase} = 1 THEN {c.starts_at} END,
                   CASE WHEN {phase} IN (0, 2) THEN {c.starts_at} END DESC NULLS LAST,
                   CASE WHEN {phase} = 3 THEN {c.ends_at} END DESC NULLS LAST, {c.id} DESC LIMIT 1)
        """,
        value=phase if column == "phase" else campaign(column),
        l=link,
        c=campaign,
        row=row,
        phase=phase,
    )


def valid_from(row: Row, tables: TablesInScope) -> Sql:
    """Its own start, else its campaign's where it follows."""
    return _edge(row, tables, "valid_from", "starts_at")


def valid_until(row: Row, tables: TablesInScope) -> Sql:
    """Its own end, else its campaign's where it follows."""
    return _edge(row, tables, "valid_until", "ends_at")


def valid_from_on(row: Row, tables: TablesInScope) -> Sql:
    """The day of its start."""
    return _edge(row, tables, "valid_from", "starts_on")


def valid_until_on(row: Row, tables: TablesInScope) -> Sql:
    """The day of its end."""
    return _edge(row, tables, "valid_until", "ends_on")


def _edge(row: Row, tables: TablesInScope, own: str, theirs: str) -> Sql:
    shown = f"{own}_on" if theirs.endswith("_on") else own
    return sql(
        "(CASE WHEN {own} IS NULL AND {row.follows_campaign} THEN {theirs} ELSE {shown} END)",
        own=row(own),
        row=row,
        theirs=_of_foremost(row, tables, theirs),
        shown=row(shown),
    )


def status_of(row: Row, tables: TablesInScope) -> Sql:
    """Where a promo stands."""
    return sql(
        """
        (CASE WHEN {row.valid_until} <= {now} THEN 'expired' WHEN {row.valid_from} > {now} THEN 'scheduled'
              ELSE coalesce((CASE WHEN {row.follows_campaign} THEN (CASE coalesce({phase}, 2)
                     WHEN 1 THEN 'scheduled' WHEN 2 THEN 'paused' WHEN 3 THEN 'expired' END) END),
                   CASE WHEN {row.used} + {row.used_beyond_limit} >= {row.usage_limit} THEN 'used_up'
                        ELSE 'active' END) END)
        """,
        row=row,
        now=NOW,
        phase=_of_foremost(row, tables, "phase"),
    )


def is_redeemable(row: Row, tables: TablesInScope) -> Sql:
    """Whether it could be used at this moment."""
    return sql(
        "({row.deleted_at} IS NULL AND {row.type} IN ({types}) AND {status} = 'active')",
        row=row,
        types=joined(", ", [quoted(str(one)) for one in PromoType]),
        status=status_of(row, tables),
    )
