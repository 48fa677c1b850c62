"""Subscriptions take another system's ids, and follow what they name."""

from typing import Any

from app.domain.external_ids import RowId, set_ids
from tests.live.conftest import Served


async def give(served: Served, ids: dict[RowId, str | None]) -> None:
    async with served.db.transaction(served.given.scope) as tx:
        await set_ids(tx, "camp", {row: {"benji": ident} for row, ident in ids.items()})


async def test_one_campaign_and_several(served: Served) -> None:
    first, second = await served.campaign("first"), await served.campaign("second")
    await give(served, {first: "600000000"})
    one = "subscription($id: ID!) { campaign(id: $id) { id name } }"
    several = "subscription($ids: [ID!]) { campaigns(filter: {ids: $ids}) { nodes { id name } } }"
    async with served.welcome() as socket:
        for at, ident in enumerate(("benji:600000000", {"system": "benji", "id": "600000000"})):
            await socket.ask(f"one {at}", one, id=ident)
            assert _data(await socket.hear()) == {"campaign": {"id": f"camp_{first}", "name": "first"}}
            await socket.say(id=f"one {at}", type="complete")
        await socket.ask("unknown", one, id="benji:599")
        assert _data(await socket.hear()) == {"campaign": None}
        await socket.say(id="unknown", type="complete")
        await socket.ask("two", several, ids=["benji:600000000", f"camp_{second}"])
        shown = _data(await socket.hear())["campaigns"]["nodes"]
        assert {row["name"] for row in shown} == {"first", "second"}
        await served.rename(first, "renamed")
        shown = _data(await socket.hear())["campaigns"]["nodes"]
        assert {row["name"] for row in shown} == {"renamed", "second"}
        # The id goes over to the other one: so it is another campaign that is watched.
        await give(served, {first: None, second: "600000000"})
        shown = _data(await socket.hear())["campaigns"]["nodes"]
        assert {row["name"] for row in shown} == {"second"}


def _data(message: Any) -> Any:
    assert message["type"] == "next", message
    return message["payload"]["data"]
