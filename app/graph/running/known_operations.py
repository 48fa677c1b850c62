"""Operations that came before, already checked.

A dashboard sends the same few bodies all day, and a legacy client calls the same few addresses. Such a request
was read, checked and planned the first time; only what depends on who asks and when is added each time: the scope,
the clock, links.

A plan takes some 1.5 kB of memory for each of its fields, and a short document may have thousands. So nothing here, and
nothing at the door, keeps a plan: it is remembered as long as `documents/plans.py` knows it, which bounds all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

from app.graph.documents.plans import Plan
from app.graph.running.checking import CheckedOperation
from app.graph.running.entry import Answer
from app.graph.running.operations import Operation
from app.graph.running.permitting import Need
from app.values.known import Known
from app.values.scope import Scope, ScopeShape

MAX_KNOWN = 500
MAX_KNOWN_BYTES = 1_000_000
"""For all keys together; none may be longer than a hundredth of it."""
MAX_FIRSTS = 10_000
"""How many are noted as having come once; each is a number."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A checked operation, without what its plan holds on to."""

    operation: Operation
    scope_shape: ScopeShape
    args: Sequence[dict[str, Any]]
    cost: int
    work: int
    faults: Sequence[dict[str, Any]]
    needs: tuple[Need, ...]
    is_dear: bool
    plan: ref[Plan]

    def recall(self) -> CheckedOperation | None:
        """The operation; None where its plan is not known any more."""
        plan = self.plan()
        if plan is None:
            return None
        return CheckedOperation(
            self.operation, self.scope_shape, plan.document, plan.definition, plan, self.args, self.cost, self.work,
            self.faults, self.needs, self.is_dear,
        )  # fmt: skip


def remember(checked: CheckedOperation) -> Remembered:
    """What to keep of it."""
    return Remembered(
        checked.operation,
        checked.scope_shape,
        checked.args,
        checked.cost,
        checked.work,
        checked.faults,
        checked.needs,
        checked.is_dear,
        ref(checked.plan),
    )


class KnownOperations:
    """Operations by the bytes that define them in full, and by the shape of the scope.

    Only planned ones are kept, so never a mutation: it may hold a secret, and nobody sends it twice. And only those
    that come again: keeping a body that comes once costs as much as finding one saves.
    """

    def __init__(self) -> None:
        self._known: Known[tuple[bytes, ScopeShape], Remembered] = Known(
            MAX_KNOWN,
            weight=MAX_KNOWN_BYTES,
            weigh=lambda key, _: len(key[0]),
            heaviest=MAX_KNOWN_BYTES // 100,
            firsts=MAX_FIRSTS,
        )

    def get(self, key: bytes, scope: Scope) -> CheckedOperation | None:
        """The operation, where it was kept."""
        kept = self._known.get((key, scope.shape))
        return None if kept is None else kept.recall()

    def keep(self, key: bytes, checked: CheckedOperation, given: Answer) -> None:
        """Keep an operation that was answered by a plan, when that happens for the second time."""
        if given.execution == "planned":
            self._known.keep((key, checked.scope_shape), remember(checked))
