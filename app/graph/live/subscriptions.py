"""All that is subscribed to in this process: topics, which are watched, and runs, which come to an end."""

from app.errors import Invalid
from app.graph.live.runs import Runs
from app.graph.live.subscribers import Subscriber
from app.graph.live.topics import Topics
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context


class Subscriptions:
    """Answers subscriptions, whichever protocol they came by."""

    def __init__(self) -> None:
        self._topics = Topics()
        self._runs = Runs()

    def open(self, checked: CheckedOperation, context: Context) -> Subscriber:
        """A subscriber to this operation; a Failure where there cannot be one."""
        roots = checked.plan.tree.roots
        if len(roots) != 1:
            raise Invalid("A subscription has one field; all of this one's are skipped.")
        asked = checked.operation.extensions
        if asked.get("plan") or asked.get("dryRun"):
            # A topic's answer is shared by all who watch it, and not all of them may see this.
            raise Invalid("Plans are shown for queries and mutations: send the same selection as a query.")
        # A declared field can be read again and again; a resolver in Python does some work and is then done.
        answering = self._runs.begin if roots[0].field is None else self._topics.subscribe
        return answering(checked, context)

    async def close(self) -> None:
        """End all of them."""
        await self._runs.close()
        await self._topics.close()
