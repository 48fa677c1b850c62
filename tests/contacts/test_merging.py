"""Of two who turn out to be one, what either said last about being written to counts."""

from datetime import datetime

import pytest

from tests.given.asking import Asker
from tests.given.contacts import ago, audience, unix
from tests.people.asking import MERGE, SPLIT

EARLIER, LATER = ago(hours=9), ago(hours=3)


@pytest.mark.parametrize(
    ("mine", "theirs", "agrees"),
    [
        ((True, LATER), (False, EARLIER), True),
        ((False, EARLIER), (True, LATER), True),
        ((False, LATER), (True, EARLIER), False),
        ((True, LATER), (False, LATER), False),
        ((True, EARLIER), (None, EARLIER), True),
        ((None, EARLIER), (True, EARLIER), True),
        ((None, EARLIER), (False, EARLIER), False),
    ],
)
async def test_the_latest_counts(
    asker: Asker, mine: tuple[bool | None, datetime], theirs: tuple[bool | None, datetime], agrees: bool
) -> None:
    a = await audience(asker)
    people = []
    for address, (said, at) in (("one@example.com", mine), ("two@example.com", theirs)):
        told = {} if said is None else {"email_consent": said, "email_consent_at": at}
        people.append(await a.customer(now=LATER, email=address, **told))
    into, gone = people
    made = await a.write(MERGE, **{"from": gone, "into": into})
    assert made["errors"] == []
    seen = await a.reach(into)
    assert (seen["isReachable"], seen["emailConsent"]) == (agrees, agrees)
    undone = await a.write(SPLIT, input={"mergeId": made["merge"]["id"]})
    assert undone["errors"] == []
    for customer, (said, _) in zip(people, (mine, theirs), strict=True):
        seen = await a.reach(customer)
        assert (seen["isReachable"], seen["emailConsent"]) == (said is True, said is True)


async def test_what_a_provider_told_of_the_other_one_counts_by_its_moment(asker: Asker) -> None:
    a = await audience(asker)
    into = await a.customer(now=LATER, email="one@example.com", email_consent=True, email_consent_at=LATER)
    gone = await a.customer(
        now=ago(days=1), email="two@example.com", email_consent=True, email_consent_at=ago(days=2)
    )
    left = {
        "email": "two@example.com",
        "event": "unsubscribe",
        "sg_event_id": "1",
        "timestamp": unix(EARLIER),
    }
    await a.told("sendgrid", [left])
    await a.write(MERGE, **{"from": gone, "into": into})
    assert (await a.reach(into))["emailConsent"] is True
    await a.told("sendgrid", [{**left, "sg_event_id": "2", "timestamp": unix(ago(hours=1))}])
    assert (await a.reach(into))["emailConsent"] is False
