"""What a landing page's address says about how somebody came: the integration's id and the campaign's slug.

The document names the parameters in passing: `wmktid` for the integration ("traffic is detected with the integration
wmktid"), `cid` for the campaign ("the advertiser needed properties, eg: cid for campaign ID"). They are read whatever
their case; of a repeated one the first counts.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from app.domain.inputs import MAX_CODE
from app.values.json_text import write_json

WMKT_ID = "wmktId"
CID = "cid"
MAX_PARAMETERS = 200


class LandingNode(NamedTuple):
    """What is said about the advertiser's side."""

    wmkt_id: str | None = None
    campaign: str | None = None
    """The campaign's slug, or its id."""


NOWHERE = LandingNode()
"""Nothing is said: direct."""


def read_landing(url: str | None) -> LandingNode:
    """What the address says; NOWHERE where it says nothing, or is no address at all."""
    if not url:
        return NOWHERE
    try:
        query = parse_qsl(urlsplit(url).query, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return NOWHERE
    return node_of({name: value for name, value in reversed(query)})


def node_of(data: Mapping[str, object]) -> LandingNode:
    """The two properties we know, among whatever an advertiser sends; numbers count as text."""
    found: dict[str, str] = {}
    for name, value in data.items():
        known = name.strip().lower()
        if known in (WMKT_ID.lower(), CID) and isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value).strip()
            # Longer than any of ours, or not storable: it names nothing.
            if text and len(text) <= MAX_CODE and "\0" not in text and text.isprintable():
                found[known] = text
    return LandingNode(found.get(WMKT_ID.lower()), found.get(CID))


def node_text(node: LandingNode) -> str | None:
    """As JSON, as it is kept of traffic; None for nowhere."""
    said = {
        name: value for name, value in ((WMKT_ID, node.wmkt_id), (CID, node.campaign)) if value is not None
    }
    return write_json(said).decode() if said else None
