"""Roles: who reads, who is shown what identifies customers, who is shown the administration."""

import gc
import json
from dataclasses import replace
from typing import Any
from weakref import ref

import pytest
from graphql import GraphQLInputObjectType, get_named_type, is_required_argument

from app.auth.principal import CRM_ROLES, Role
from app.errors import Forbidden
from app.graph.declaring.permitting import WHOLE_GROUP, roles_of, shapes_of
from app.graph.declaring.writing import ADMINISTRATION as WRITTEN_DOWN
from app.graph.running.checking import check
from app.graph.running.entry import Operation, answer
from app.graph.running.explaining import explain
from app.graph.running.idempotency import run_once
from app.graph.running.permitting import needs_of
from app.graph.schema import graph
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.graph.test_writing import least

PERSONAL = [
    "{ customers { nodes { id email } } }",
    "{ customers { nodes { ...c } } } fragment c on Customer { called: name }",
    "{ customers { nodes { ... on Customer { phone } } } }",
    "{ customer(id: $customer) { externalId } }",
    "{ customer(id: $customer) { attributes } }",
    "{ customer(id: $customer) { identities { value } } }",
    "{ node(id: $customer) { ... on Customer { email } } }",
    "{ nodes(ids: [$customer]) { ... on Customer { email } } }",
    '{ customers(filter: {emails: ["a@b.example"]}) { totalCount } }',
    '{ customers(filter: {search: "a@b.example"}) { nodes { id } } }',
    '{ stores { nodes { customers(filter: {externalIds: ["1"]}) { totalCount } } } }',
    "{ customers(filter: $filter) { totalCount } }",
    "{ customers(orderBy: [{field: NAME}]) { nodes { id } } }",
    "{ orders { nodes { customer { name } } } }",
    "{ segments { nodes { members { nodes { customer { email } } } } } }",
    "{ segments { nodes { customers { nodes { email } } } } }",
    "{ segmentPreview(criteria: {order_count: {gte: 0}}) { sample { email } } }",
    "{ rewardBalances { nodes { customer { email } } } }",
    "{ rewardEvaluations { nodes { inputs } } }",
    "{ rewardEvaluations { nodes { trace } } }",
    "{ promoRedemptions { nodes { customer { phone } } } }",
    "{ funnelTouches { nodes { customer { name } } } }",
    "{ interactions { nodes { userData } } }",
    "{ interactions { nodes { trackerId } } }",
    '{ interactions(filter: {trackerId: "t"}) { totalCount } }',
    "{ events { nodes { body } } }",
    "{ events { nodes { sentData } } }",
    "{ trashedEvents { nodes { body } } }",
    "{ events { nodes { userData } } }",
    "{ events { nodes { data } } }",
    "{ trashedEvents { nodes { data } } }",
    "{ trashedEvents { nodes { faults { message } } } }",
    "{ customers { nodes { events { nodes { ... on Event { seen: data } } } } } }",
    "{ interactions { nodes { landingUrl } } }",
    "{ interactions { nodes { referrer } } }",
    "{ projects { nodes { interactions { nodes { nodeData } } } } }",
    '{ events(filter: {trackerId: "t"}) { totalCount } }',
    "{ campaigns { nodes { segment { members { nodes { customer { email } } } } } } }",
]
ADMINISTRATION = [
    "{ apiKeys { nodes { hint } } }",
    "{ apiKeys { totalCount } }",
    "{ oauthClients { nodes { clientId } } }",
    "{ webhookEndpoints { nodes { url } } }",
    "{ webhookEndpoint(id: $hook) { url } }",
    "{ node(id: $hook) { id } }",
    "{ node(id: $hook) { __typename } }",
    "{ nodes(ids: [$hook]) { ... on WebhookEndpoint { url } } }",
    "{ node(id: $key) { ... on ApiKey { name } } }",
    "{ node(id: $client) { ... on OAuthClient { clientId } } }",
]
HARMLESS = [
    "{ campaigns { nodes { id name } } }",
    "{ customers { totalCount nodes { id loyaltyTier totalSpent } } }",
    "{ node(id: $campaign) { id ... on Customer { email } ... on ApiKey { name } } }",
    "{ events { nodes { id status faults { code field } } } }",
    "{ interactions { nodes { id kind occurredAt } } }",
    "{ webhookProviders { name status } }",
    "{ segmentPreview(criteria: {order_count: {gte: 0}}) { size sample { id } } }",
    "{ viewer { name roles } }",
]
ALL_ROLES = sorted(Role)


