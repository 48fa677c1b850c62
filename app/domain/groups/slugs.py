"""Slugs of projects: their names in tracking requests, unique over all groups."""

import re
import secrets
import unicodedata
from collections.abc import Collection, Sequence

from app.domain.inputs import Path
from app.errors import Invalid

SHORTEST, LONGEST = 3, 64
TRIES = 20
"""How many slugs are looked at before one is made at random."""
_FORM = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_BETWEEN = re.compile(r"[^a-z0-9]+", re.ASCII)


def checked_slug(text: str, path: Path) -> str:
    """A slug as somebody chose it."""
    if not is_slug(text):
        raise Invalid(
            f"`slug` has {SHORTEST} to {LONGEST} small letters, digits and single dashes between them, like my-shop.",
            path=path,
        )
    return text


def is_slug(text: str) -> bool:
    """Whether this can be a slug."""
    return SHORTEST <= len(text) <= LONGEST and _FORM.fullmatch(text) is not None


def slug_of(name: str) -> str:
    """`Café de la Gare` → `cafe-de-la-gare`; a name with no letter of ours is `project`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    # Room is left for a number behind it.
    slug = _BETWEEN.sub("-", plain).strip("-")[: LONGEST - 9].rstrip("-")
    return slug if len(slug) >= SHORTEST else f"project-{slug}".rstrip("-")


def candidates(name: str) -> Sequence[str]:
    """The slugs a project of this name could have, the best first."""
    slug = slug_of(name)
    return [slug, *(f"{slug}-{n}" for n in range(2, TRIES + 1))]


def first_free(wanted: Sequence[str], taken: Collection[str]) -> str:
    """The first that nobody has; else one made at random."""
    free = (slug for slug in wanted if slug not in taken)
    return next(free, f"{wanted[0]}-{secrets.token_hex(4)}")
