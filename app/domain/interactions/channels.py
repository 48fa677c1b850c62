"""By which channel somebody came: rules over signs, in the order of a table. The first that fits decides.

Which one that is: a group's own rules first, then the built-in ones (`built_in.py`). Where the campaign somebody was
led from has channels, those rules go first that say one of them, since a link's tags often leave open what its
campaign does not. docs/channels.md tells it to people.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from app.domain.interactions.signs import Signs

ANY = "*"
ALTERNATIVE = "|"


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

    __slots__ = ("_built_in", "_catch_all", "_own", "_referrers")

    def __init__(self, own: Sequence[Rule], built_in: Sequence[Rule]) -> None:
        self._own = [_Asked(ChannelOrigin.OWN, at, rule) for at, rule in enumerate(own, 1)]
        others = [_Asked(ChannelOrigin.BUILT_IN, at, rule) for at, rule in enumerate(built_in, 1)]
        self._catch_all = [one for one in others if ANY in one.said]
        self._referrers = [one for one in others if one.rule.referrer is not None]
        self._built_in = [one for one in others if one not in self._catch_all and one not in self._referrers]

    def tell(self, signs: Signs, *, kind: str | None = None, channels: Collection[str] = ()) -> Told:
        """The channel. `kind`: of the integration they came through; `channels`: of the campaign that led them."""
        for one in self._own:
            if one.fits(signs, kind):
                return one.told
        fitting = [one for one in self._built_in if one.fits(signs, kind)] if signs.is_tagged else []
        for one in fitting:
            if one.rule.channel in channels:
                return one.told
        for tag in (signs.source, signs.medium):
            if tag in channels:
                return Told(tag, ChannelOrigin.CAMPAIGN)
        if fitting:
            return fitting[0].told
        if len(channels) == 1:
            return Told(next(iter(channels)), ChannelOrigin.CAMPAIGN)
        if kind is not None and (not channels or kind in channels):
            return Told(kind, ChannelOrigin.INTEGRATION)
        others = self._catch_all if signs.is_tagged else self._referrers if kind is None else ()
        return next((one.told for one in others if one.fits(signs, kind)), NOTHING)


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
            None if pattern is None else _alternatives(pattern) for pattern in rule[1:]
        )
        self.said = [pattern for pattern in rule[1:] if pattern is not None]

    def fits(self, signs: Signs, kind: str | None) -> bool:
        return (
            (self.source is None or _any_fits(self.source, signs.source))
            and (self.medium is None or _any_fits(self.medium, signs.medium))
            and (self.campaign is None or _any_fits(self.campaign, signs.campaign))
            and (self.click_id is None or any(_any_fits(self.click_id, one) for one in signs.click_ids))
            and (
                self.referrer is None
                or any(_any_fits(self.referrer, domain) for domain in _domains(signs.referrer))
            )
            and (self.integration is None or _any_fits(self.integration, kind and kind.casefold()))
        )


@lru_cache(maxsize=500)
def compiled(own: tuple[Rule, ...], built_in: tuple[Rule, ...]) -> Compiled:
    """The same rules are taken apart once."""
    return Compiled(own, built_in)


_Pattern = tuple[str, ...]
"""What stands between the `*`, in order."""


def _alternatives(pattern: str) -> list[_Pattern]:
    return [tuple(one.strip().casefold().split(ANY)) for one in pattern.split(ALTERNATIVE) if one.strip()]


def _any_fits(patterns: Sequence[_Pattern], value: str | None) -> bool:
    return value is not None and any(_fits(one, value) for one in patterns)


def _fits(pieces: _Pattern, value: str) -> bool:
    """Takes no longer than the value is long, for each piece: a pattern is somebody's text."""
    first, *others = pieces
    if not others:
        return value == first
    *middle, last = others
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in middle:
        at = value.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _domains(host: str | None) -> Iterator[str]:
    """`www.google.co.uk`, `google.co.uk`, `co.uk`, `uk`."""
    while host:
        yield host
        host = host.partition(".")[2]