def declared(query: str) -> str:
    kinds = {"customer": "ID!", "hook": "ID!", "key": "ID!", "client": "ID!", "campaign": "ID!"}
    kinds |= {"filter": "CustomerFilter"}
    used = [f"${name}: {kind}" for name, kind in kinds.items() if f"${name}" in query]
    return f"query({', '.join(used)}) {query}" if used else query


@pytest.fixture
def given(ours: Everything) -> dict[str, Any]:
    """Variables that name rows there are."""
    return {
        "customer": f"cust_{ours.ids['customer'][0]}",
        "campaign": f"camp_{ours.ids['campaign'][0]}",
        "hook": f"hook_{ours.ids['webhook_connection'][0]}",
        "key": f"key_{ours.ids['api_key'][0]}",
        "client": f"client_{ours.ids['oauth_client'][0]}",
        "filter": {"emails": ["a@b.example"]},
    }


async def codes(
    asker: Asker, ours: Everything, query: str, given: dict[str, Any], *roles: Role, planner: bool = True
) -> list[str]:
    context = asker.context(ours.scope, planner=planner, roles=frozenset(roles))
    variables = {name: value for name, value in given.items() if f"${name}" in query}
    made = await answer(Operation(declared(query), variables), context)
    assert (made.execution == "refused") == bool(made.errors), made
    if made.errors:
        assert json.loads(made.body)["data"] is None
    return [error["extensions"]["code"] for error in made.errors]


@pytest.mark.parametrize("query", PERSONAL)
async def test_personal_data_needs_a_role_of_its_own(
    asker: Asker, ours: Everything, given: dict[str, Any], query: str
) -> None:
    for planner in (True, False):
        assert set(await codes(asker, ours, query, given, Role.READ, planner=planner)) == {"FORBIDDEN"}
    assert set(await codes(asker, ours, query, given, Role.READ, Role.WRITE, Role.ADMINISTRATION)) == {
        "FORBIDDEN"
    }
    assert await codes(asker, ours, query, given, Role.READ, Role.PERSONAL_DATA) == []
    for role in CRM_ROLES:
        assert await codes(asker, ours, query, given, role) == []
    # Alone it reads nothing.
    assert "FORBIDDEN" in await codes(asker, ours, query, given, Role.PERSONAL_DATA)


@pytest.mark.parametrize("query", ADMINISTRATION)
async def test_administration_needs_a_further_one(
    asker: Asker, ours: Everything, given: dict[str, Any], query: str
) -> None:
    for planner in (True, False):
        refused = await codes(
            asker, ours, query, given, Role.READ, Role.WRITE, Role.PERSONAL_DATA, planner=planner
        )
        assert set(refused) == {"FORBIDDEN"}
    for role in (Role.MARKETING, Role.MANAGER):
        assert set(await codes(asker, ours, query, given, role)) == {"FORBIDDEN"}
    assert await codes(asker, ours, query, given, Role.READ, Role.ADMINISTRATION) == []
    assert await codes(asker, ours, query, given, Role.TENANT_ADMIN) == []


@pytest.mark.parametrize("query", HARMLESS)
async def test_the_rest_is_shown_to_whoever_reads(
    asker: Asker, ours: Everything, given: dict[str, Any], query: str
) -> None:
    for planner in (True, False):
        for role in (Role.READ, Role.WRITE, Role.MARKETING):
            assert await codes(asker, ours, query, given, role, planner=planner) == []


async def test_without_a_role_of_ours_nothing_is_read(asker: Asker, ours: Everything) -> None:
    assert graph.query_type is not None
    camp = f"camp_{ours.ids['campaign'][0]}"
    for name, field in graph.query_type.fields.items():
        needed = [f"{n}: {least(a.type, camp)}" for n, a in field.args.items() if is_required_argument(a)]
        arguments = f"({', '.join(needed)})" if needed else ""
        text = f"{{ {name}{arguments} {{ __typename }} }}"
        for planner in (True, False):
            for roles in (frozenset[Role](), frozenset({Role.TRACKER})):
                context = asker.context(ours.scope, planner=planner, roles=roles)
                made = await answer(Operation(text), context)
                assert made.errors[0]["extensions"]["code"] == "FORBIDDEN", (name, made)
                assert made.errors[0]["path"] == [name]
                assert name in made.errors[0]["message"]


