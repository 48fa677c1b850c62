"""What can be said about writing to somebody, and what follows: pure rules.

Of everything said, the latest moment counts, by its own date; at the same moment the more careful. What is said of a
list lifts nothing that was said of all the channel, and a block is only taken back (`stands` in `saying.py`). A moment
ahead of its arrival counts as its arrival. So it does not matter in which order things come in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from app.tables.contacts import ALLOWING, OF_ADDRESS, ContactChannel, StatementKind
from app.values.contacts import fold_email, phone_key
from app.values.ids import show_id

SILENT = frozenset({StatementKind.UNBLOCKED, StatementKind.MOVED})
"""These say nothing about writing by themselves: one takes back what was said of an address, one tells the next."""
CHANNELS = {"email": ContactChannel.EMAIL, "sms": ContactChannel.SMS, "mms": ContactChannel.SMS,
            "rcs": ContactChannel.SMS, "whatsapp": ContactChannel.WHATSAPP}  # fmt: skip
"""By a message's channel, whose agreement it needs; of the others nothing is kept."""
MAX_LIST = 200
MAX_DETAIL = 1_000
GRAPH = "graph"
IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that was said, about an address, a customer, or both."""

    channel: ContactChannel
    kind: StatementKind
    source: str
    at: datetime
    """Never later than now."""
    address: str | None = None
    """Folded."""
    customer_id: int | None = None
    list: str = ""
    detail: str | None = None

    @property
    def subject(self) -> str:
        """Whom it is about: the address, else the customer."""
        if self.address is not None:
            return self.address
        assert self.customer_id is not None
        return show_id("cust", self.customer_id)

    @property
    def allows(self) -> bool:
        """Whether one may write after it."""
        return self.kind in ALLOWING and self.kind not in SILENT

    @property
    def of_address(self) -> bool:
        """Whether it is about the address, whoever has it; else it is a person's word."""
        return self.kind in OF_ADDRESS

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """The same thing said by the same source: one row."""
        return self.channel, self.subject, self.list, self.kind, self.source


@dataclass(frozen=True, slots=True)
class Spoken:
    """A thing that one source said, from its first moment to its latest."""

    latest: Said
    first_at: datetime


def gathered(said: Iterable[Said]) -> list[Spoken]:
    """Each thing once, at its latest moment, in the order in which rows are written and locked."""
    found: dict[tuple[str, str, str, str, str], Spoken] = {}
    for one in said:
        before = found.get(one.key)
        if before is None:
            found[one.key] = Spoken(one, one.at)
            continue
        latest = max(before.latest, one, key=lambda it: (it.at, it.detail or ""))
        known = latest.customer_id or before.latest.customer_id or one.customer_id
        found[one.key] = Spoken(replace(latest, customer_id=known), min(before.first_at, one.at))
    return [found[key] for key in sorted(found)]


def address_of(channel: ContactChannel, text: str, region: str | None = None) -> str:
    """The address as it is compared. ValueError says what is wrong with it.

    `region`: the country of a telephone number that names none.
    """
    if channel is ContactChannel.EMAIL:
        folded = fold_email(text)
        if "@" not in folded or len(folded) > 320 or any(c.isspace() for c in folded):
            raise ValueError("is no e-mail address like ada@example.com")
        return folded
    return phone_key(text, region)


def address_or_none(channel: ContactChannel, text: str | None, region: str | None = None) -> str | None:
    """The same; None for what is no address."""
    if not text:
        return None
    try:
        return address_of(channel, text, region)
    except ValueError:
        return None
