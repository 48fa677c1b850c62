"""Who was joined with whom, and what about that looks doubtful."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.enums import DoubtReason, MergeReason
from app.graph.declaring.fields import column, computed, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CustomerRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import HIDDEN, Row, via
from app.plan.sql import Sql, joined, quoted, sql
from app.tables import people as tables

_WORDS = {
    DoubtReason.SHARED_TRACKER: "Several people signed in on this device: what comes from it alone is none of theirs.",
    DoubtReason.SHARED_PHONE: "Several people have this telephone number: by itself it finds none of them.",
    DoubtReason.SHARED_EMAIL: "Several accounts have this address: by itself it finds none of them.",
    DoubtReason.SHARED_ID: "This id was said with two different ones of a surer kind.",
    DoubtReason.KEPT_APART: "These look like one person, but one of them has orders, rewards, promos, lists or an id of"
    " its own: join them by hand, if they are.",
    DoubtReason.TWO_STRONG_KEYS: "They were joined by hand, though each has an address or id of its own.",
    DoubtReason.KEYS_FELL_TOGETHER: "Both had the same address or number, written differently: the elder has kept it.",
}


def _in_words(row: Row) -> Sql:
    cases = [
        sql("WHEN {reason} THEN {words}", reason=quoted(reason), words=quoted(words))
        for reason, words in _WORDS.items()
    ]
    return sql("CASE {reason} {cases} ELSE '' END", reason=row("reason"), cases=joined(" ", cases))


@entity(table=tables.CustomerMerge, prefix="merge", store=via("into_id", "Customer"), project=HIDDEN)
class CustomerMerge(Node):
    """A customer turned out to be another one."""

    reason: MergeReason = column("Why.")
    actor: str | None = column("The credential by which it was done by hand; null: by a key.")
    created_at: DateTime = column("When.")
    undone_at: DateTime | None = column("When it was undone; null: it holds.")
    undone_by: str | None = column("The credential by which it was undone.")
    from_customer: CustomerRef | None = to_one(
        "Who turned out to be somebody else; null where out of sight.", "from_id"
    )
    into: CustomerRef | None = to_one("Who that is; null where out of sight.", "into_id")


@entity(table=tables.CustomerDoubt, prefix="doubt", store=via("customer_id", "Customer"), project=HIDDEN)
class CustomerDoubt(Node):
    """Something about who is who that somebody may want to look at."""

    reason: DoubtReason = column("Why.")
    message: str = computed("The same in words.", _in_words)
    kind: str | None = column("What key it is about: tracker, email, phone, or a name of a project's own.")
    value: str | None = column("That key, in the form that compares.", roles=PERSONAL_READERS)
    created_at: DateTime = column("When it was found.")
    customer: CustomerRef | None = to_one("Whom it is about; null where out of sight.", "customer_id")
    other: CustomerRef | None = to_one("And this one; null where out of sight.", "other_id")
