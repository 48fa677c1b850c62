"""Files of another system: rows keep their old ids, faulty ones are kept apart with the reason, nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.errors import Invalid, NotFound
from app.importing.reading.sources import find_sources
from app.importing.running import Report, import_files
from app.values.scope import Scope
from tests.given import audience as given
from tests.given import groups
from tests.given.groups import GivenGroup

CUSTOMERS = """\
id,email,name,Loyalty Tier,tags,totalSpent,order_count,last_order_at,email_consent,store,shoeSize
c1,ada@example.org,"Ada, the first",gold,vip; early,120.50,3,2026-01-24T18:30:00Z,yes,{store},42
c2,bo@example.org,Bo,,,,,,no,,
c3,not an address,Cy,,,,,,,,
c4,di@example.org,Di,,,much,,,,,
c5,ADA@example.org,Other Ada,,,,,,,,
c6,ed@example.org,Ed,,,,,,,nowhere,
c7,fy@example.org,Fy,,
"""
SEGMENTS: list[dict[str, Any]] = [
    {"id": "seg_loyalty_gold", "name": "Gold Loyalty Members", "type": "dynamic", "size": 1250,
     "criteria": {"loyalty_tier": "gold"}, "last_updated": "2026-01-24T00:00:00Z"},
    {"id": "seg_friends", "name": "Friends", "members": ["c1", "c2"], "source": "old crm"},
    {"id": "seg_odd", "name": "Odd", "type": "dynamic", "criteria": {"shoe": 1}},
    {"id": "seg_lost", "name": "Lost", "members": ["c1", "nobody"]},
    {"name": "No id"},
    {"id": "seg_more", "name": "More", "colour": "red"},
]  # fmt: skip
CAMPAIGNS: list[dict[str, Any]] = [
    {"id": "camp_001", "name": "Summer Promo 2026", "type": "promotion", "status": "completed",
     "channels": ["email", "push"], "segment_id": "seg_loyalty_gold", "start_date": "2025-01-01T00:00:00Z",
     "end_date": "2025-02-01T00:00:00Z", "content": {"subject": "Hi", "cta_url": "https://example.com"}},
    {"id": "camp_002", "name": "Paused", "status": "paused", "start_date": "2025-06-01", "end_date": "2026-12-31"},
    {"id": "camp_003", "name": "Draft", "status": "draft", "startDate": "2025-06-01", "budget": 12.50},
    {"id": "camp_004", "name": "Impossible", "status": "scheduled", "start_date": "2025-01-01"},
    {"id": "camp_005", "name": "Nobody", "segment_id": "seg_nobody"},
]  # fmt: skip


@pytest.fixture
async def shop(db: Database) -> GivenGroup:
    return await groups.group(db)


async def bring(db: Database, scope: Scope, what: str, file: Path) -> tuple[Report, list[dict[str, Any]]]:
    """Import a file; what became of it, and each refused row with the reason."""
    refused, reasons = (
        next(iter(file.parent.glob(f"{file.name}.{word}.*")), None) for word in ("refused", "reasons")
    )
    for one in (refused, reasons):
        if one is not None:
            one.unlink()
    report = await import_files(db, scope, what, find_sources(str(file)), now=given.NOON)
    reasons = file.with_name(f"{file.name}.reasons.jsonl")
    if not reasons.exists():
        assert report.refused == 0
        return report, []
    (refused,) = file.parent.glob(f"{file.name}.refused.*")
    rows = refused.read_bytes().decode(errors="replace").splitlines()
    told = [json.loads(line) for line in reasons.read_text().splitlines()]
    assert len(told) == report.refused
    return report, [{**one, "row": rows[one["refused_line"] - 1]} for one in told]


def lines(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return file


async def test_customers_from_a_csv_file_and_again(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(CUSTOMERS.format(store=shop.beacon_key))
    for _ in range(2):
        outcome, told = await bring(db, shop.scope, "customers", file)
        assert (outcome.imported, outcome.refused) == (2, 5)
        assert sorted((one["line"], one["code"], one["path"]) for one in told) == [
            (4, "INVALID", ["email"]),
            (5, "INVALID", ["total_spent"]),
            (6, "REPEATED", ["email"]),
            (7, "NOT_FOUND", ["store"]),
            (8, "UNREADABLE", []),
        ]
        assert "c7,fy@example.org" in next(one["row"] for one in told if one["line"] == 8)
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch("SELECT *, attributes::text AS kept FROM customer ORDER BY external_id")
    ada, bo = rows
    assert (ada["name"], ada["tags"], ada["store_id"]) == ("Ada, the first", ["vip", "early"], shop.store_id)
    assert (str(ada["total_spent"]), ada["order_count"], ada["email_consent"]) == ("120.5000", 3, True)
    # A column of no meaning here becomes a free attribute.
    assert json.loads(ada["kept"]) == {"shoeSize": "42"}
    assert (bo["external_id"], bo["loyalty_tier"]) == ("c2", None)


async def test_a_thousand_rows_more_than_a_batch_with_faults_everywhere(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    rows = [{"external_id": f"n{n}", "order_count": -1 if n % 7 == 0 else n} for n in range(2_500)]
    file = lines(tmp_path / "customers.jsonl", rows)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b"\n[1]\n{broken\n\xff\xfe{}\n")
    outcome, told = await bring(db, shop.scope, "customers", file)
    faulty = [n for n in range(2_500) if n % 7 == 0]
    assert (outcome.imported, outcome.refused) == (2_500 - len(faulty), len(faulty) + 3)
    assert sorted(one["line"] for one in told) == [*(n + 1 for n in faulty), 2_502, 2_503, 2_504]
    async with db.transaction(shop.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM customer") == outcome.imported


async def test_a_quote_that_is_never_closed_costs_its_own_line(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "c.csv"
    file.write_text(
        'External ID,NAME,SKU\nq1,"a\nb",K1\nq2,"unclosed,\nq3,c,\nq4,"x"y,\n\nq5,"say ""e""",K5\nq6,%s,\n'
        % ("z" * 140_000)
    )
    outcome, told = await bring(db, shop.scope, "customers", file)
    assert (outcome.imported, outcome.refused) == (3, 3)
    assert [(one["line"], one["code"], one["row"][:12]) for one in told] == [
        (4, "UNREADABLE", 'q2,"unclosed'), (6, "UNREADABLE", 'q4,"x"y,'), (9, "UNREADABLE", "q6,zzzzzzzzz"),
    ]  # fmt: skip
    async with db.transaction(shop.scope) as tx:
        rows = await tx.fetch("SELECT external_id, name, attributes::text AS kept FROM customer ORDER BY 1")
    assert [(row["external_id"], row["name"]) for row in rows] == [
        ("q1", "a\nb"),
        ("q3", "c"),
        ("q5", 'say "e"'),
    ]
    assert json.loads(rows[0]["kept"]) == {"SKU": "K1"}


