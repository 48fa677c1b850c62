"""What is found when an installation is looked over: a sentence each, and whether it is as it should be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. What is said never has a secret in it."""

    subject: str
    """What was looked at: `PostgreSQL`, `SECRET_KEY`, …"""
    is_fine: bool
    said: str
    """What was seen; where it is wrong, what to do as well."""


def fine(subject: str, said: str) -> Finding:
    """As it should be."""
    return Finding(subject, True, said)


def wrong(subject: str, said: str) -> Finding:
    """Not as it should be."""
    return Finding(subject, False, said)
