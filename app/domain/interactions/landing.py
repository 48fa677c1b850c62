"""What a landing page's address says about where somebody came from: the integration's id and the campaign's slug.

The document names the parameters in passing: `wmktid` for the integration ("traffic is detected with the integration
wmktid"), `cid` for the campaign ("the advertiser needed properties, eg: cid for campaign ID"). Their case
does not matter; of a repeated one the first counts. `addresses.py` says how freely an address may be written.
"""

from collections.abc import Mapping
from typing import NamedTuple

from app.domain.inputs import MAX_CODE
from app.domain.interactions.addresses import decoded, parameters
from app.values.json_text import write_json

WMKT_ID = "wmktId"
CID = "cid"
UTM_CAMPAIGN = "utm_campaign"
MAX_TAG = 255


class LandingNode(NamedTuple):
    """The advertiser's side, as far as the address gives it."""

    wmkt_id: str | None = None
    campaign: str | None = None
    """The campaign's slug, or its id."""
    tagged: str | None = None
    """What `utm_campaign` says: perhaps a campaign's slug or name."""


NOWHERE = LandingNode()
"""Nothing is given."""


def read_landing(url: str | None) -> LandingNode:
    """What the address gives; NOWHERE where that is nothing, or it is no address at all."""
    return node_of(parameters(url)) if url else NOWHERE


def node_of(data: Mapping[str, object]) -> LandingNode:
    """The properties we know, among whatever an advertiser sends; numbers count as text."""
    values = tags_of(data)
    tagged = values.get(UTM_CAMPAIGN)
    return LandingNode(
        _code(values.get(WMKT_ID.lower())),
        _code(values.get(CID)),
        None if tagged is None else text_of(decoded(tagged)),
    )


def tags_of(data: Mapping[str, object]) -> dict[str, str]:
    """Whatever is text or a number, by name in lower case; of names that differ in case alone the first."""
    values: dict[str, str] = {}
    for name, value in data.items():
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value).strip()
            if text:
                values.setdefault(name.strip().lower(), text)
    return values


def text_of(value: str) -> str | None:
    """A tag as text that can be compared with ours; None: it names nothing."""
    text = value.strip()
    return text if text and len(text) <= MAX_TAG and "\0" not in text and text.isprintable() else None


def loosened(value: str) -> str:
    """The same name, written carelessly: encoded once more, with a slash or blanks at its end."""
    return decoded(value).rstrip("/ ").strip()


def node_text(node: LandingNode) -> str | None:
    """As JSON, to be kept with traffic; None for nowhere."""
    said = {
        name: value for name, value in ((WMKT_ID, node.wmkt_id), (CID, node.campaign)) if value is not None
    }
    return write_json(said).decode() if said else None


def _code(value: str | None) -> str | None:
    """None where it is longer than any of ours, or impossible to store: it names nothing."""
    text = None if value is None else text_of(value)
    return text if text is not None and len(text) <= MAX_CODE else None
