"""A gateway's Marketing & CRM moves into a fresh one by its API alone, and prints the same there."""

from datetime import UTC, date, datetime
from pathlib import Path

from app.domain.assets.storage import AssetStorage
from app.moving.reporting import lines
from app.seeding.webhooks import webhook_secrets
from tests.moving.conftest import Side
from tests.moving.test_moving_lagriffe_and_criteo import brought_in, compared, fresh, pulled

__all__ = ["fresh"]


async def test_what_was_pulled_is_printed_again(
    old: Side, fresh: tuple[Side, AssetStorage], tmp_path: Path, today: date
) -> None:
    side, storage = fresh
    await webhook_secrets(old.db, "s" * 40, old.group.group_id, now=datetime.now(UTC))
    await pulled(old, "crm", tmp_path)
    would = await brought_in(tmp_path, side, "crm", storage, dry=True)
    report = await brought_in(tmp_path, side, "crm", storage)
    assert report.refused == 0, "\n".join(report.lines())
    assert would.concepts == report.concepts
    assert {concept: set(lost) for concept, lost in report.lost.items()} == {
        "funnels": {"stages"},
        "webhook_providers": {"status"},
    }
    # Whoever moves connects the providers again, since no API prints a secret.
    await webhook_secrets(side.db, "s" * 40, side.group.group_id, now=datetime.now(UTC))
    found = await compared(old, side, "crm", today)
    # Conversions by channel are not printed, so their rate may be of other rows (docs/moving.md).
    differing = {
        one.route for one in found.found if not (one.expected or one.key == "metrics.conversion_rate")
    }
    assert differing <= {"GET /api/v1/marketing/funnels"}, "\n".join(lines(found))
    again = await brought_in(tmp_path, side, "crm", storage)
    assert {verdict for counts in again.concepts.values() for verdict in counts} == {"same"}, "\n".join(
        again.lines()
    )
