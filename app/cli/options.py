"""Options that several commands take."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.auth.principal import Role

MAX_NUMBER = 2**63 - 1
Group = Annotated[int, typer.Option("--group", help="The customer group's number.", min=1, max=MAX_NUMBER)]
MaybeGroup = Annotated[
    int | None,
    typer.Option("--group", help="Only this customer group; all when left out.", min=1, max=MAX_NUMBER),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON lines.")]
DEFAULT_ROLE = "marketing"
# Written out, so that --help needs no import; a test compares.
ROLES = (
    "administration, manager, marketing, marketing_manager, personal_data, platform_admin, read, restaurant_manager,"
    " super_admin, system_admin, tenant_admin, write"
)
TokenRoles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help=f"A role; repeat for several. {DEFAULT_ROLE} unless said; roles are {ROLES}."
    ),
]


def chosen_roles(names: list[str] | None) -> "frozenset[Role]":
    """The roles of `--role`, or the one that is meant where none is named."""
    from app.auth.principal import CLAIMABLE, Role

    asked = names or [DEFAULT_ROLE]
    wrong = [name for name in asked if name not in CLAIMABLE]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is none of them: {ROLES}.", param_hint="--role")
    return frozenset(Role(name) for name in asked)
