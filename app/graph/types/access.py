"""Who is asking, and the credentials of a group."""

from app.auth.principal import ADMIN_READERS
from app.graph.declaring.described import object_type
from app.graph.declaring.enums import KeyAccess
from app.graph.declaring.fields import column, entity, fact, look_up, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import CustomerGroupRef, StoreRef
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import HIDDEN
from app.tables import access as tables


@object_type
class Viewer:
    """The credential behind this request."""

    name: str = fact("What the log calls it.", lambda b: b.facts.caller)
    roles: list[str] = fact("Its roles.", lambda b: b.facts.roles, cast="text[]")
    group: CustomerGroupRef = look_up("The group it acts in.", scope_key="group")
    store: StoreRef | None = look_up("The store it is narrowed to; null: the whole group.", scope_key="store")


@entity(table=tables.ApiKey, prefix="key", store=HIDDEN, project=HIDDEN, roles=ADMIN_READERS)
class ApiKey(Node):
    """An API key. The key itself is shown once, when it is made."""

    name: str = column("What it is for.")
    hint: str = column("Its first characters, to tell keys apart.")
    access: KeyAccess = column("What it may do.")
    personal_data: bool = column("Whether it is shown what identifies customers.")
    administration: bool = column("Whether it is shown credentials, connections and the audit trail.")
    created_at: DateTime = column("When it was made.")
    expires_at: DateTime | None = column("When it stops working; null: never.")
    revoked_at: DateTime | None = column("When it was revoked; null: it was not.")
    last_used_at: DateTime | None = column("When it was last used, to the minute or so; null: never.")
    rotated_at: DateTime | None = column("When it last got a new secret; null: never.")
    previous_until: DateTime | None = column(
        "Until when its former secret holds as well; null: there is none."
    )
    store: StoreRef | None = to_one("The store it is bound to; null: none.", "store_id")


@entity(table=tables.OAuthClient, prefix="client", store=HIDDEN, project=HIDDEN, roles=ADMIN_READERS)
class OAuthClient(Node):
    """A client of the token endpoint."""

    client_id: str = column("What it calls itself when it asks for a token.")
    name: str = column("What it is for.")
    roles: list[str] = column("The roles of its tokens.")
    created_at: DateTime = column("When it was made.")
    revoked_at: DateTime | None = column("When it was revoked; null: it was not.")
    store: StoreRef | None = to_one("The store its tokens are narrowed to; null: none.", "store_id")
