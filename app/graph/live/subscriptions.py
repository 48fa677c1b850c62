"""Everything that is subscribed to in this process: topics, which are watched, and runs, which come to an end."""

from app.errors import Invalid
from app.graph.live.runs import Runs
from app.graph.live.subscribers import Subscriber
from app.graph.live.topics import Topics
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context


class Subscriptions:
    """What answers subscriptions, whatever they came over."""

    def __init__(self) -> None:
        self._topics = Topics()
        self._runs = Runs()

    def open(self, checked: CheckedOperation, context: Context) -> Subscriber:
        """Somebody who gets what this subscription brings; a Failure where that cannot be."""
        roots = checked.plan.tree.roots
        if len(roots) != 1:
            raise Invalid("A subscription has one field; all of this one's are skipped.")
        asked = checked.operation.extensions
        if asked.get("plan") or asked.get("dryRun"):
            # What is watched is shared by all who watch it, and not all of them may see this.
            raise Invalid("Plans are shown for queries and mutations: send the same selection as a query.")
        # What is declared can be asked again and again; a resolver in Python has something to do, and is done then.
        answering = self._runs.begin if roots[0].field is None else self._topics.subscribe
        return answering(checked, context)

    async def close(self) -> None:
        """End all of it."""
        await self._runs.close()
        await self._topics.close()
