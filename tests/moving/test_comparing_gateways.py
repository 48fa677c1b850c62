"""Two gateways are compared by everything the five documented APIs can read."""

from datetime import date

import pytest

from app.moving.comparing import Comparison, compare_walk
from app.moving.reporting import lines
from app.moving.walks.all import WALKS
from tests.moving.conftest import Side


async def compared(system: str, old: Side, new: Side, today: date) -> Comparison:
    """The walk of one system over both."""
    found = Comparison()
    walk = WALKS[system]
    starts = [
        {"project": old.group.project},
        {"project": old.group.project, "integration": old.group.integration},
    ]
    async with old.host(system) as left, new.host(system) as right:
        await compare_walk(
            walk, left, right, found, today=today, starts=starts if system == "webmarketer" else ()
        )
    return found


@pytest.mark.parametrize("system", WALKS)
async def test_the_same_data_shows_no_difference(system: str, old: Side, new: Side, today: date) -> None:
    found = await compared(system, old, new, today)
    print(found.asked, found.notes)
    assert found.differs == 0, "\n".join(lines(found))
    assert found.asked.total() > 5
