"""Secrets: made at random, kept as SHA-256.

They carry 256 random bits, so a plain hash can neither be reversed by guessing nor needs a salt, and finding a row
by the hash of what was sent reveals nothing about the stored hashes through timing.
"""

import hashlib
import hmac
import secrets

MAX_LENGTH = 512
"""Longer text is no secret of ours; it is not worth hashing."""
HINT_LENGTH = 8


def new_secret(prefix: str) -> str:
    """`cgk_` and 32 random bytes in URL-safe letters."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored in the secret's place. Lone surrogates are hashed as well: they match nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def hint(secret: str) -> str:
    """The first characters, to tell secrets apart in a list: 24 of the 256 bits."""
    return secret[:HINT_LENGTH]


def same(stored: bytes, secret: str) -> bool:
    """Whether the secret is the stored one, in constant time."""
    return hmac.compare_digest(stored, digest(secret))
