"""A gateway moves into a gateway by the five APIs alone: all of them into one new group, which then prints the same."""

from datetime import UTC, date, datetime
from pathlib import Path

from app.domain.assets.storage import AssetStorage
from app.moving.comparing import Comparison, compare_walk
from app.moving.reporting import lines
from app.moving.walks.all import WALKS
from app.seeding.webhooks import webhook_secrets
from tests.moving import test_moving_webmarketer as webmarketer
from tests.moving.conftest import Side
from tests.moving.test_moving_lagriffe_and_criteo import brought_in, fresh, pulled

__all__ = ["fresh"]

ORDER = ("lagriffe", "webmarketer", "crm", "benji", "criteo")
AGAIN = "lagriffe"
"""La Griffe comes first, since it tells the stores and the zone in which days are days, and once more at the end:
outlays, which Webmarketer tells, are part of what La Griffe shows as spent."""
FUNNELS = "GET /api/v1/marketing/funnels"
COUNTED = ("size", "last_updated", "conversion_rate")
"""What is counted over customers, whom no document prints whole: how many took a path, and how many a dynamic segment
holds, once there are any; and a rate whose conversions by channel no document prints (docs/moving.md)."""


async def test_all_five_systems_are_printed_again(
    old: Side, fresh: tuple[Side, AssetStorage], tmp_path: Path, today: date
) -> None:
    side, storage = fresh
    for one in (old, side):
        # Whoever moves connects the providers again, since no API prints a secret.
        await webhook_secrets(one.db, "s" * 40, one.group.group_id, now=datetime.now(UTC))
    for system in ORDER:
        if system == "webmarketer":
            await webmarketer.pulled(old, tmp_path / system)
        else:
            await pulled(old, system, tmp_path / system)
    for system in (*ORDER, AGAIN):
        report = await brought_in(tmp_path / system, side, system, storage, one_gateway=True)
        assert report.refused == 0, f"{system}\n" + "\n".join(report.lines())
    for system in ORDER:
        found = await whole(old, side, system, today)
        differing = [
            one
            for one in found.found
            if not one.expected and one.route != FUNNELS and one.key.rpartition(".")[2] not in COUNTED
        ]
        assert not differing, f"{system}\n" + "\n".join(lines(found))


async def whole(old: Side, new: Side, system: str, today: date) -> Comparison:
    """The whole walk of a system over both."""
    if system == "webmarketer":
        return await webmarketer.compared(old, new, today)
    found = Comparison()
    async with old.host(system) as left, new.host(system) as right:
        await compare_walk(WALKS[system], left, right, found, today=today)
    return found
