"""What the La Griffe API makes of requests and of data, without a server."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from starlette.datastructures import Headers, QueryParams, UploadFile

from app.errors import Invalid, NotFound
from app.rest.failing import PayloadErrors
from app.rest.lagriffe import failures, requests, shapes
from app.rest.route import RequestParts
from app.values.json_text import write_json

NOW = datetime(2025, 6, 3, 12, tzinfo=UTC)
SENT = {
    "external_beacon_key": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxxxxx",
    "label": "Google Ads – June",
    "channels": ["google_ads"],
    "period_type": "1_month",
    "budget_total": 1200,
    "start_date": "2025-06-01",
    "end_date": "2025-06-30",
}
ASKED = {
    "beaconKey": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxxxxx",
    "name": "Google Ads – June",
    "channels": ["google_ads"],
    "periodType": "1_month",
    "budgetTotal": "1200",
    "startsOn": "2025-06-01",
    "endsOn": "2025-06-30",
}


def parts(body: object = None, *, form: bool = False, **path: str) -> RequestParts:
    return RequestParts(path, QueryParams(), Headers(), NOW, body, form)


def asked(body: object, *, form: bool = False) -> dict[str, Any]:
    given = requests.create_variables(parts(body, form=form))["input"]
    assert isinstance(given, dict)
    return given


def test_the_documented_body_becomes_the_mutations_input() -> None:
    assert asked(SENT) == ASKED


def test_a_form_says_the_same_as_json() -> None:
    assert asked({**SENT, "budget_total": "1200"}, form=True) == ASKED


def test_dates_may_be_left_out_sent_as_null_or_left_empty_in_a_form() -> None:
    bare = {name: value for name, value in SENT.items() if not name.endswith("_date")}
    without = {name: value for name, value in ASKED.items() if not name.endswith("sOn")}
    assert asked(bare) == without
    assert asked({**SENT, "start_date": None, "end_date": None}) == without
    assert asked({**SENT, "start_date": "", "end_date": ""}, form=True) == without


@pytest.mark.parametrize(
    ("sent", "exact"),
    [
        (1200, "1200"),
        ("1200", "1200"),
        (Decimal("1200.50"), "1200.5"),
        (" 1200.50 ", "1200.50"),
        (Decimal("1.2E+3"), "1200"),
        (0, "0"),
        (-5, "-5"),  # the domain says no to this one, in its own words
    ],
)
def test_a_budget_keeps_its_digits(sent: object, exact: str) -> None:
    assert asked({**SENT, "budget_total": sent})["budgetTotal"] == exact


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("external_beacon_key", None, "`external_beacon_key` is required"),
        ("external_beacon_key", 7, "must be a text, not a number"),
        ("label", None, "`label` is required"),
        ("label", ["x"], "must be a text, not a list"),
        ("channels", None, "`channels` is required"),
        ("channels", [], "`channels` is required"),
        ("channels", "google_ads", "must be a list"),
        ("channels", [1], "must hold texts, not a number"),
        ("period_type", 1, "must be a text, not a number"),
        ("budget_total", None, "`budget_total` is required"),
        ("budget_total", True, "not a boolean"),
        ("budget_total", "1,200", "like 1200 or 1200.50"),
        ("budget_total", "1e3", "like 1200 or 1200.50"),
        ("budget_total", "٣", "like 1200 or 1200.50"),
        ("budget_total", "NaN", "like 1200 or 1200.50"),
        ("budget_total", {}, "not an object"),
        ("start_date", "01/06/2025", "not a date like 2025-06-01"),
        ("start_date", "2025-06-31", "not a day of the calendar"),
        ("end_date", 20250630, "must be a text"),
        ("files", [], "multipart/form-data"),
    ],
)
def test_what_is_wrong_is_said_by_the_name_the_client_used(field: str, value: object, says: str) -> None:
    with pytest.raises(Invalid) as failure:
        asked({**SENT, field: value})
    assert f"`{field}`" in failure.value.message
    assert says in failure.value.message


@pytest.mark.parametrize("body", [None, 1, "x", [], True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(Invalid, match="must be a JSON object") as failure:
        asked(body)
    assert failures.FAILURES.statuses[failure.value.reason] == 400


def test_a_text_where_a_file_belongs_is_refused() -> None:
    with pytest.raises(Invalid, match="must be files"):
        asked({**SENT, "files": ["not a file"]}, form=True)


def test_a_file_where_a_text_belongs_is_refused() -> None:
    with pytest.raises(Invalid, match="must be a text, not"):
        asked({**SENT, "label": [UploadFile(None)]}, form=True)  # type: ignore[arg-type]  # never read


def test_keys_nobody_knows_are_left_alone() -> None:
    assert asked({**SENT, "colour": "red"}) == ASKED


@pytest.mark.parametrize("text", ["", "0", "042", "-1", "4.2", "abc", "camp_42", "٣", "9" * 19, "9" * 400])
def test_a_path_that_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        requests.campaign_id(parts(id=text))


def test_an_id_is_plain_in_the_path() -> None:
    assert requests.campaign_id(parts(id="42")) == {"id": "lagriffe:42"}


NODE = {
    "id": {"lagriffe": "42"},
    "label": "Google Ads – June",
    "status": "ACTIVE",
    "channels": ["google_ads", "tv"],
    "period_type": "1_month",
    "budget": {"amount": "1200.00"},
    "currency": "EUR",
    "startsOn": "2025-06-01",
    "endsOn": "2025-06-30",
    "startsAt": "2025-05-31T22:00:00Z",
    "endsAt": "2025-06-30T22:00:00Z",
    "store": {
        "id": {"lagriffe": "7"},
        "name": "Lyon",
        "beaconKey": "b-7",
        "timeZone": None,
        "group": {"id": "group_1", "name": "A", "timeZone": "Europe/Paris"},
    },
    "createdAt": "2025-05-20T09:30:00Z",
    "updatedAt": "2025-05-20T09:30:00Z",
}
ROW = (
    '{"id":42,"external_beacon_key":"b-7","label":"Google Ads – June","status":"active",'
    '"channels":["google_ads","tv"],"period_type":"1_month","budget_total":1200,"currency":"EUR",'
    '"start_date":"2025-06-01","end_date":"2025-06-30",'
    '"customer":{"id":7,"name":"Lyon","external_beacon_key":"b-7"},'
    '"created_at":"2025-05-20T09:30:00Z","updated_at":"2025-05-20T09:30:00Z"}'
)


def test_a_list_has_the_envelope_and_plain_ids() -> None:
    body = write_json(shapes.campaigns({"campaigns": {"totalCount": 1, "nodes": [NODE]}}, parts()))
    assert body.decode() == f'{{"success":true,"data":[{ROW}]}}'


def test_an_empty_list_is_a_list() -> None:
    body = write_json(shapes.campaigns({"campaigns": {"totalCount": 0, "nodes": []}}, parts()))
    assert body == b'{"success":true,"data":[]}'


def test_the_list_says_how_many_there_are() -> None:
    assert shapes.total_count({"campaigns": {"totalCount": 4321, "nodes": []}}, parts()) == {
        "X-Total-Count": "4321"
    }


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        ("1200.00", "1200"),
        ("12.50", "12.5"),
        ("0.0001", "0.0001"),
        ("99999999999999.9999", "99999999999999.9999"),
    ],
)
def test_money_is_a_number_with_its_exact_digits(amount: str, number: str) -> None:
    row = shapes.campaign_row({**NODE, "budget": {"amount": amount}})
    assert f'"budget_total":{number},' in write_json(row).decode()


def test_a_campaign_without_a_budget_says_null() -> None:
    assert shapes.campaign_row({**NODE, "budget": None})["budget_total"] is None


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "days"),
    [
        ("2025-05-31T22:00:00Z", "2025-06-30T22:00:00Z", ("2025-06-01", "2025-06-30")),
        ("2025-05-31T21:59:59Z", "2025-06-30T22:00:01Z", ("2025-05-31", "2025-07-01")),
        # 2026-12-31 in the form Marketing & CRM gives days in, whichever day it is in Paris.
        ("2026-12-14T23:00:00Z", "2026-12-31T23:59:59Z", ("2026-12-15", "2026-12-31")),
        (None, None, (None, None)),
    ],
)
def test_a_campaign_given_instants_shows_the_days_of_its_store(
    starts_at: str | None, ends_at: str | None, days: tuple[str | None, str | None]
) -> None:
    row = shapes.campaign_row(
        {**NODE, "startsOn": None, "endsOn": None, "startsAt": starts_at, "endsAt": ends_at}
    )
    assert (row["start_date"], row["end_date"]) == days


def test_a_campaign_nobody_may_see_is_not_found() -> None:
    with pytest.raises(NotFound):
        shapes.campaign({"campaign": None}, parts())
    with pytest.raises(NotFound):
        shapes.metrics({"campaign": None}, parts())


def test_what_the_mutation_refuses_is_raised() -> None:
    errors = [{"code": "END_BEFORE_START", "message": "`endsOn` is before `startsOn`.", "path": ["endsOn"]}]
    with pytest.raises(PayloadErrors) as refused:
        shapes.created({"mediaCampaignCreate": {"errors": errors, "campaign": None}}, parts())
    problem = refused.value.problems[0]
    assert failures.FAILURES.status_of(problem) == 422
    assert failures.body(422, [problem]) == {"message": "`end_date` is before `start_date`."}


def test_two_problems_are_one_message() -> None:
    errors = [
        {"code": "INVALID", "message": f"`{name}` is wrong.", "path": []} for name in ("name", "endsOn")
    ]
    with pytest.raises(PayloadErrors) as refused:
        shapes.created({"mediaCampaignCreate": {"errors": errors, "campaign": None}}, parts())
    assert failures.body(422, refused.value.problems) == {"message": "`label` is wrong. `end_date` is wrong."}


def figures(impressions: int, spend: str) -> dict[str, Any]:
    return {"impressions": impressions, "clicks": 0, "conversions": 0, "spend": {"amount": spend}}


def shown_metrics(series: list[dict[str, Any]], *, now: datetime = NOW, **node: Any) -> dict[str, Any]:
    data = {
        "campaign": {
            **NODE,
            "channels": ["google_ads", "tv"],
            "metricSeries": series,
            **node,
        }
    }
    asked = RequestParts({}, QueryParams(), Headers(), now)
    found = msgspec.json.decode(write_json(shapes.metrics(data, asked)))["data"]
    assert isinstance(found, dict)
    return found


def point(channel: str, period: str, impressions: int = 1, spend: str = "0.00") -> dict[str, Any]:
    return {"channel": channel, "period": period, **figures(impressions, spend)}


def days_of(found: dict[str, Any]) -> list[str]:
    """The days of every channel, which are the same for all."""
    for channel in found["channels"]:
        assert [p["date"] for p in channel["series"]] == [p["date"] for p in found["channels"][0]["series"]]
    return [p["date"][5:] for p in found["channels"][0]["series"]]


def test_metrics_have_one_group_per_channel_with_its_days_in_order() -> None:
    found = shown_metrics(
        [
            point("google_ads", "2025-06-01", 10, "3.00"),
            point("meta", "2025-06-01", 2, "0.25"),
            point("meta", "2025-06-03", 0, "0.25"),
        ]
    )
    assert [channel["channel"] for channel in found["channels"]] == ["google_ads", "tv", "meta"]
    assert days_of(found) == ["06-01", "06-02", "06-03"]
    assert found["channels"][2]["totals"] == {"impressions": 2, "clicks": 0, "conversions": 0, "spend": 0.5}
    assert found["channels"][1]["series"][0] == {
        "date": "2025-06-01", "impressions": 0, "clicks": 0, "conversions": 0, "spend": 0,
    }  # fmt: skip
    assert found["totals"]["spend"] == 3.5
    assert found["campaign_id"] == 42


def test_days_run_from_the_start_to_today_or_the_end() -> None:
    assert days_of(shown_metrics([])) == ["06-01", "06-02", "06-03"]
    assert days_of(shown_metrics([], endsOn="2025-06-02")) == ["06-01", "06-02"]
    assert days_of(shown_metrics([], startsOn="2025-06-04")) == []
    assert days_of(shown_metrics([], startsOn=None, startsAt=None, endsOn=None, endsAt=None)) == []


def test_today_is_the_stores() -> None:
    late = datetime(2025, 6, 1, 22, 30, tzinfo=UTC)
    assert days_of(shown_metrics([], now=late)) == ["06-01", "06-02"]


def test_reported_days_outside_the_campaign_are_shown_without_gaps() -> None:
    early_and_late = [point("tv", "2025-05-30"), point("tv", "2025-06-05")]
    assert days_of(shown_metrics(early_and_late)) == [
        "05-30", "05-31", "06-01", "06-02", "06-03", "06-04", "06-05",
    ]  # fmt: skip


def test_a_very_long_campaign_is_filled_at_its_end_only() -> None:
    found = shown_metrics([point("tv", "0002-01-01")], startsOn="0001-01-01", endsOn="9999-12-31")
    days = [p["date"] for p in found["channels"][0]["series"]]
    assert len(days) == shapes.FILLED_DAYS + 1
    assert (days[0], days[-1]) == ("0002-01-01", "2025-06-03")