async def test_the_second_row_about_a_customer_is_refused_however_far_away(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [
        {"external_id": f"n{n}", "email": f"n{n}@example.com"} for n in range(1_500)
    ]
    rows += [{"external_id": "n3", "name": "again"}, {"email": "N4@example.com"}]
    rows += [{"external_id": "x", "loyaltyTier": "gold", "loyalty_tier": "silver"}]
    outcome, told = await bring(db, shop.scope, "customers", lines(tmp_path / "c.jsonl", rows))
    assert outcome.imported == 1_500
    assert sorted((one["line"], one["code"], one["path"], one["message"][:8]) for one in told) == [
        (1_501, "REPEATED", ["external_id"], "Line 4 i"), (1_502, "REPEATED", ["email"], "Line 5 i"),
        (1_503, "UNREADABLE", [], "Two keys"),
    ]  # fmt: skip


async def test_campaigns_as_the_api_prints_them(db: Database, shop: GivenGroup, tmp_path: Path) -> None:
    segments = [{"id": "seg_all_customers", "name": "All Customers", "type": "static"}]
    await bring(db, shop.scope, "segments", lines(tmp_path / "s.jsonl", segments))
    rows: list[dict[str, Any]] = [
        {
            "id": "camp_001", "name": "Summer Promo 2026", "type": "promotion", "status": "draft",
            "channels": ["email", "push", "sms"], "segment_id": None, "start_date": None, "end_date": None,
            "metrics": {"sent": 5420, "opened": 2180, "clicked": 845, "converted": 156},
        },
        {
            "id": "camp_002", "name": "Flash Sale Friday", "type": "promotion", "status": "draft",
            "channels": ["push"], "content": {"subject": "Hi"}, "metrics": {"sent": 1},
            "segment": {"id": "seg_all_customers", "name": "All Customers", "size": 5420},
            "created_at": "2026-01-25T10:00:00Z",
        },
    ]  # fmt: skip
    outcome, told = await bring(db, shop.scope, "campaigns", lines(tmp_path / "c.jsonl", rows))
    # Each campaign, and its figures.
    assert (outcome.imported, told) == (4, [])


async def test_segments_then_campaigns_with_their_old_ids(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    for name in ("c1", "c2"):
        await given.customer(db, shop.scope, name, loyalty_tier="gold")
    for _ in range(2):
        outcome, told = await bring(db, shop.scope, "segments", lines(tmp_path / "s.jsonl", SEGMENTS))
        assert (outcome.imported, [(one["line"], one["code"], one["path"]) for one in told]) == (
            2,
            [
                (3, "INVALID_SEGMENT_CRITERIA", ["criteria", "shoe"]),
                (4, "NOT_FOUND", ["members"]),
                (5, "INVALID", ["external_id"]),
                (6, "INVALID", ["colour"]),
            ],
        )
        outcome, told = await bring(db, shop.scope, "campaigns", lines(tmp_path / "c.jsonl", CAMPAIGNS))
        assert (outcome.imported, [(one["line"], one["path"]) for one in told]) == (
            3, [(4, ["status"]), (5, ["segment"])],
        )  # fmt: skip
        assert json.loads(told[0]["row"]) == CAMPAIGNS[3]
    async with db.transaction(shop.scope) as tx:
        segments = await tx.fetch(
            "SELECT known_as_id[1] AS external_id, type, size, source FROM segment ORDER BY 1"
        )
        campaigns = await tx.fetch(
            "SELECT known_as_id[1] AS external_id, status, subject, segment_id IS NOT NULL AS aimed"
            "  FROM campaign ORDER BY 1"
        )
    assert [tuple(row) for row in segments] == [
        ("seg_friends", "imported", 2, "old crm"), ("seg_loyalty_gold", "dynamic", 2, None),
    ]  # fmt: skip
    assert [tuple(row)[:3] for row in campaigns] == [
        ("camp_001", "completed", "Hi"), ("camp_002", "paused", None), ("camp_003", "draft", None),
    ]  # fmt: skip
    assert [row["aimed"] for row in campaigns] == [True, False, False]


async def test_what_is_no_file_of_rows_or_no_group_is_said(
    db: Database, shop: GivenGroup, tmp_path: Path
) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,,a\n1,2,3\n")
    with pytest.raises(Invalid):
        await bring(db, shop.scope, "customers", file)
    with pytest.raises(NotFound):
        await bring(db, Scope(10**9), "customers", file)


@pytest.mark.parametrize("cell", ["a\0b", "\0", '"a\0\nb"'])
async def test_a_cell_with_nul_costs_its_own_row(
    db: Database, shop: GivenGroup, tmp_path: Path, cell: str
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(f"id,email,name\nn1,n1@example.org,{cell}\nn2,n2@example.org,Ed\n", encoding="utf-8")
    outcome, told = await bring(db, shop.scope, "customers", file)
    assert outcome.refused == 1
    assert "NUL" in json.dumps(told[0])
