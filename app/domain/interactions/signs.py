"""Signs of where somebody came from: tags and click ids of the landing page's address, and the referrer's host."""

from collections.abc import Mapping
from typing import NamedTuple

from app.domain.interactions.addresses import decoded, host_of, parameters
from app.domain.interactions.landing import UTM_CAMPAIGN, tags_of, text_of

CLICK_IDS = (
    "gclid", "gbraid", "wbraid", "dclid", "gad_source", "msclkid", "ttclid", "twclid", "li_fat_id", "epik", "sccid",
    "rdt_cid", "yclid", "cto_pld", "irclickid", "awc", "mc_eid", "mc_cid", "_kx", "fbclid",
)  # fmt: skip
"""The parameters that platforms add to a link by themselves."""


_CLICK_IDS = frozenset(CLICK_IDS)


class Signs(NamedTuple):
    """All of it folded to lower case; None or empty where nothing says so."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    click_ids: frozenset[str] = frozenset()
    """Their names; which click it was does not matter."""
    referrer: str | None = None
    """The host they came from, unless it is the site's own."""

    @property
    def is_tagged(self) -> bool:
        """Whether whoever made the link says anything."""
        return bool(self.source or self.medium or self.campaign or self.click_ids)


NO_SIGNS = Signs()


def signs_of(
    landing_url: str | None, referrer: str | None, node_data: Mapping[str, object] | None = None
) -> Signs:
    """What the two addresses say; of a contact off the site what was said of the advertiser's side."""
    values = parameters(landing_url) if landing_url else {}
    if node_data:
        values = {**tags_of(node_data), **values}
    return signs_in(values, landing_url, referrer)


def signs_in(values: Mapping[str, str], landing_url: str | None, referrer: str | None) -> Signs:
    """The same, where the landing page's parameters have been read already."""
    if not values and not referrer:
        return NO_SIGNS
    came_from = (host_of(referrer) or None) if referrer else None
    if came_from is not None and landing_url and came_from == host_of(landing_url):
        came_from = None
    return Signs(
        _tag(values.get("utm_source")),
        _tag(values.get("utm_medium")),
        _tag(values.get(UTM_CAMPAIGN)),
        frozenset(_CLICK_IDS & values.keys()),
        came_from,
    )


def _tag(value: str | None) -> str | None:
    text = None if value is None else text_of(decoded(value))
    return None if text is None else text.casefold()
