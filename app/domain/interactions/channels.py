"""By which channel somebody came: rules over signs, in the order of a table. The first that fits decides.

Which one that is: a group's own rules first, then the built-in ones (`built_in.py`). Where the campaign somebody was
led from has channels, those rules go first that say one of them, since a link's tags often leave open what its
campaign does not. docs/channels.md tells it to people.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from app.domain.interactions.signs import Signs
from app.values.known import Known

ANY = "*"
ALTERNATIVE = "|"
MAX_SETS = 50
"""Sets of rules that are kept taken apart; a group has one."""
MAX_KNOWN = 500
"""Signs of which the channel is kept, for each set."""
MAX_LABELS = 20
"""Of a host."""


class Rule(NamedTuple):
    """What must be there, and the channel it is then. Patterns that are given must all fit.

    A pattern is a text, any case, `*` for whatever may stand there, `|` between alternatives.
    """

    channel: str | None
    """None: it counts as if nothing was known."""
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    click_id: str | None = None
    referrer: str | None = None
    """Of the host, or of a domain that the host is in."""
    integration: str | None = None
    """Of the integration's kind."""


class ChannelOrigin(StrEnum):
    """What said which channel it is."""

    OWN = "own"
    """One of the group's rules."""
    BUILT_IN = "built_in"
    """A built-in rule."""
    CAMPAIGN = "campaign"
    """The campaign's only channel, or one of its channels that a tag names."""
    INTEGRATION = "integration"
    """The kind of the integration."""


class Told(NamedTuple):
    """A channel, and what said so: nothing, where nothing is known."""

    channel: str | None = None
    origin: ChannelOrigin | None = None
    position: int | None = None
    """The rule's place in its table, from 1."""
    rule: Rule | None = None


NOTHING = Told()


class Compiled:
    """Rules, ready to be asked."""

    __slots__ = ("_built_in", "_catch_all", "_known", "_own", "_referrers")

    def __init__(self, own: Sequence[Rule], built_in: Sequence[Rule]) -> None:
        self._own = [_Asked(ChannelOrigin.OWN, at, rule) for at, rule in enumerate(own, 1)]
        others = [_Asked(ChannelOrigin.BUILT_IN, at, rule) for at, rule in enumerate(built_in, 1)]
        self._catch_all = [one for one in others if ANY in one.said]
        self._referrers = [one for one in others if one.rule.referrer is not None]
        self._built_in = [one for one in others if one not in self._catch_all and one not in self._referrers]
        self._known: Known[tuple[Signs, str | None, tuple[str, ...]], Told] = Known(MAX_KNOWN)

    def tell(self, signs: Signs, *, kind: str | None = None, channels: Sequence[str] = ()) -> Told:
        """The channel. `kind`: of the integration they came through; `channels`: of the campaign that led them."""
        key = (signs, kind, tuple(channels))
        told = self._known.get(key)
        if told is None:
            told = self._tell(*key)
            self._known.keep(key, told)
        return told

    def _tell(self, signs: Signs, kind: str | None, channels: tuple[str, ...]) -> Told:
        domains, folded = _domains(signs.referrer), None if kind is None else kind.casefold()
        for one in self._own:
            if one.fits(signs, domains, folded):
                return one.told
        fitting = [one for one in self._built_in if one.fits(signs, (), folded)] if signs.is_tagged else []
        for one in fitting:
            if one.rule.channel in channels:
                return one.told
        for tag in (signs.source, signs.medium):
            if tag in channels:
                return Told(tag, ChannelOrigin.CAMPAIGN)
        if fitting:
            return fitting[0].told
        if len(channels) == 1:
            return Told(channels[0], ChannelOrigin.CAMPAIGN)
        if kind is not None and (not channels or kind in channels):
            return Told(kind, ChannelOrigin.INTEGRATION)
        others = self._catch_all if signs.is_tagged else self._referrers if kind is None else ()
        return next((one.told for one in others if one.fits(signs, domains, folded)), NOTHING)


class _Asked:
    """A rule with its patterns taken apart."""

    __slots__ = (
        "campaign",
        "click_id",
        "integration",
        "medium",
        "referrer",
        "rule",
        "said",
        "source",
        "told",
    )

    def __init__(self, origin: ChannelOrigin, position: int, rule: Rule) -> None:
        self.rule = rule
        self.told = Told(rule.channel, origin, position, rule)
        self.source, self.medium, self.campaign, self.click_id, self.referrer, self.integration = (
            None if pattern is None else _Pattern(pattern) for pattern in rule[1:]
        )
        self.said = [pattern for pattern in rule[1:] if pattern is not None]

    def fits(self, signs: Signs, domains: Sequence[str], kind: str | None) -> bool:
        return (
            (self.source is None or self.source.fits(signs.source))
            and (self.medium is None or self.medium.fits(signs.medium))
            and (self.click_id is None or any(self.click_id.fits(one) for one in signs.click_ids))
            and (self.campaign is None or self.campaign.fits(signs.campaign))
            and (self.referrer is None or any(self.referrer.fits(domain) for domain in domains))
            and (self.integration is None or self.integration.fits(kind))
        )


@lru_cache(maxsize=MAX_SETS)
def compiled(own: tuple[Rule, ...], built_in: tuple[Rule, ...]) -> Compiled:
    """The same rules are taken apart once."""
    return Compiled(own, built_in)


class _Pattern:
    """Alternatives: whole texts, beginnings, and texts with gaps elsewhere."""

    __slots__ = ("_beginnings", "_gaps", "_texts")

    def __init__(self, pattern: str) -> None:
        alternatives = [
            one.strip().casefold().split(ANY) for one in pattern.split(ALTERNATIVE) if one.strip()
        ]
        self._texts = frozenset(one[0] for one in alternatives if len(one) == 1)
        self._beginnings = tuple(one[0] for one in alternatives if len(one) == 2 and not one[1])
        self._gaps = [one for one in alternatives if len(one) > 2 or (len(one) == 2 and one[1])]

    def fits(self, value: str | None) -> bool:
        return value is not None and (
            value in self._texts
            or value.startswith(self._beginnings)
            or any(_fits(one, value) for one in self._gaps)
        )


def _fits(pieces: Sequence[str], value: str) -> bool:
    """Takes no longer than the value is long, for each piece: a pattern is somebody's text."""
    first, *middle, last = pieces
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in middle:
        at = value.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _domains(host: str | None) -> list[str]:
    """`www.google.co.uk`, `google.co.uk`, `co.uk`, `uk`."""
    domains: list[str] = []
    while host and len(domains) < MAX_LABELS:
        domains.append(host)
        host = host.partition(".")[2]
    return domains
