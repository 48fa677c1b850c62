"""Operations asked before, checked.

A dashboard sends the same few bodies all day, and a legacy client calls the same few addresses. What such a request
asks was read, checked and planned the first time; only what depends on who asks and when is made anew each time:
the scope, the clock, links.
"""

from app.graph.running.checking import CheckedOperation
from app.graph.running.entry import Answer
from app.values.known import Known
from app.values.scope import Scope, ScopeShape

MAX_KNOWN = 500
MAX_KNOWN_BYTES = 1_000_000
"""Of all keys together; none may be longer than its hundredth."""
MAX_FIRSTS = 10_000
"""How many are noted as having come once. A number each."""


class KnownOperations:
    """Operations by whatever bytes say them in full, and by the shape of the scope.

    Only what was planned is kept, so never a mutation: it may hold a secret, and nobody sends it twice. And only
    what comes again: keeping a body that came once costs as much as finding one saves.
    """

    def __init__(self) -> None:
        self._known: Known[tuple[bytes, ScopeShape], CheckedOperation] = Known(
            MAX_KNOWN,
            weight=MAX_KNOWN_BYTES,
            weigh=lambda key, _: len(key[0]),
            heaviest=MAX_KNOWN_BYTES // 100,
            firsts=MAX_FIRSTS,
        )

    def get(self, key: bytes, scope: Scope) -> CheckedOperation | None:
        """The operation, where it was kept."""
        return self._known.get((key, scope.shape))

    def keep(self, key: bytes, checked: CheckedOperation, given: Answer) -> None:
        """Keep an operation that was answered by a plan, when that happens for the second time."""
        if given.execution == "planned":
            self._known.keep((key, checked.scope_shape), checked)
