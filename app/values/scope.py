"""What a credential may see: exactly one customer group, and inside it perhaps one store or some projects."""

from dataclasses import dataclass, field
from enum import StrEnum


class ScopeShape(StrEnum):
    """Which borders a scope has besides its group: what decides the predicates of a statement.

    A text, so that it costs a cache key nothing and a log line is short.
    """

    GROUP = ""
    STORE = "s"
    PROJECTS = "p"
    STORE_AND_PROJECTS = "sp"

    @property
    def has_store(self) -> bool:
        """Whether rows must belong to a store."""
        return self in (ScopeShape.STORE, ScopeShape.STORE_AND_PROJECTS)

    @property
    def has_projects(self) -> bool:
        """Whether rows must belong to projects."""
        return self in (ScopeShape.PROJECTS, ScopeShape.STORE_AND_PROJECTS)


@dataclass(frozen=True, slots=True)
class Scope:
    """The borders of a request. It can only be narrowed, never widened."""

    group_id: int
    store_id: int | None = None
    """Set: only what belongs to this store, and what is group-wide and declared visible to stores."""
    project_ids: tuple[int, ...] | None = None
    """Set: only what belongs to these projects, and what is group-wide and declared visible to projects."""
    group_ids: tuple[int, ...] = ()
    """Every group the credential belongs to; only the listing of customer groups reads it."""
    shape: ScopeShape = field(init=False, repr=False, compare=False)
    """Which predicates a statement needs under this scope: a plan is for one shape."""

    def __post_init__(self) -> None:
        if not self.group_ids:
            object.__setattr__(self, "group_ids", (self.group_id,))
        if self.group_id not in self.group_ids:
            raise ValueError("a scope's group must be one of the credential's groups")
        if self.store_id is None:
            shape = ScopeShape.GROUP if self.project_ids is None else ScopeShape.PROJECTS
        else:
            shape = ScopeShape.STORE if self.project_ids is None else ScopeShape.STORE_AND_PROJECTS
        object.__setattr__(self, "shape", shape)
