"""Touches recorded: the campaign a careless link leads to, the channel where there is none of ours, and new rules."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import COUNTED, Database
from app.domain.assets.storage import AssetStorage
from app.domain.interactions.recording import Offline, Visit, record_offline, record_online
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from app.worker.channels import Channels
from tests.given import custom_ads
from tests.given.custom_ads import NOON, Site

Call = Callable[..., Any]


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Call:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *roles: Role, **variables: Any) -> Any:
        principal = Principal("test", scope, frozenset(roles or {Role.MARKETING}))
        made = await answer(Operation(query, variables), Context(services, principal, now=NOON))
        return json.loads(made.body)

    return run


async def came(
    db: Database, site: Site, *landings: str, referrer: str | None = None
) -> list[tuple[Any, ...]]:
    """Integration, campaign and channel of visits to these addresses, in their order."""
    async with db.transaction(site.scope) as tx:
        before = await tx.fetchval("SELECT count(*) FROM interaction")
        visits = [
            Visit(
                project_id=site.project_id, tracker_id=None, landing_url=landing, referrer=referrer,
                occurred_at=NOON, dedup_key=f"{before}/{n}",
            )
            for n, landing in enumerate(landings)
        ]  # fmt: skip
        ids = await record_online(tx, visits, now=NOON)
        found = await tx.fetch("SELECT id, integration_id, campaign_id, channel FROM interaction")
        by_id = {row["id"]: (row["integration_id"], row["campaign_id"], row["channel"]) for row in found}
    return [by_id[ident] for ident in ids]


async def implicit(db: Database, site: Site) -> int | None:
    async with db.transaction(site.scope) as tx:
        found: int | None = await tx.fetchval(
            "SELECT id FROM campaign WHERE integration_id = $1 AND NOT is_explicit", site.integration_id
        )
    return found


async def test_a_link_leads_to_its_campaign_however_it_is_written(db: Database) -> None:
    site = await custom_ads.site(db)
    beta = await custom_ads.campaign(db, site, "beta")
    w = site.wmkt_id
    ways = (
        f"?wmktid={w}&cid=beta", f"#/x?wmktid={w}&cid=beta", f"#wmktid={w}&cid=beta", f"?a=1?wmktid={w}&cid=beta",
        f"?wmktid={w}&amp;cid=beta", f"?wmktid={w}&cid=Beta", f"?wmktid={w}&cid=beta/", f"?wmktid={w.upper()}&cid=BETA",
        f"?wmktid={w}/&cid=beta%2F", f"?wmktid={w};cid=%20beta%20",
    )  # fmt: skip
    found = await came(db, site, *("https://shop.example/" + way for way in ways))
    assert found == [(site.integration_id, beta, "custom_ads")] * len(ways)
    assert await implicit(db, site) is None


async def test_what_could_be_two_is_neither(db: Database) -> None:
    site = await custom_ads.site(db)
    lower, upper = [await custom_ads.campaign(db, site, slug) for slug in ("beta", "BETA")]
    w = f"https://shop.example/?wmktid={site.wmkt_id}"
    found = await came(db, site, f"{w}&cid=beta", f"{w}&cid=BETA", f"{w}&cid=Beta")
    assert [row[1] for row in found] == [lower, upper, await implicit(db, site)]


async def test_a_slug_that_ends_in_a_slash_is_one_of_its_own(db: Database) -> None:
    site = await custom_ads.site(db)
    slash, plain = [await custom_ads.campaign(db, site, slug) for slug in ("beta/", "beta")]
    w = f"https://shop.example/?wmktid={site.wmkt_id}"
    found = await came(db, site, f"{w}&cid=beta/", f"{w}&cid=beta", f"{w}&cid=beta//")
    assert [row[1] for row in found] == [slash, plain, plain]


async def test_utm_campaign_names_a_campaign_by_slug_or_name(db: Database) -> None:
    site, other = await custom_ads.site(db), await custom_ads.site(db)
    spring = await custom_ads.campaign(db, site, "spring", name="Spring sale 2026", channels=["google_ads"])
    await custom_ads.campaign(db, other, "autumn")
    where = "https://shop.example/?"
    ours = (site.integration_id, spring, "google_ads")
    assert await came(
        db, site, f"{where}utm_campaign=spring", f"{where}utm_campaign=SPRING&utm_source=google",
        f"{where}utm_campaign=spring_sale-2026", f"{where}utm_campaign=Spring+Sale+2026",
        f"{where}wmktid={site.wmkt_id}&utm_campaign=spring",
        f"{where}wmktid={site.wmkt_id}&cid=gone&utm_campaign=spring",
    ) == [ours] * 6  # fmt: skip
    assert await came(db, site, f"{where}utm_campaign=autumn", f"{where}utm_campaign=---") == [
        (None, None, "other"),
        (None, None, "other"),
    ]


async def test_the_slug_in_the_link_says_more_than_utm_campaign(db: Database) -> None:
    site = await custom_ads.site(db)
    beta = await custom_ads.campaign(db, site, "beta")
    await custom_ads.campaign(db, site, "spring")
    [row] = await came(db, site, f"https://shop.example/?wmktid={site.wmkt_id}&cid=beta&utm_campaign=spring")
    assert row[1] == beta


async def test_utm_campaign_that_could_be_two_is_neither_unless_the_link_names_the_integration(
    db: Database,
) -> None:
    site = await custom_ads.site(db)
    more, w = await custom_ads.integration(db, site.scope, site.project_id)
    first = await custom_ads.campaign(db, site, "spring")
    second = await custom_ads.campaign(db, site, "spring", integration_id=more)
    named = await custom_ads.campaign(db, site, "x", name="Spring")
    where = "https://shop.example/?utm_campaign=spring"
    assert await came(db, site, where, f"{where}&wmktid={site.wmkt_id}", f"{where}&wmktid={w}") == [
        (None, None, "other"),
        (site.integration_id, first, "custom_ads"),
        (more, second, "custom_ads"),
    ]
    assert named not in (first, second)  # a slug says more than a name


async def test_what_is_no_campaign_of_ours_keeps_its_channel(db: Database) -> None:
    site = await custom_ads.site(db)
    where = "https://shop.example/"
    tagged = "?utm_source=google&utm_medium=cpc&utm_campaign=theirs&gclid=1&fbclid=2&msclkid=3"
    assert await came(db, site, where + tagged, f"{where}#/x?utm_medium=email", where) == [
        (None, None, "google_ads"),
        (None, None, "email"),
        (None, None, None),
    ]
    assert await came(db, site, where, referrer="https://www.google.fr/") == [(None, None, "organic_search")]
    assert await came(db, site, where, referrer="https://shop.example/a") == [(None, None, None)]


async def test_the_campaigns_channels_settle_it(db: Database) -> None:
    site = await custom_ads.site(db)
    await custom_ads.campaign(db, site, "both", channels=["google_ads", "meta_ads"])
    await custom_ads.campaign(db, site, "mail", channels=["email"])
    w = f"https://shop.example/?wmktid={site.wmkt_id}"
    found = await came(
        db, site, f"{w}&cid=both&gclid=1", f"{w}&cid=both&fbclid=1", f"{w}&cid=both", f"{w}&cid=mail", w
    )
    assert [row[2] for row in found] == ["google_ads", "meta_ads", None, "email", "custom_ads"]


async def test_a_contact_off_the_site_has_one_too(db: Database) -> None:
    site = await custom_ads.site(db, kind="custom_sheet")
    await custom_ads.campaign(db, site, "stand", channels=["print"])
    async with db.transaction(site.scope) as tx:
        for n, more in enumerate(({}, {"cid": "Stand "}, {"utm_medium": "sms"})):
            node = {"wmktId": site.wmkt_id, **more}
            told = Offline(node_data=node, user_data={}, dedup_key=f"{n}")
            await record_offline(tx, site.project_id, told, now=NOON)
        rows = await tx.fetch("SELECT channel FROM interaction ORDER BY id")
    assert [row["channel"] for row in rows] == ["custom_sheet", "print", "sms"]


async def test_a_hundred_visits_cost_as_many_statements_as_one(db: Database) -> None:
    site = await custom_ads.site(db)
    await custom_ads.campaign(db, site, "beta")
    ways = (
        f"https://shop.example/?wmktid={site.wmkt_id.upper()}&cid=BETA",
        "https://shop.example/?utm_campaign=beta&gclid=1",
        "https://shop.example/",
        f"https://shop.example/?wmktid={site.wmkt_id}&utm_campaign=nobody",
    )
    await came(db, site, *ways)
    costs = []
    for times in (1, 25):
        token = COUNTED.set([0])
        await came(db, site, *(ways * times))
        costs.append((COUNTED.get() or [0])[0])
        COUNTED.reset(token)
    assert costs[0] == costs[1]


# ── rules of a group ──────────────────────────────────────────────────────────

ERRORS = "errors { code message path }"
SET = f"""
mutation($r: [ChannelRuleInput!]!) {{ channelRulesSet(input: {{rules: $r}}) {{
  rules {{ id position channel source medium campaign clickId referrer integration }} {ERRORS} }} }}
