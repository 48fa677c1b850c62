"""What a landing page's address says about where somebody came from: the integration's id and the campaign's slug.

The document names the parameters in passing: `wmktid` for the integration ("traffic is detected with the integration
wmktid"), `cid` for the campaign ("the advertiser needed properties, eg: cid for campaign ID"). Their case
does not matter; of a repeated one the first counts.
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
    """The advertiser's side, as far as the address gives it."""

    wmkt_id: str | None = None
    campaign: str | None = None
    """The campaign's slug, or its id."""


NOWHERE = LandingNode()
"""Nothing is given: direct traffic."""


def read_landing(url: str | None) -> LandingNode:
    """What the address gives; NOWHERE where that is nothing, or it is no address at all."""
    if not url:
        return NOWHERE
    try:
        query = parse_qsl(urlsplit(url).query, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return NOWHERE
    return node_of({name: value for name, value in reversed(query)})


def node_of(data: Mapping[str, object]) -> LandingNode:
    """The two properties we know, among whatever an advertiser sends; numbers count as text."""
    values: dict[str, str] = {}
    for name, value in data.items():
        known = name.strip().lower()
        if known in (WMKT_ID.lower(), CID) and isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value).strip()
            # Longer than any of ours, or impossible to store: it names nothing.
            if text and len(text) <= MAX_CODE and "\0" not in text and text.isprintable():
                values[known] = text
    return LandingNode(values.get(WMKT_ID.lower()), values.get(CID))


def node_text(node: LandingNode) -> str | None:
    """As JSON, to be kept with traffic; None for nowhere."""
    said = {
        name: value for name, value in ((WMKT_ID, node.wmkt_id), (CID, node.campaign)) if value is not None
    }
    return write_json(said).decode() if said else None
