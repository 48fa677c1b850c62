"""Who is asking, and what it may do."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import Forbidden
from app.values.scope import Scope


class Role(StrEnum):
    """Verbs a credential may use. The eight roles of the Marketing & CRM API, and those of API keys."""

    MARKETING = "marketing"
    MARKETING_MANAGER = "marketing_manager"
    MANAGER = "manager"
    RESTAURANT_MANAGER = "restaurant_manager"
    TENANT_ADMIN = "tenant_admin"
    PLATFORM_ADMIN = "platform_admin"
    SYSTEM_ADMIN = "system_admin"
    SUPER_ADMIN = "super_admin"
    READ = "read"
    """An API key that may read."""
    WRITE = "write"
    """An API key that may write as well."""
    PERSONAL_DATA = "personal_data"
    """Beside those two: it is shown customers' personal data as well."""
    ADMINISTRATION = "administration"
    """Beside those two: it is shown credentials, connections and the audit trail as well, and changes none of them."""
    WEBHOOK = "webhook"
    """A provider's delivery whose signature is valid. No token and no client can claim it."""
    TRACKER = "tracker"
    """A page or an app that sends events to a project it names. No token and no client can claim it."""


PLATFORM_ROLES = frozenset({Role.PLATFORM_ADMIN, Role.SYSTEM_ADMIN, Role.SUPER_ADMIN})
"""Roles that may enter any group, naming it with `X-Group-Id`; that is audited."""
ADMIN_ROLES = PLATFORM_ROLES | {Role.TENANT_ADMIN}
CRM_ROLES = ADMIN_ROLES | {
    Role.MARKETING, Role.MARKETING_MANAGER, Role.MANAGER, Role.RESTAURANT_MANAGER,
}  # fmt: skip
CLAIMABLE = frozenset(Role) - {Role.WEBHOOK, Role.TRACKER}
"""What tokens and clients may claim."""
WRITERS = CRM_ROLES | {Role.WRITE}
"""Who may change campaigns and what belongs to them."""
READERS = WRITERS | {Role.READ}
"""Who may read at all."""
PERSONAL_READERS = CRM_ROLES | {Role.PERSONAL_DATA}
"""Who is shown what identifies customers, and may filter and sort by it: those who work with them."""
ADMIN_READERS = ADMIN_ROLES | {Role.ADMINISTRATION}
"""Who is shown keys, clients, webhook endpoints and the audit trail."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A valid credential: its borders and its verbs."""

    name: str
    """What the log shows: `key:12`, `client:abc`, `user:42`. Never the secret."""
    scope: Scope
    roles: frozenset[Role] = field(default_factory=frozenset)
    kind: str = "token"
    """How it came in: `api_key`, `token`, `webhook` or `tracker`."""

    def may(self, roles: Collection[Role]) -> bool:
        """Whether it has one of these roles."""
        return not self.roles.isdisjoint(roles)

    def require(self, roles: Collection[Role]) -> None:
        """Forbidden, naming the roles that would do, unless it has one of them."""
        if not self.may(roles):
            raise Forbidden(f"This needs one of the roles {', '.join(sorted(roles))}.")