"""
RETELL = f"mutation($n: Int!) {{ channelsRetell(input: {{first: $n}}) {{ lookedAt changed left {ERRORS} }} }}"
SHOWN = "{ channelRules { nodes { position channel source } totalCount } }"


async def test_rules_are_set_as_a_whole(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    rules = [{"source": "radio*", "channel": "radio"}, {"medium": "x|y", "clickId": "abc"}]
    made = (await call(site.scope, SET, r=rules))["data"]["channelRulesSet"]
    assert made["errors"] == []
    assert [
        (rule["position"], rule["channel"], rule["source"], rule["clickId"]) for rule in made["rules"]
    ] == [(1, "radio", "radio*", None), (2, None, None, "abc")]
    assert await came(db, site, "https://s.example/?utm_source=Radio-1") == [(None, None, "radio")]
    await call(site.scope, SET, r=[{"source": "radio*", "channel": "wireless"}])
    shown = (await call(site.scope, SHOWN, Role.READ))["data"]["channelRules"]
    assert shown == {
        "nodes": [{"position": 1, "channel": "wireless", "source": "radio*"}],
        "totalCount": 1,
    }
    other = await custom_ads.site(db)
    assert (await call(other.scope, SHOWN))["data"]["channelRules"]["totalCount"] == 0
    assert await came(db, other, "https://s.example/?utm_source=Radio-1") == [(None, None, "other")]
    assert (await call(site.scope, SET, r=[]))["data"]["channelRulesSet"] == {"rules": [], "errors": []}


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([{"channel": "x"}], ["rules", "0"]),
        ([{"source": " "}], ["rules", "0", "source"]),
        ([{"source": "|"}], ["rules", "0", "source"]),
        ([{"source": "a"}, {"source": "a", "channel": "x" * 65}], ["rules", "1", "channel"]),
        ([{"source": "a" * 256}], ["rules", "0", "source"]),
        ([{"source": f"{n}"} for n in range(201)], ["rules"]),
    ],
)
async def test_rules_that_cannot_be_are_refused_with_the_place(
    db: Database, call: Call, rules: list[dict[str, str]], path: list[str]
) -> None:
    site = await custom_ads.site(db)
    made = (await call(site.scope, SET, r=rules))["data"]["channelRulesSet"]
    assert made["rules"] is None
    assert [[str(part) for part in error["path"]] for error in made["errors"]] == [path]


async def test_who_may_set_them(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    reader = await call(site.scope, SET, Role.READ, r=[])
    part = await call(site.project_scope, SET, r=[])
    assert "FORBIDDEN" in json.dumps(reader)
    assert "FORBIDDEN" in json.dumps(part)


async def recorded(db: Database, site: Site) -> list[str | None]:
    async with db.transaction(site.scope) as tx:
        return [row[0] for row in await tx.fetch("SELECT channel FROM interaction ORDER BY id")]


async def test_what_was_recorded_is_told_anew_some_at_a_time(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    await came(
        db, site, *[f"https://s.example/?utm_source=radio-{n}" for n in range(5)], "https://s.example/"
    )
    assert (await call(site.scope, RETELL, n=2))["data"]["channelsRetell"] == {
        "lookedAt": 0, "changed": 0, "left": 0, "errors": [],
    }  # fmt: skip
    await call(site.scope, SET, r=[{"source": "radio*", "channel": "radio"}])
    told = [(await call(site.scope, RETELL, n=2))["data"]["channelsRetell"] for _ in range(4)]
    assert [(one["lookedAt"], one["changed"], one["left"]) for one in told] == [
        (2, 1, 4), (2, 2, 2), (2, 2, 0), (0, 0, 0),
    ]  # fmt: skip
    assert await recorded(db, site) == ["radio"] * 5 + [None]


async def test_the_worker_tells_it_too_and_once_more_for_what_came_meanwhile(
    db: Database, call: Call
) -> None:
    site = await custom_ads.site(db)
    await came(db, site, *[f"https://s.example/?utm_source=radio-{n}" for n in range(3)])
    await call(site.scope, SET, r=[{"source": "radio*", "channel": "radio"}])
    assert (await Channels().run(db, NOON)).errors == []
    assert await recorded(db, site) == ["radio"] * 3
    async with db.transaction(site.scope) as tx:  # as by somebody who read the old rules before
        await tx.execute("UPDATE interaction SET channel = 'other' WHERE group_id = $1", site.group.group_id)
    assert (await Channels().run(db, NOON + timedelta(minutes=1))).errors == []
    assert await recorded(db, site) == ["other"] * 3
    assert (await Channels().run(db, NOON + timedelta(minutes=3))).errors == []
    assert await recorded(db, site) == ["radio"] * 3
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE interaction SET channel = 'other' WHERE group_id = $1", site.group.group_id)
    assert (await Channels().run(db, NOON + timedelta(minutes=9))).errors == []
    assert await recorded(db, site) == ["other"] * 3  # nothing is due any more


async def test_what_nothing_is_kept_of_stays(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    await came(db, site, "https://s.example/?utm_source=radio", "https://s.example/?utm_source=radio")
    async with db.transaction(site.scope) as tx:
        await tx.execute("UPDATE interaction SET landing_url = NULL WHERE dedup_key = '0/0'")
    await call(site.scope, SET, r=[{"source": "radio", "channel": "radio"}])
    await call(site.scope, RETELL, n=10)
    assert await recorded(db, site) == ["other", "radio"]


# ── asked for ─────────────────────────────────────────────────────────────────

ASK = """
query($u: String, $r: String, $p: String) { channelOf(url: $u, referrer: $r, project: $p) {
  channel origin rule { position source medium clickId referrer } integration { wmktId } campaign { name } } }
