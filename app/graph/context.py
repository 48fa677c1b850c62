"""What a resolver, a plan or a mutation gets to work with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.auth.principal import PLATFORM_ROLES, Principal
from app.db.database import Database
from app.plan.news import Window
from app.settings import Settings
from app.values.scope import Scope

if TYPE_CHECKING:
    from app.domain.assets.storage import AssetStorage
    from app.graph.loading import Loaders


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    db: Database
    assets: "AssetStorage"


@dataclass(slots=True)
class Context:
    """What lives as long as one request."""

    services: Services
    principal: Principal
    request_id: str = ""
    base_url: str = ""
    """Where the client reached us (`https://host`), for links in answers."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    stale_ok: bool = False
    """The client said `Prefer: stale-ok`: a replica may answer."""
    window: Window | None = None
    """Which rows are news, where news are asked for."""
    loaders: "Loaders | None" = None
    """Dataloaders of this request; made by the entry."""

    @property
    def scope(self) -> Scope:
        """The borders of this request."""
        return self.principal.scope

    @property
    def db(self) -> Database:
        """The database."""
        return self.services.db

    @property
    def may_see_plans(self) -> bool:
        """SQL tells much about a server: in development everybody sees it, else platform roles alone."""
        return self.services.settings.development or self.principal.may(PLATFORM_ROLES)
