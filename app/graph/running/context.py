"""What a resolver, a plan or a mutation gets to work with."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.auth.principal import PLATFORM_ROLES, Principal
from app.auth.projects import Projects
from app.db.database import Database, Transaction
from app.domain.events.accepting import Acceptor
from app.domain.events.quotas import EventQuotas
from app.domain.events.rates import Rates
from app.graph.running.spending import Spending
from app.graph.running.turns import Turns
from app.plan.binding import NewsWindow
from app.settings import Settings
from app.values.budgets import Left
from app.values.scope import Scope

if TYPE_CHECKING:
    from app.domain.assets.storage import AssetStorage, Links
    from app.graph.declaring.loading import Loaders

CheckImport = Callable[[str, Mapping[str, Any], str | None], None]
"""What is to be imported, how its file is written, and whose ids it has. Raises Invalid where that cannot be."""


@dataclass(frozen=True, slots=True)
class Services:
    """What lives as long as the process."""

    settings: Settings
    db: Database
    assets: "AssetStorage"
    check_import: CheckImport = lambda what, told, system: None
    """What imports files is above the graph; without it what is wrong is told when an import runs."""
    events: Acceptor = field(init=False)
    """Where events wait to be stored."""
    rates: Rates = field(init=False)
    """How many of them trackers may send."""
    quotas: EventQuotas = field(init=False)
    """Which groups have room for more of them."""
    projects: Projects = field(init=False)
    """Where a project's slug leads."""
    turns: Turns = field(init=False)
    """When heavy operations run."""
    spending: Spending = field(init=False)
    """What each principal's operations may cost together."""

    def __post_init__(self) -> None:
        settings = self.settings
        object.__setattr__(
            self,
            "events",
            Acceptor(self.db, capacity=settings.event_queue, capacity_bytes=settings.event_queue_bytes),
        )
        object.__setattr__(self, "rates", Rates(settings.event_rate, settings.event_rate_bytes))
        object.__setattr__(self, "quotas", EventQuotas(self.db, settings.event_quota))
        object.__setattr__(self, "projects", Projects(self.db))
        object.__setattr__(self, "turns", Turns())
        object.__setattr__(self, "spending", Spending(settings))

    async def close(self) -> None:
        """Store the events that still wait."""
        await self.events.close()


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
    is_stale: bool = False
    """It did."""
    window: NewsWindow | None = None
    """Which rows are news, where news are asked for."""
    left: Left | None = None
    """What is left of the principal's budget, where that is told."""
    address: str = ""
    """Where the request comes from; empty: unknown."""
    loaders: "Loaders | None" = None
    """Dataloaders of this request; made by the entry."""

    @property
    def scope(self) -> Scope:
        """The borders of this request."""
        return self.principal.scope

    whole: Database | None = None
    """Takes the place of the database while an operation is done as a whole (`running/idempotency.py`)."""
    wrote: list[str] = field(default_factory=list)
    """The ids of what its mutations have shown meanwhile."""

    signs: "Links | None" = field(default=None, init=False)
    """See `links`."""

    def links(self) -> "Links":
        """What signs links; made when the first of them is needed, since a statement asks for each of its parts."""
        if self.signs is None:
            self.signs = self.services.assets.links(
                group_id=self.scope.group_id, base_url=self.base_url, now=self.now
            )
        return self.signs

    @property
    def db(self) -> Database:
        """The database."""
        return self.services.db if self.whole is None else self.whole

    def transaction(self, *, writes: bool = True) -> AbstractAsyncContextManager[Transaction]:
        """A transaction inside the borders of this request."""
        return self.db.transaction(self.scope, writes=writes)

    @property
    def may_see_plans(self) -> bool:
        """SQL reveals much about a server: in development everybody sees it, otherwise only platform roles."""
        return self.services.settings.development or self.principal.may(PLATFORM_ROLES)
