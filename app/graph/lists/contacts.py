"""Lists of what was said about writing to customers and addresses."""

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.domain.contacts.statements import address_or_none
from app.graph.declaring.described import input_type
from app.graph.declaring.enums import ContactChannel, StatementKind
from app.graph.declaring.listing import equals, filter_by, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments
from app.plan.catalog import FilterArguments, Row
from app.plan.references import id_of
from app.plan.sql import Sql, sql


def _keys(texts: list[str]) -> list[str]:
    """An address may be of any channel: as it is compared in each."""
    found = [address_or_none(channel, text) for text in texts for channel in ContactChannel]
    return sorted({one for one in found if one is not None})


def _of_addresses(row: Row, args: FilterArguments, path: tuple[str, ...]) -> Sql:
    return sql(
        "{row.address_key} = ANY ({value})", row=row, value=args.param(*path, cast="text[]", convert=_keys)
    )


@input_type
class ContactStatementFilter:
    """Which statements. All conditions given must hold."""

    channel: list[ContactChannel] | None = filter_by("Of any of these channels.", one_of("channel", "text"))
    kind: list[StatementKind] | None = filter_by("Saying any of these things.", one_of("kind", "text"))
    allows: bool | None = filter_by("Whether one may write after it.", equals("allows", "boolean"))
    source: str | None = filter_by("Told by this source, exactly.", equals("source", "text"))
    addresses: list[str] | None = filter_by(
        "About any of these addresses, however they are written.", _of_addresses, roles=PERSONAL_READERS
    )
    customer_id: strawberry.ID | None = filter_by(
        "This customer's.", equals("customer_id", "bigint", id_of("cust"))
    )
    since: DateTime | None = filter_by(
        "Last said at this instant or later.", moments.since("said_at", moments.of_group)
    )
    # Last: from here on the name is taken.
    list: str | None = filter_by("Of this list; an empty text: of all of a channel.", equals("list", "text"))


CONTACT_STATEMENTS = list_of(
    "ContactStatement", ContactStatementFilter, "SAID_AT", descending=True,
    said_at=(instant_key("said_at"), "By the moment it was last said."),
)  # fmt: skip
