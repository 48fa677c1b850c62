"""Who did what of administration."""

from app.auth.principal import ADMIN_READERS
from app.graph.declaring.fields import column, entity
from app.graph.declaring.nodes import Node
from app.graph.declaring.scalars import JSON, DateTime
from app.plan.catalog import HIDDEN
from app.tables import audit as tables


@entity(table=tables.AuditEntry, prefix="audit", store=HIDDEN, project=HIDDEN, roles=ADMIN_READERS)
class AuditEntry(Node):
    """Something of administration that was done. Entries are only ever added."""

    created_at: DateTime = column("When.")
    actor: str = column("Who, as the log calls it: key:12, client:…, user:…; cli is the operator.")
    address: str | None = column("From where: the client's address; null: there was no request.")
    action: str = column("What, such as api_key.create; an open set.")
    subject: str | None = column("To what, by its id in the graph; of a token its jti.")
    before: JSON | None = column("What it was before, without secrets; null: nothing.")
    after: JSON | None = column("What it is since then, without secrets; null: nothing.")
    detail: JSON | None = column("Whatever else is to be known.")
