"""Moments ahead and at the ends of the calendar, numbers however they are written."""

from typing import Any

import pytest

from app.db.database import Database
from app.values.contacts import phone_key
from tests.people.asking import asking

CONSENTS = (
    "query($id: ID!) { customer(id: $id) { emailConsent reachable(channel: EMAIL) { isReachable reason } } }"
)
SET = """
mutation($input: ContactConsentSetInput!) { contactConsentSet(input: $input) { errors { code path } } }
"""


@pytest.mark.parametrize(
    "typed",
    [
        "(+33) 6 12 34 59 59",
        "tel:+33612345959",
        "\u200e+33 6 12 34 59 59",
        "+33 6 12 34 59 59\u202c",
        "06 12 34 59 59",
    ],
)
def test_a_number_has_one_form_however_it_was_copied(typed: str) -> None:
    assert phone_key(typed, "FR") == "+33612345959"


async def test_an_opt_in_dated_ahead_counts_as_its_arrival(db: Database, tmp_path: Any) -> None:
    ask = await asking(db, tmp_path)
    [ident] = await ask.upsert(
        {"email": "ahead@example.com", "emailConsent": True, "emailConsentAt": "2999-01-01T00:00:00Z"}
    )
    told = {"customerId": ident, "channel": "EMAIL", "agrees": False}
    assert (await ask(SET, input=told))["contactConsentSet"]["errors"] == []
    shown = (await ask(CONSENTS, id=ident))["customer"]
    assert shown["emailConsent"] is False
    assert shown["reachable"]["isReachable"] is False


async def test_the_first_moment_of_all_is_refused_in_words(db: Database, tmp_path: Any) -> None:
    ask = await asking(db, tmp_path)
    [ident] = await ask.upsert({"email": "first@example.com"})
    told = {"customerId": ident, "channel": "EMAIL", "agrees": False, "at": "0001-01-01T00:00:00Z"}
    errors = (await ask(SET, input=told))["contactConsentSet"]["errors"]
    assert errors == [{"code": "OUT_OF_CALENDAR", "path": ["at"]}]
