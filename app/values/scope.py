"""What a credential may see: exactly one customer group, and inside it perhaps one store or some projects."""

from dataclasses import dataclass, field


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
    shape: str = field(init=False, repr=False, compare=False)
    """Which predicates a statement needs under this scope: a plan is for one shape."""

    def __post_init__(self) -> None:
        if not self.group_ids:
            object.__setattr__(self, "group_ids", (self.group_id,))
        if self.group_id not in self.group_ids:
            raise ValueError("a scope's group must be one of the credential's groups")
        shape = ("s" if self.store_id is not None else "") + ("p" if self.project_ids is not None else "")
        object.__setattr__(self, "shape", shape)
