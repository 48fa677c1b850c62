"""The screen of what comes in (`docs/screens/live.graphql`), as a browser follows it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.live.conftest import Served, Socket

SCREEN = (Path(__file__).parents[2] / "docs" / "screens" / "live.graphql").read_text()


async def follow(socket: Socket, name: str, **variables: Any) -> None:
    """Begin one of its subscriptions."""
    payload = {"query": SCREEN, "operationName": name, "variables": variables}
    await socket.say(id=name, type="subscribe", payload=payload)


def told(message: Any) -> list[str]:
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return [event["eventType"] for event in message["payload"]["data"]["events"]]


async def test_the_last_events_come_first_and_then_what_follows(served: Served) -> None:
    for hours, kind in ((3, "first"), (2, "second"), (1, "third")):
        await served.event(kind, age=timedelta(hours=hours))
    async with served.welcome() as socket:
        await follow(socket, "FollowEvents", last=2)
        assert told(await socket.hear()) == ["second", "third"]
        await served.event("fourth")
        assert told(await socket.hear()) == ["fourth"]


async def test_campaigns_come_as_they_stand(served: Served) -> None:
    async with served.welcome() as socket:
        await follow(socket, "FollowCampaigns")
        message = await socket.hear()
        assert message["type"] == "next", message
        assert message["payload"].keys() == {"data"}, message
