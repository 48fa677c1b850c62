"""Lists of rules of channels."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import filter_by, list_of, number_key, one_of


@input_type
class ChannelRuleFilter:
    """Which rules. All conditions given must hold."""

    channels: list[str] | None = filter_by("That say any of these channels.", one_of("channel", "text"))


CHANNEL_RULES = list_of(
    "ChannelRule",
    ChannelRuleFilter,
    "POSITION",
    position=(number_key("position"), "In the order they are asked."),
)
