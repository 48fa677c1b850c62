"""A subscription sends what is selected, and again when it has changed."""

import asyncio

from tests.live.conftest import Served, request

WATCH = "subscription Watch($id: ID!) { campaign(id: $id) { id name metrics { clicks } } }"


async def test_first_what_there_is_then_what_has_changed(served: Served) -> None:
    ident = await served.campaign("Été")
    async with served.client() as session, asyncio.timeout(10):
        results = session.subscribe(request(WATCH, id=f"camp_{ident}"))
        assert await anext(results) == {
            "campaign": {"id": f"camp_{ident}", "name": "Été", "metrics": {"clicks": 0}}
        }
        await served.rename(ident, "Hiver")
        assert (await anext(results))["campaign"]["name"] == "Hiver"
        await results.aclose()
