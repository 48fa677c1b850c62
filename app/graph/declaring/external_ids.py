"""Ids that other systems know rows by: what a type shows of them."""

from typing import Any

from app.graph.declaring.described import object_type
from app.graph.declaring.fields import Declared, column, embed, given, parts
from app.plan.catalog import Row
from app.plan.sql import Sql, quoted, sql
from app.values import systems


@object_type
class ExternalId:
    """What a system calls a row."""

    system: str = column("The system: lagriffe, crm, webmarketer, benji, criteo, or a name the group chose.")
    id: str = column("The row's id there.")


@object_type
class ShownAs:
    """How each of the five APIs shows a row: by its id in that system, else by our number in the API's form."""

    lagriffe: str = given("By La Griffe: 42.")
    crm: str = given("By the CRM: camp_42.")
    webmarketer: str = given("By Webmarketer: 24 hexadecimal digits; events by their UUID.")
    benji: str = given("By Benji: 42.")
    criteo: str = given("By Criteo: 42.")


def external_ids() -> Any:
    """The row's ids elsewhere."""
    return parts("Its ids in other systems.", "known_as", always="system")


def shown_as(prefix: str, *, is_uuid: bool = False) -> Any:
    """What the five APIs show, for rows whose ids have this prefix."""
    shown: dict[str, Any] = {
        name: Declared("column", expressions=(_shown(name, prefix, is_uuid=is_uuid),))
        for name in systems.FACADES
    }
    return embed("Its id as each of the five APIs shows it.", **shown)


def _shown(system: str, prefix: str, *, is_uuid: bool) -> Any:
    name = quoted(system)

    def expression(row: Row) -> Sql:
        return sql(
            "coalesce(({row.known_as_id})[array_position({row.known_as_system}, {name})], {own})",
            row=row,
            name=name,
            own=_own(system, prefix, row, is_uuid=is_uuid),
        )

    return expression


def _own(system: str, prefix: str, row: Row, *, is_uuid: bool) -> Sql:
    """As `systems.show_own` does it."""
    if system == systems.CRM:
        return sql("{prefix} || {row.id}::text", prefix=quoted(f"{prefix}_"), row=row)
    if system == systems.WEBMARKETER and not is_uuid:
        return sql("lpad(to_hex({row.id}), 24, '0')", row=row)
    return sql("{row.id}::text", row=row)