"""


async def test_it_can_be_asked_beforehand(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    await custom_ads.campaign(db, site, "beta", name="Beta", channels=["google_ads", "meta_ads"])

    async def ask(**variables: Any) -> Any:
        return (await call(site.scope, ASK, **variables))["data"]["channelOf"]

    assert (await ask(u="https://s.example/?gclid=1"))["rule"] == {
        "position": 1, "source": None, "medium": None, "clickId": "gclid|gbraid|wbraid|dclid|gad_source",
        "referrer": None,
    }  # fmt: skip
    nothing = {"channel": None, "origin": None, "rule": None, "integration": None, "campaign": None}
    assert await ask(u="https://s.example/") == nothing
    assert await ask() == nothing
    assert await ask(u="https://[broken", r="\u0000") == nothing
    told = await ask(u=f"https://s.example/#/x?wmktid={site.wmkt_id}&CID=BETA&fbclid=1", p=site.slug)
    assert (told["channel"], told["origin"]) == ("meta_ads", "BUILT_IN")
    assert (told["integration"], told["campaign"]) == ({"wmktId": site.wmkt_id}, {"name": "Beta"})
    told = await ask(u=f"https://s.example/?wmktid={site.wmkt_id}", p=site.slug)
    assert (told["channel"], told["origin"], told["campaign"]) == ("custom_ads", "INTEGRATION", None)
    assert await implicit(db, site) is None  # asking makes nothing
    assert "NOT_FOUND" in json.dumps(await call(site.scope, ASK, u="x", p="nowhere"))


async def test_the_built_in_rules_can_be_read(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    rules = (await call(site.scope, "{ channelRulesBuiltIn { position channel clickId } }"))["data"][
        "channelRulesBuiltIn"
    ]
    assert rules[0]["channel"] == "google_ads"
    assert [rule["position"] for rule in rules] == [*range(1, len(rules) + 1)]


async def test_interactions_show_their_channel_and_are_found_by_it(db: Database, call: Call) -> None:
    site = await custom_ads.site(db)
    await came(
        db, site, "https://s.example/?gclid=1", "https://s.example/?utm_medium=email", "https://s.example/"
    )
    query = "query($f: InteractionFilter) { interactions(filter: $f) { nodes { channel } } }"

    async def found(**which: Any) -> list[str | None]:
        nodes = (await call(site.scope, query, f=which))["data"]["interactions"]["nodes"]
        return sorted((node["channel"] for node in nodes), key=str)

    assert await found() == [None, "email", "google_ads"]
    assert await found(channels=["email", "sms"]) == ["email"]
    assert await found(direct=True) == [None]
    assert await found(direct=False) == ["email", "google_ads"]
