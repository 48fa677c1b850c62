"""What can be set on a campaign, and its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.settable import SmallInt, path_of, settable
from app.tables.campaigns import CampaignType, ExpiryPeriod, NegativeBalance, Objective
from app.values.changes import Settable

WINDOW = frozenset({"starts_on", "starts_at", "ends_on", "ends_at"})
"""Settled together by `windows.py`, not one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFields:
    """Every settable field of a campaign."""

    name: Settable[str] = settable("What the campaign is called, 1 to 255 characters.", check=inputs.name)
    description: Settable[str | None] = settable("What it is about.", check=inputs.text)
    logo_url: Settable[str | None] = settable("Where its logo is (http or https).", check=inputs.url)
    type: Settable[CampaignType] = settable("What it is for; PROMOTION for a new one.")
    objective: Settable[Objective] = settable("Its marketing goal; UNSPECIFIED for a new one.")
    channels: Settable[Sequence[str]] = settable(
        "Where it runs, 50 at most, such as google_ads or email.", check=inputs.channels
    )
    project_id: Settable[int | None] = settable(
        "The project it belongs to, by slug or id; the integration's for a new one.",
        name="project",
        refers=("proj", "project"),
    )
    segment_id: Settable[int | None] = settable("Whom it speaks to.", refers=("seg", "segment"))
    starts_on: Settable[date | None] = settable(
        "Its first day in the store's time zone; instead of startsAt."
    )
    starts_at: Settable[datetime | None] = settable(
        "From when; instead of startsOn. A day alone is the same as startsOn."
    )
    ends_on: Settable[date | None] = settable("Its last day, inclusive; instead of endsAt.")
    ends_at: Settable[datetime | None] = settable(
        "Until when, exclusive; instead of endsOn. A day alone is the same as endsOn: that whole day."
    )
    period_type: Settable[str | None] = settable(
        "`<n>_day`, `_week`, `_month` or `_year` fills in the dates that are not given, from today on;"
        " any other text is only kept.",
        check=inputs.code,
    )
    budget_total: Settable[Decimal | None] = settable(
        "What it may cost, in the campaign's currency and with no more digits than it has.",
        check=inputs.amount,
    )
    subject: Settable[str | None] = settable("The subject line.", inside="content", check=inputs.text)
    body: Settable[str | None] = settable("The text.", inside="content", check=inputs.text)
    cta_text: Settable[str | None] = settable("What the button says.", inside="content", check=inputs.text)
    cta_url: Settable[str | None] = settable(
        "Where the button leads (http or https).", inside="content", check=inputs.url
    )
    integration_id: Settable[int | None] = settable(
        "The integration that tracks it; it decides the currency.",
        inside="tracking",
        refers=("intg", "integration"),
    )
    slug: Settable[str | None] = settable(
        "Its name in landing page addresses, unique in the integration.", inside="tracking", check=inputs.code
    )
    is_explicit: Settable[bool] = settable(
        "False: it was made by the system when traffic came without a slug.", inside="tracking"
    )
    reward_late_days: Settable[SmallInt] = settable(
        "For how many days after its end it still pays for what happened before, 3650 at most; 30 unless said.",
        name="lateDays",
        inside="rewards",
        check=inputs.within(0, 3650),
        null=30,
    )
    reward_wait_days: Settable[SmallInt | None] = settable(
        "How many days what is earned waits until it can be used, from when it happened, 1 to 3650; such as the time"
        " in which goods may be returned.",
        name="waitDays",
        inside="rewards",
        check=inputs.within(1, 3650),
    )
    reward_expire_days: Settable[SmallInt | None] = settable(
        "For how many days it can be used from then on, 1 to 36500.",
        name="expireAfterDays",
        inside="rewards",
        check=inputs.within(1, 36500),
    )
    reward_expire_period: Settable[ExpiryPeriod | None] = settable(
        "With which calendar period of the store's time zone it expires, of those in which it can first be used; with"
        " `expireAfterDays`, whichever comes first.",
        name="expireAtEndOf",
        inside="rewards",
    )
    negative_balance: Settable[NegativeBalance] = settable(
        "Whether what is taken back may bring a customer's balance below zero, to be made up for by what is earned"
        " next; FORBIDDEN unless said: no more is taken than there is.",
        inside="rewards",
        null=NegativeBalance.FORBIDDEN,
    )
    reward_type: Settable[int | None] = settable(
        "What the campaign does.", name="type", inside="rewards", check=inputs.small
    )
    partner_id: Settable[int | None] = settable(
        "The partner; with a partnership, its partner.", inside="rewards", refers=("part", "partner")
    )
    partnership_id: Settable[int | None] = settable(
        "The agreement it belongs to, with the same store.",
        inside="rewards",
        refers=("pship", "partnership"),
    )
    owner_id: Settable[int | None] = settable(
        "The user who owns it in the rewards service.", inside="rewards", check=inputs.count
    )
    is_template: Settable[bool] = settable("Templates are there to be cloned and never run.")


def check_budget(values: Mapping[str, Any], currency: str) -> None:
    """A budget that was sent is in whole coins of the campaign's currency."""
    budget = values.get("budget_total")
    if budget is not None:
        inputs.coins(budget, currency, path_of(CampaignFields, "budget_total"))