async def test_a_refusal_names_the_field_and_the_roles_that_would_do(asker: Asker, ours: Everything) -> None:
    context = asker.context(ours.scope, roles=frozenset({Role.READ}))
    made = await answer(Operation("{ customers { nodes {\n email } } }"), context)
    (error,) = made.errors
    assert error["message"].startswith("Customer.email needs one of the roles ")
    assert "personal_data" in error["message"]
    assert error["locations"] == [{"line": 2, "column": 2}]


async def test_what_is_skipped_needs_no_role(asker: Asker, ours: Everything) -> None:
    query = "query($all: Boolean!) { customers { nodes { id email @include(if: $all) } } }"
    context = asker.context(ours.scope, roles=frozenset({Role.READ}))
    assert (await answer(Operation(query, {"all": False}), context)).errors == []
    assert (await answer(Operation(query, {"all": True}), context)).errors


async def test_what_was_checked_for_one_is_refused_to_another(asker: Asker, ours: Everything) -> None:
    """Checked operations are known again, whoever sends them."""
    operation = Operation("{ customers { nodes { email } } }")
    checked = check(operation, asker.context(ours.scope))
    reader = asker.context(ours.scope, roles=frozenset({Role.READ}))
    assert checked.forbidden(reader.principal)
    assert not checked.forbidden(asker.context(ours.scope).principal)


async def test_what_may_not_run_is_not_explained(asker: Asker, ours: Everything) -> None:
    operation = Operation("{ customers { nodes { email } } }")
    with pytest.raises(Forbidden, match=r"Customer\.email"):
        explain(operation, asker.context(ours.scope, roles=frozenset({Role.READ})))
    assert explain(operation, asker.context(ours.scope)).sql


async def test_segments_ask_of_whom_something_is_true_only_for_who_may_know(
    asker: Asker, ours: Everything
) -> None:
    preview = "query($c: JSON!) { segmentPreview(criteria: $c) { size } }"
    create = (
        "mutation($i: SegmentCreateInput!) { segmentCreate(input: $i) { segment { size } errors { code } } }"
    )
    update = (
        "mutation($i: SegmentUpdateInput!) { segmentUpdate(input: $i) { segment { size } errors { code } } }"
    )
    free = {"any": [{"not": {"attributes.passport": "X123"}}]}
    sent: list[tuple[str, dict[str, Any]]] = [
        (preview, {"c": free}),
        (create, {"i": {"name": "probe", "type": "DYNAMIC", "criteria": free}}),
        (update, {"i": {"id": f"seg_{ours.ids['segment'][0]}", "criteria": free}}),
    ]
    for query, variables in sent:
        context = asker.context(ours.scope, roles=frozenset({Role.WRITE}))
        made = await answer(Operation(query, variables), context)
        assert [one["extensions"]["code"] for one in made.errors] == ["FORBIDDEN"], query
        context = asker.context(ours.scope, roles=frozenset({Role.WRITE, Role.PERSONAL_DATA}))
        assert (await answer(Operation(query, variables), context)).errors == []


async def test_what_flows_pay_by_free_attributes_tells_of_whom_they_are_true(
    asker: Asker, ours: Everything
) -> None:
    part, campaign = f"part_{ours.ids['partner'][0]}", f"camp_{ours.ids['campaign'][0]}"
    simulate = """query($f: [FlowInput!]) { campaignSimulate(input: {
        since: "2025-01-01", until: "2025-02-01", draft: {flows: $f}}) { customers outcomes { count } } }"""
    save = """mutation($f: [FlowInput!]!) { flowsSave(input: {campaignId: "%s", flows: $f}) { errors { code } } }"""

    def flows(kind: str, **named: Any) -> list[dict[str, Any]]:
        child = {
            "partnerId": part,
            "value": "gold",
            **named,
            **({"amount": 2} if kind == "multipliers" else {}),
        }
        return [{"trigger": "SPEND", kind: [child]}]

    async def asked(query: str, given: list[dict[str, Any]], *roles: Role) -> list[str]:
        context = asker.context(ours.scope, roles=frozenset(roles))
        made = await answer(Operation(query, {"f": given}), context)
        return [one["extensions"]["code"] for one in made.errors]

    for query, role in ((simulate, Role.READ), (save % campaign, Role.WRITE)):
        for kind in ("conditions", "multipliers"):
            for owner in ({"type": "USER"}, {"typeCode": 1}):
                free = flows(kind, attribute=1_777, **owner)
                assert await asked(query, free, role) == ["FORBIDDEN"], (query, free)
                assert await asked(query, free, role, Role.PERSONAL_DATA) == []
            assert await asked(query, flows(kind, attribute=1, type="USER"), role) == []
            assert await asked(query, flows(kind, attribute=1_777, type="TRANSACTION"), role) == []


