"""A connection's secrets at rest: encrypted with a key made from SECRET_KEY, so a stolen dump signs nothing.

They cannot be kept as hashes, as other secrets are: checking a signature means making it again.
"""

import base64
import logging
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.auth.material import digest

log = logging.getLogger(__name__)
MAX_OPENED = 2_000
"""How many opened secrets a process keeps: opening one costs more than checking a signature with it."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the deliveries of a connection are signed with."""

    own: str = field(repr=False)
    """Ours: for signatures in the documented way, and what Mailchimp sends in the query."""
    provider: str | None = field(default=None, repr=False)
    """The provider's: SendGrid's verification key, Twilio's auth token, HubSpot's client secret."""


class SecretBox:
    """Seals and opens. One per process."""

    def __init__(self, secret_key: str) -> None:
        made = HKDF(SHA256(), length=32, salt=None, info=b"webhook secrets").derive(digest(secret_key))
        self._fernet = Fernet(base64.urlsafe_b64encode(made))
        self.open = lru_cache(MAX_OPENED)(self._open)

    def seal(self, secrets: Secrets) -> bytes:
        """What is stored."""
        return self._fernet.encrypt(msgspec.json.encode([secrets.own, secrets.provider]))

    def _open(self, sealed: bytes) -> Secrets | None:
        """The secrets; None where they were sealed with another SECRET_KEY."""
        try:
            own, provider = msgspec.json.decode(
                self._fernet.decrypt(sealed), type=tuple[str, str | None], strict=True
            )
        except (InvalidToken, msgspec.MsgspecError):
            log.error("a webhook endpoint's secrets cannot be opened: was SECRET_KEY changed?")
            return None
        return Secrets(own, provider)
