"""What customers are known by in projects."""

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.fields import column, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CustomerRef, ProjectRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import own, via
from app.tables import identities as tables


@entity(
    table=tables.CustomerIdentity,
    prefix="identity",
    # A group-wide project's customers are not every store's.
    store=via("customer_id", "Customer"),
    project=own("project_id"),
)
class CustomerIdentity(Node):
    """Something a customer is known by in a project."""

    kind: str = column("tracker, email, phone, or an identity field of the project's own.")
    value: str = column(
        "The tracker, or the attribute's value in the form that compares.", roles=PERSONAL_READERS
    )
    is_shared: bool = column(
        "Whether it was said with two different surer ones: then it is somebody of its own."
    )
    is_pinned: bool = column("Whether it stays with this customer whatever is said.")
    created_at: DateTime = column("Since when it is known.")
    project: ProjectRef | None = to_one("The project; null where out of sight.", "project_id")
    customer: CustomerRef | None = to_one("The customer; null where out of sight.", "customer_id")
