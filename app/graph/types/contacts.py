"""What was said about writing to customers and addresses."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.enums import ContactChannel, StatementKind
from app.graph.declaring.fields import column, computed, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CustomerRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import Row, via
from app.plan.sql import Sql, sql
from app.tables import contacts as tables


def _list(row: Row) -> Sql:
    return sql("nullif({row.list}, '')", row=row)


def _said_at(row: Row) -> Sql:
    return sql("nullif({row.said_at}, '1970-01-01 00:00:00+00'::timestamptz)", row=row)


def _first_said_at(row: Row) -> Sql:
    return sql("nullif({row.first_said_at}, '1970-01-01 00:00:00+00'::timestamptz)", row=row)


@entity(
    table=tables.ContactStatement,
    prefix="said",
    store=via("customer_id", "Customer"),
    project=via("customer_id", "Customer"),
)
class ContactStatement(Node):
    """Something that was said about writing to an address or a customer. The latest moment counts."""

    channel: ContactChannel = column("How they would be written to.")
    address: str | None = column(
        "The address it is about, in the form in which addresses are compared; null: a customer, whatever the address.",
        "address_key",
        roles=PERSONAL_READERS,
    )
    list: str | None = computed(
        "The list it is about, as its source calls it; null: all of the channel.", _list
    )
    kind: StatementKind = column("What was said.")
    allows: bool = column("Whether one may write after it.")
    source: str = column("Who told: webhook.sendgrid, graph, import; earlier: before reasons were kept.")
    said_at: DateTime | None = computed(
        "When its source last said it, but never later than it came in; null: that is not known.", _said_at
    )
    first_said_at: DateTime | None = computed("When it first did.", _first_said_at)
    recorded_at: DateTime = column("When it last came in.")
    detail: str | None = column("The source's own words: an error, a reason, a text.", roles=PERSONAL_READERS)
    customer: CustomerRef | None = to_one("Whose word it is, as far as it is known.", "customer_id")
