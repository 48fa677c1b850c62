"""What a verified token says, in our words. Nothing here has been compared with the database yet."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.auth.naming import loggable
from app.auth.principal import CLAIMABLE, Role
from app.errors import Forbidden, Unauthorized
from app.values.ids import MAX_ID, read_id, read_whole

MAX_PROJECTS = 200
# Leaves room for a leeway to be added.
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_ROLES = {str(role): role for role in CLAIMABLE}


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a token is for and how far it reaches."""

    name: str
    """`user:…` by subject, or `client:…` for a token of our own endpoint."""
    client_id: str | None
    """Set: the OAuth client it was issued to, which must not be revoked."""
    expires_at: datetime
    roles: frozenset[Role]
    group_id: int | None
    store_id: int | None
    project_ids: tuple[int, ...] | None
    project_slugs: tuple[str, ...]
    """Projects named by slug, beside those named by id; only where `project_ids` is set."""
    jti: str | None = None
    """The name of a token of our own, by which it can be ended."""


def read_claims(
    payload: Mapping[str, Any], *, group_claim: str, roles_claim: str, own: bool, expires_at: datetime
) -> Claims:
    """Forbidden where a claim that sets a border is not understood: ignoring it would widen the scope."""
    client_id = payload.get("client_id") if own else None
    client_id = client_id if isinstance(client_id, str) else None
    subject = payload.get("sub")
    project_ids, slugs = _projects(payload.get("projects"))
    return Claims(
        name=f"client:{loggable(client_id)}" if client_id else f"user:{loggable(str(subject or '?'))}",
        client_id=client_id,
        expires_at=expires_at,
        roles=read_roles(payload.get(roles_claim)),
        group_id=_ident(payload.get(group_claim), prefix="group", claim=group_claim),
        store_id=_ident(payload.get("store"), prefix="store", claim="store"),
        project_ids=project_ids,
        project_slugs=slugs,
        jti=jti if own and isinstance(jti := payload.get("jti"), str) and jti.isprintable() else None,
    )


def read_roles(value: object) -> frozenset[Role]:
    """A list of names, or one text of names; those that are not ours are ignored."""
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list):
        return frozenset()
    return frozenset(_ROLES[name] for name in value if isinstance(name, str) and name in _ROLES)


def read_numeric_date(value: object) -> datetime:
    """A NumericDate (RFC 7519, section 2); Unauthorized where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unauthorized
    if isinstance(value, float) and not math.isfinite(value):
        raise Unauthorized
    return datetime.fromtimestamp(max(0, min(value, _LATEST)), UTC)


def read_group(text: str) -> int | None:
    """`X-Group-Id`, or a group claim written as text: `7` or `group_7`."""
    return read_whole(text) or read_id("group", text)


def _ident(value: object, *, prefix: str, claim: str) -> int | None:
    if value is None:
        return None
    ident: int | None = None
    if isinstance(value, str):
        ident = read_whole(value) or read_id(prefix, value)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID:
        ident = value
    if ident is None:
        raise Forbidden(f"The token's claim {claim!r} must be an id such as 7 or {prefix}_7.")
    return ident


def _projects(value: object) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Numbers and `project_7` are ids, any other text is a slug. An empty list is a border too: no project at all."""
    if value is None:
        return None, ()
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list) or len(value) > MAX_PROJECTS:
        raise Forbidden(
            f"The token's claim 'projects' must be a list of at most {MAX_PROJECTS} ids or slugs."
        )
    ids: list[int] = []
    slugs: list[str] = []
    for entry in value:
        if isinstance(entry, str) and not entry.isdigit() and read_id("project", entry) is None:
            slugs.append(entry)
        else:
            ids.append(_ident(entry, prefix="project", claim="projects") or 0)
    return tuple(ids), tuple(slugs)
