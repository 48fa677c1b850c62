"""What is said of people, and what the tables have of them: the words in which it is decided who is who. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TRACKER, PHONE, EMAIL = "tracker", "phone", "email"
WEAK = (PHONE, TRACKER)
EVERYWHERE = (EMAIL, PHONE)
"""Kinds that are the same in all projects of a group."""
ROW = "#customer"
"""The kind of what stands for a customer's row itself: what was told of it by name, in a file for example."""
SUREST = (ROW, "an id of the tenant's own", EMAIL, PHONE, TRACKER)
Key = tuple[int, str, str]
"""Project, kind and value of an identity. As something to compare, addresses and numbers have project 0."""


@dataclass(frozen=True, slots=True)
class Project:
    """What identifying needs to know of a project."""

    id: int
    store_id: int | None
    """New customers' store."""
    identity_fields: tuple[str, ...]
    """The surest first."""
    region: str | None = None
    """The country of telephone numbers that say none."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is said about somebody: a tracker, and attributes in comparable form (`values.identity_of`).

    Attributes that are no identity fields of the project do not identify; `name` becomes a new customer's name.
    """

    project_id: int
    tracker_id: str | None = None
    identities: Mapping[str, str] = field(default_factory=dict)
    is_vouched: bool = True
    """Whether somebody with a credential says so."""
    customer_id: int | None = None
    """Whom it is said of, where that is known already. Then it is known by what nobody else is known by."""


@dataclass(slots=True)
class Held:
    """A row of the table of identities; new ones have the id 0."""

    id: int
    key: Key
    owner: int
    is_vouched: bool = False
    said_with: set[int] = field(default_factory=set)
    claimed_with: set[int] = field(default_factory=set)
    is_shared: bool = False
    is_pinned: bool = False
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A customer as the table has it."""

    id: int
    is_gone: bool = False
    has_own_id: bool = False
    """An external id: it was told by name, and is never joined with another one by itself."""
    name: str = ""
    email: str | None = None
    """As typed; `email_key` is what compares."""
    email_key: str | None = None
    phone_key: str | None = None
    is_phone_told: bool = False
    """Whether the number was told of this customer by name."""

    @property
    def is_told(self) -> bool:
        """Whether it is known by its own columns."""
        return self.has_own_id or self.email_key is not None


@dataclass(slots=True)
class Fresh:
    """A customer to be made, or values that a known one lacks."""

    store_id: int | None
    name: str | None = None
    email: str | None = None
    email_key: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that somebody may want to look at."""

    reason: str
    key: Key
    customer: int
    other: int | None


def row_key(customer: int) -> Key:
    """What stands for the customer's row."""
    return (0, ROW, str(customer))


def vertex(key: Key) -> Key:
    """The key as something to compare."""
    return (0, key[1], key[2]) if key[1] in EVERYWHERE else key


def keys_of(person: Person, projects: Mapping[int, Project]) -> list[Key]:
    """The keys that identify somebody, the surest first."""
    project, values = projects[person.project_id], person.identities
    fields = [name for name in project.identity_fields if name != TRACKER and values.get(name)]
    names = [*(name for name in fields if name not in WEAK), *(name for name in fields if name in WEAK)]
    found = [(project.id, name, values[name]) for name in names]
    return [*found, (project.id, TRACKER, person.tracker_id)] if person.tracker_id else found


__all__ = [
    "EMAIL",
    "EVERYWHERE",
    "PHONE",
    "ROW",
    "SUREST",
    "TRACKER",
    "WEAK",
    "Doubt",
    "Fresh",
    "Held",
    "Key",
    "Known",
    "Person",
    "Project",
    "keys_of",
    "row_key",
    "vertex",
]