async def test_no_mutation_runs_beside_one_that_may_not(asker: Asker, ours: Everything) -> None:
    query = """mutation {
        a: storeCreate(input: {name: "beside"}) { store { id } errors { code } }
        b: apiKeyCreate(input: {name: "k"}) { secret errors { code } }
    }"""
    for planner in (True, False):
        context = asker.context(ours.scope, planner=planner, roles=frozenset({Role.MARKETING}))
        made = await answer(Operation(query), context)
        assert [one["path"] for one in made.errors] == [["b"]] or made.errors[0]["path"] == ["b"]
    async with asker.db.transaction(ours.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM store WHERE name = 'beside'") == 0


async def test_what_was_done_before_a_late_refusal_is_told(asker: Asker, ours: Everything) -> None:
    """Some refusals depend on values, and so come while the mutations run."""
    free = 'segmentCreate(input: {name: "z", type: DYNAMIC, criteria: $c}) { errors { code } }'
    promo = 'promoCreate(input: {code: "LATE", type: PERCENTAGE, value: 5}) { errors { code } }'
    for scope, second, variables in (
        (ours.scope, free, {"c": {"attributes.iban": "x"}}),
        (ours.store_scope, promo, {}),
    ):
        declares = "($c: JSON)" if variables else ""
        for planner in (True, False):
            both = f"""mutation{declares} {{
                a: campaignCreate(input: {{name: "told"}}) {{ campaign {{ id name }} errors {{ code }} }}
                b: {second}
            }}"""
            context = asker.context(scope, planner=planner, roles=frozenset({Role.WRITE}))
            made = await answer(Operation(both, variables), context)
            told = json.loads(made.body)
            assert told["data"]["a"]["campaign"]["name"] == "told"
            assert told["data"]["b"] is None
            (error,) = told["errors"]
            assert (error["path"], error["extensions"]["code"]) == (["b"], "FORBIDDEN")
            alone = await answer(
                Operation(f"mutation{declares} {{ b: {second} }}", variables),
                asker.context(scope, planner=planner, roles=frozenset({Role.WRITE})),
            )
            assert json.loads(alone.body)["data"] == {"b": None}
            assert alone.errors[0]["extensions"]["code"] == "FORBIDDEN"
    async with asker.db.transaction(ours.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign WHERE name = 'told'") == 4
        assert await tx.fetchval("SELECT count(*) FROM segment WHERE name = 'z'") == 0
        assert await tx.fetchval("SELECT count(*) FROM promo WHERE code = 'LATE'") == 0


async def test_a_key_keeps_what_was_done_before_a_late_refusal_and_no_refusal_alone(
    asker: Asker, ours: Everything
) -> None:
    free = 'segmentCreate(input: {name: "z", type: DYNAMIC, criteria: $c}) { errors { code } }'
    campaign = 'campaignCreate(input: {name: "keyed"}) { campaign { name } errors { code } }'
    for query, is_kept in ((f"a: {campaign} b: {free}", True), (f"b: {free}", False)):
        operation = Operation(f"mutation($c: JSON) {{ {query} }}", {"c": {"attributes.iban": "x"}})
        answers = []
        for again in (False, True):
            context = asker.context(ours.scope, roles=frozenset({Role.WRITE}))
            made, replayed = await run_once(check(operation, context), context, key=f"late {is_kept}")
            assert replayed == (again and is_kept)
            answers.append(json.loads(made.body))
        assert answers[0] == answers[1]
        assert answers[0]["data"]["b"] is None
    async with asker.db.transaction(ours.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign WHERE name = 'keyed'") == 1


def test_what_a_plan_needs_is_forgotten_with_it(asker: Asker, ours: Everything) -> None:
    context = asker.context(ours.scope, roles=frozenset({Role.READ}))
    plan = replace(check(Operation("{ customers { nodes { email } } }"), context).plan)
    assert needs_of(plan) is needs_of(plan)
    kept = ref(plan)
    del plan
    gc.collect()
    assert kept() is None


async def test_a_payload_shows_what_its_caller_may_read(asker: Asker, ours: Everything) -> None:
    query = """mutation {
        segmentUpdate(input: {id: "seg_0", name: "x"}) {
            segment { members { nodes { customer { email } } } } errors { code }
        }
    }"""
    made = await answer(Operation(query), asker.context(ours.scope, roles=frozenset({Role.WRITE})))
    assert made.errors[0]["message"].startswith("Customer.email")


def test_administration_is_written_down() -> None:
    """Credentials, connections, stores, settings, files brought in. The rest is what the group's business is about."""
    assert graph.mutation_type is not None
    kept = {
        name
        for name, field in graph.mutation_type.fields.items()
        if field.extensions["strawberry-definition"].metadata[WRITTEN_DOWN] is not None
    }
    about = (
        "apiKey", "token", "webhookEndpoint", "store", "group", "integration", "project",
        "eventType", "externalIds", "import", "channelRules",
    )  # fmt: skip
    # An order that is deleted leaves nothing else that tells of it.
    assert kept == {name for name in graph.mutation_type.fields if name.startswith(about)} | {"orderDelete"}


def test_whatever_identifies_customers_is_declared_so() -> None:
    """Fields whose names say that they do. Those that only sound like it are listed here, with a reason."""
    harmless = {
        "Customer.emailConsent",
        "CustomerFilter.emailConsent",
        "Customer.smsConsent",
        # Of who administers, shown to admins alone.
        "AuditEntry.address",
        "AuditEntryFilter.address",
        # What a message says, not to whom.
        "CampaignContent.body",
        # Rules of an event type, not what came.
        "EventType.phoneParsing",
        # How many, not who.
        "SegmentReach.email",
        # Patterns of rules, not where anybody came from.
        "ChannelRule.referrer",
        "ChannelPattern.referrer",
    }
    words = (
        *("email", "phone", "body", "userdata", "sentdata", "trackerid", "address"),
        *("landingurl", "referrer", "nodedata"),
    )
    for kind in graph.type_map.values():
        if (
            kind.name.startswith("__")
            or kind.name in {"Mutation"}
            or kind.name.endswith(("Input", "Payload"))
        ):
            continue
        for name, field in getattr(kind, "fields", {}).items():
            if any(word in name.lower() for word in words) and f"{kind.name}.{name}" not in harmless:
                assert Role.PERSONAL_DATA in roles_of(field), f"{kind.name}.{name}"


async def test_no_mutation_runs_beside_one_that_this_scope_may_not(asker: Asker, ours: Everything) -> None:
    query = """mutation {
        a: campaignCreate(input: {name: "beside it"}) { campaign { id } errors { code } }
        b: %s
    }"""
    others = [
        'apiKeyCreate(input: {name: "k"}) { secret errors { code } }',
        'storeCreate(input: {name: "s"}) { store { id } errors { code } }',
        'segmentCreate(input: {name: "s", type: STATIC}) { segment { id } errors { code } }',
        'tokenRevoke(input: {jti: "x"}) { revokedJti errors { code } }',
    ]
    for planner in (True, False):
        for other in others:
            for scope in (ours.store_scope, ours.project_scope):
                context = asker.context(scope, planner=planner, roles=frozenset({Role.TENANT_ADMIN}))
                made = await answer(Operation(query % other), context)
                (error,) = made.errors
                assert (error["path"], error["extensions"]["code"]) == (["b"], "FORBIDDEN")
                assert "whole group" in error["message"]
    async with asker.db.transaction(ours.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM campaign WHERE name = 'beside it'") == 0


def test_what_only_the_whole_group_may_is_declared() -> None:
    assert graph.mutation_type is not None
    whole = {name for name, one in graph.mutation_type.fields.items() if shapes_of(one) == WHOLE_GROUP}
    about = ("apiKey", "tokenRevoke", "webhookEndpoint", "segment", "exchangeRates", "groupUpdate")
    assert {name for name in graph.mutation_type.fields if name.startswith(about)} <= whole


SETTINGS = [
    *(("groupUpdate(input: {%s: 1})", name) for name in (
        "keepBodiesDays", "keepDeliveriesDays", "keepTrashDays", "keepTracesDays", "keepAnswersHours",
    )),
    ("groupUpdate(input: {%s: null})", "keepTrashDays"),
    ("groupUpdate(input: {%s: $n})", "keepTrashDays"),
    ("groupUpdate(input: $g)", "keepTrashDays"),
    ('projectUpdate(input: {id: $p, %s: 1024})', "maxEventBytes"),
    ('projectUpdate(input: {id: $p, %s: null})', "maxEventBytes"),
    ('eventTypeUpdate(input: {id: $t, %s: false})', "triggerByStrangers"),
    ('eventTypeCreate(input: {project: $p, reference: "r", %s: true})', "triggerByStrangers"),
]  # fmt: skip


@pytest.mark.parametrize(("mutation", "name"), SETTINGS)
async def test_settings_are_the_admins(asker: Asker, ours: Everything, mutation: str, name: str) -> None:
    text = mutation.replace("%s", name)
    kinds = {"n": "Int", "g": "GroupUpdateInput!", "t": "ID!"}
    kinds["p"] = "ID!" if "projectUpdate" in text else "String!"
    variables = {
        "n": 1, "g": {"keepTrashDays": 1}, "p": f"proj_{ours.ids['project'][0]}",
        "t": f"evtype_{ours.ids['event_type'][0]}",
    }  # fmt: skip
    used = [one for one in kinds if f"${one}" in text]
    declared_ = f"({', '.join(f'${one}: {kinds[one]}' for one in used)})" if used else ""
    beside = 'storeCreate(input: {name: "beside settings"}) { errors { code } }'
    query = f"mutation{declared_} {{ a: {beside} b: {text} {{ errors {{ code }} }} }}"
    operation = Operation(query, {one: variables[one] for one in used})
    for planner in (True, False):
        for roles in ({Role.WRITE}, {Role.WRITE, Role.ADMINISTRATION}, {Role.MARKETING, Role.MANAGER}):
            context = asker.context(ours.scope, planner=planner, roles=frozenset(roles))
            made = await answer(operation, context)
            (error,) = made.errors
            assert (error["path"], error["extensions"]["code"]) == (["b"], "FORBIDDEN")
            assert name in error["message"]
    async with asker.db.transaction(ours.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM store WHERE name = 'beside settings'") == 0
    admin = asker.context(ours.scope, roles=frozenset({Role.TENANT_ADMIN}))
    assert check(operation, admin).forbidden(admin.principal) == []


async def test_what_is_no_setting_is_set_by_whoever_writes(asker: Asker, ours: Everything) -> None:
    query = "mutation($g: GroupUpdateInput!) { groupUpdate(input: $g) { errors { code } } }"
    context = asker.context(ours.scope, roles=frozenset({Role.WRITE}))
    for sent, is_setting in (
        ({"keepTrashDays": 1}, True),
        ({"name": "x"}, False),
        ({"keepTrashDays": None}, True),
    ):
        checked = check(Operation(query, {"g": sent}), context)
        assert bool(checked.forbidden(context.principal)) == is_setting


def test_a_field_of_an_input_that_needs_a_role_is_in_no_list() -> None:
    """Which fields the entries of a list have is no part of a plan's structure, so it could not be asked for."""

    def inputs(kind: Any, listed: bool) -> Any:
        held = get_named_type(kind)
        listed = listed or "[" in str(kind)
        if isinstance(held, GraphQLInputObjectType):
            for name, field in held.fields.items():
                yield f"{held.name}.{name}", field, listed
                if get_named_type(field.type) is not held:
                    yield from inputs(field.type, listed)

    assert graph.mutation_type is not None
    found = [
        (name, listed)
        for mutation in graph.mutation_type.fields.values()
        for argument in mutation.args.values()
        for name, field, listed in inputs(argument.type, False)
        if roles_of(field)
    ]
    assert len(found) == 9
    assert not any(listed for _, listed in found)
