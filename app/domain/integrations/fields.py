"""What can be set on an integration, and on the campaigns it tracks."""

from dataclasses import dataclass

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.settable import needed, optional, settable
from app.errors import Invalid
from app.values.changes import UNSET, Settable
from app.values.money import is_currency

CUSTOM_ADS = "custom_ads"


def _code(value: str, path: Path) -> str:
    """An empty one counts as not given."""
    return inputs.code(value, path) if value else value


def _currency(value: str, path: Path) -> str:
    if not is_currency(value):
        raise Invalid("`currency` is an ISO 4217 code such as EUR.", path=path)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationFields:
    """Every settable field of an integration. Once made, only its name is: money and links rest on the others."""

    name: Settable[str] = settable("What it is called, 1 to 255 characters.", check=inputs.name)
    kind: Settable[str] = settable(
        "Which kind of tool it connects; custom_ads unless said. Kinds that begin with custom_ are one's own to fill.",
        check=_code,
        null=UNSET,
    )
    wmkt_id: Settable[str] = settable(
        "Its id in tracking links, unique in the group, 64 characters at most; made up unless given.",
        check=_code,
        null=UNSET,
    )
    currency: Settable[str] = settable(
        "The currency of its outlays (ISO 4217); the group's unless given. It stays what it is.",
        check=_currency,
        null=UNSET,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCampaign:
    """A campaign that somebody makes for an integration to track."""

    wmkt_id: str = needed("The integration's id in tracking links.")
    slug: str = needed("Its name in landing page addresses, 1 to 64 characters, unique in the integration.")
    name: str = needed("What people call it, 1 to 255 characters.")
    active: bool = optional("Whether it runs from now on; else it is a draft.", default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCampaignChange:
    """What can be changed of it there."""

    name: Settable[str] = settable("What people call it, 1 to 255 characters.", null=UNSET)
    active: Settable[bool] = settable(
        "True: it runs, whatever it was before. False: it is paused, if it runs.", null=UNSET
    )
