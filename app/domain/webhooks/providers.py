"""What each provider reports, and its effects.

Source: Marketing & CRM API, "Supported Providers"; the providers' own names are from their references.
"""

from collections.abc import Mapping

from app.domain.metrics.recipients import Thing
from app.tables.funnels import FunnelStage
from app.tables.webhooks import Provider

NAMES: Mapping[Provider, str] = {
    Provider.SENDGRID: "SendGrid",
    Provider.TWILIO: "Twilio",
    Provider.MAILCHIMP: "Mailchimp",
    Provider.HUBSPOT: "HubSpot",
}
EVENTS: Mapping[Provider, tuple[str, ...]] = {
    Provider.SENDGRID: ("delivered", "opened", "clicked", "bounced", "unsubscribed"),
    Provider.TWILIO: ("delivered", "failed"),
    Provider.MAILCHIMP: ("subscribed", "unsubscribed", "campaign_sent"),
    Provider.HUBSPOT: ("contact_created", "form_submitted"),
}
"""The documented sets. Anything else is stored and ignored."""
CHANNEL: Mapping[Provider, str] = {
    Provider.SENDGRID: "email",
    Provider.TWILIO: "sms",
    Provider.MAILCHIMP: "email",
    Provider.HUBSPOT: "email",
}
"""The channel of events that do not name one."""
CHANNELS = frozenset({"email", "sms", "push", "whatsapp", "mms", "rcs", "web", "in_app"})
"""Channels that may come before the event: `email.opened`."""
BY_NUMBER = frozenset({"sms", "mms", "rcs", "whatsapp"})
"""Those of them whose recipients are telephone numbers."""

_OWN_WORDS: Mapping[Provider, Mapping[str, str]] = {
    Provider.SENDGRID: {
        "open": "opened", "click": "clicked", "bounce": "bounced",
        "unsubscribe": "unsubscribed", "group_unsubscribe": "unsubscribed",
    },
    Provider.TWILIO: {"undelivered": "failed"},
    Provider.MAILCHIMP: {"subscribe": "subscribed", "unsubscribe": "unsubscribed"},
    Provider.HUBSPOT: {
        "contact.creation": "contact_created", "form.submission": "form_submitted",
        "form_submission": "form_submitted", "form.submitted": "form_submitted",
    },
}  # fmt: skip

REACHED: Mapping[str, Thing] = {
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "unsubscribed": "unsubscribed",
    "bounced": "tried",
    "failed": "tried",
}
"""What an event says of a campaign's message at its recipient."""
STAGE: Mapping[str, FunnelStage] = {
    "delivered": FunnelStage.AWARENESS,
    "opened": FunnelStage.AWARENESS,
    "contact_created": FunnelStage.AWARENESS,
    "clicked": FunnelStage.INTEREST,
    "form_submitted": FunnelStage.INTEREST,
    "subscribed": FunnelStage.INTEREST,
}
"""The funnel stage that a customer reaches with it (the API's "Funnel Stages": first touchpoint; browsed)."""


def normalised(provider: Provider, raw: str) -> tuple[str, str | None]:
    """`email.opened` → `opened`, `email`; `open` → `opened`, None. Takes the provider's and the documented words."""
    kind = raw.strip().lower()
    channel, dot, rest = kind.partition(".")
    if dot and channel in CHANNELS:
        kind, found = rest, channel
    else:
        found = None
    return _OWN_WORDS[provider].get(kind, kind), found


def is_supported(provider: Provider, kind: str) -> bool:
    """Whether it is in the provider's documented set."""
    return kind in EVENTS[provider]
