"""Which channel an address would lead by, and why. A resolver in Python: the rules are the domain's."""

from typing import Annotated, Any

import strawberry

from app.domain.groups.projects import project_named
from app.domain.interactions.built_in import BUILT_IN
from app.domain.interactions.campaigns import Led, campaigns_of, integrations_of
from app.domain.interactions.channel_rules import tell_channels
from app.domain.interactions.channels import Rule, Told
from app.domain.interactions.landing import read_landing
from app.domain.interactions.signs import signs_of
from app.graph.declaring.described import object_type
from app.graph.declaring.enums import ChannelOrigin
from app.graph.declaring.fields import priced
from app.graph.declaring.refs import CampaignRef, IntegrationRef
from app.graph.declaring.resolving import loaders_of


@object_type
class ChannelPattern:
    """A rule of which channel it is: all patterns given must fit."""

    position: int = strawberry.field(
        description="Its place in the table, from 1: the first that fits decides."
    )
    channel: str | None = strawberry.field(description="The channel it is then.")
    source: str | None = strawberry.field(description="A pattern of utm_source.")
    medium: str | None = strawberry.field(description="A pattern of utm_medium.")
    campaign: str | None = strawberry.field(description="A pattern of utm_campaign.")
    click_id: str | None = strawberry.field(description="A pattern of the name of a click id.")
    referrer: str | None = strawberry.field(
        description="A pattern of the host they came from, or of a domain it is in."
    )
    integration: str | None = strawberry.field(description="A pattern of the integration's kind.")


@object_type
class ChannelAnswer:
    """Which channel an address leads by, and what says so."""

    channel: str | None = strawberry.field(description="The channel; null: nothing says which one.")
    origin: ChannelOrigin | None = strawberry.field(description="What says so; null: nothing does.")
    rule: ChannelPattern | None = strawberry.field(
        description="The rule, in its table's words: of the group's own or the built-in ones, as `origin` says."
    )
    integration: IntegrationRef | None = strawberry.field(
        description="The integration that the address names; null: none, or no project is given."
    )
    campaign: CampaignRef | None = strawberry.field(
        description="The campaign that the address names; null: none that is there."
    )


async def _channel_of(
    info: strawberry.Info,
    url: Annotated[str | None, strawberry.argument(description="The landing page's address.")] = None,
    referrer: Annotated[str | None, strawberry.argument(description="The page they came from.")] = None,
    project: Annotated[
        str | None,
        strawberry.argument(
            description="The project, by slug or id, whose integrations and campaigns it may name."
        ),
    ] = None,
) -> ChannelAnswer:
    async with info.context.transaction(writes=False) as tx:
        led = Led()
        if project is not None:
            place = (await project_named(tx, project), read_landing(url))
            integrations = await integrations_of(tx, [(place[0], place[1].wmkt_id)])
            [led] = await campaigns_of(tx, [place], integrations, now=None)
        [told] = await tell_channels(tx, [signs_of(url, referrer)], [led])
    loaders = loaders_of(info)
    integration: Any = None
    campaign: Any = None
    if led.integration_id is not None:
        integration = await loaders.one("Integration", led.integration_id)
    if led.campaign_id is not None:
        campaign = await loaders.one("Campaign", led.campaign_id, alive=True)
    return ChannelAnswer(
        channel=told.channel,
        origin=None if told.origin is None else ChannelOrigin(told.origin),
        rule=_rule(told),
        integration=integration,
        campaign=campaign,
    )


def _built_in() -> list[ChannelPattern]:
    return [_shown(at, rule) for at, rule in enumerate(BUILT_IN, 1)]


channel_of: Any = strawberry.field(
    resolver=_channel_of,
    metadata=priced(100),
    description="Which channel an interaction with these addresses would have, and by which rule. Nothing is recorded.",
)
built_in_rules: Any = strawberry.field(
    resolver=_built_in,
    metadata=priced(10),
    description="The rules of channels that hold for every group, in the order they are asked.",
)


def _rule(told: Told) -> ChannelPattern | None:
    return None if told.rule is None or told.position is None else _shown(told.position, told.rule)


def _shown(position: int, rule: Rule) -> ChannelPattern:
    return ChannelPattern(position=position, **rule._asdict())
