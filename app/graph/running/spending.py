"""A budget per principal: what its operations may cost and do, together and over time.

Each operation spends its cost and its work (`plan/cost.py`) when it is run. `BUDGET` says what becomes of whoever has
nothing left: `measure` counts it, `warn` says so in headers as well, `enforce` refuses until there is something again.
Each process keeps its part of the rate by itself, `1 / WORKERS` of it.
"""

import time

from app.auth.principal import Principal
from app.errors import Unavailable
from app.serving import metrics
from app.settings import Settings
from app.values.budgets import Budgets, Left

BUDGET_EXCEEDED = "BUDGET_EXCEEDED"


class Spending:
    """The budgets of a process."""

    def __init__(self, settings: Settings) -> None:
        self._mode = settings.budget
        workers = settings.workers
        self._budgets = Budgets(
            per_s=settings.budget_per_s / workers, burst=max(1, settings.budget_burst // workers)
        )

    def charge(self, principal: Principal, amount: int) -> Left | None:
        """What is left for this one, where that is told. Unavailable where nothing was and that is enforced."""
        if self._mode == "off":
            return None
        who, now_s = (principal.scope.group_id, principal.name), time.monotonic()
        if self._mode == "enforce" and (left := self._budgets.left(who, now_s=now_s)).wait_s:
            metrics.over_budget()
            raise Unavailable(
                f"This credential has spent its budget. There is more in {left.wait_s} s.",
                retry_after_s=left.wait_s,
                code=BUDGET_EXCEEDED,
            )
        if not self._budgets.spend(who, amount, now_s=now_s):
            metrics.over_budget()
        return None if self._mode == "measure" else self._budgets.left(who, now_s=now_s)
