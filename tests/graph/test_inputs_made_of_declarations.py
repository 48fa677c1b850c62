"""An input is made of what its thing declares, and says the same in the domain's words."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import strawberry

from app.domain import inputs
from app.domain.settable import IdText, needed, optional, path_of, settable, written
from app.errors import Invalid
from app.graph.declaring.scalars import SCALARS
from app.graph.declaring.settable import entry_of, input_for
from app.graph.declaring.writing import optional as own
from app.values.changes import UNSET, Settable


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    color: Settable[str] = settable("Of the wax.", null=UNSET)
    motto: Settable[str | None] = settable("Around it.")


PLAIN = Seal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    title: Settable[str] = settable("What it is called.", check=inputs.name)
    price: Settable[Decimal | None] = settable("What it costs.", check=inputs.amount)
    street: Settable[str | None] = settable("Where to.", inside="address", check=inputs.text)
    is_home: Settable[bool] = settable("Whether somebody lives there.", inside="address")
    sender: IdText = optional("Who wrote it.", default="nobody", null="nobody")
    seal: Seal = optional("What keeps it shut.", default=PLAIN, null=PLAIN)
    secret: str = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    face: str = needed("What is on it.")


@input_for(Letter, inside="address")
class AddressInput:
    """An address."""


@input_for(Seal)
class SealInput:
    """A seal."""


@input_for(
    Letter,
    required=("title",),
    objects={"address": (AddressInput, "Where it goes.")},
    entries={"seal": SealInput},
    texts={"price": "What it costs here."},
    first=("title", "urgent"),
)
class LetterInput:
    """A letter."""

    urgent: bool | None = own("Whether it hurries.")


@input_for(Letter, only=("title",), first=("id",))
class TitleInput:
    """A title."""

    id: strawberry.ID = strawberry.field(description="The letter.")


@input_for(Stamp)
class StampInput:
    """A stamp."""


@strawberry.type
class Query:
    @strawberry.field
    def letter(self, info: strawberry.Info, input: LetterInput) -> bool:
        info.context.append(entry_of(Letter, input))
        return True

    @strawberry.field
    def title(self, input: TitleInput, stamp: StampInput) -> bool:
        return True


SCHEMA = strawberry.Schema(Query, config=strawberry.schema.config.StrawberryConfig(scalar_map=SCALARS))


def read(literal: str) -> Letter:
    heard: list[Any] = []
    result = SCHEMA.execute_sync(f"{{ letter(input: {literal}) }}", context_value=heard)
    assert result.errors is None
    return heard[0]  # type: ignore[no-any-return]


def test_the_schema_shows_names_types_places_and_words_of_the_declarations() -> None:
    lines = [line.strip() for line in SCHEMA.as_str().splitlines() if line.strip()]
    start = lines.index("input LetterInput {")
    assert lines[start + 1 : lines.index("}", start)] == [
        '"""What it is called."""', "title: String!",
        '"""Whether it hurries."""', "urgent: Boolean",
        '"""What it costs here."""', "price: Decimal",
        '"""Where it goes."""', "address: AddressInput",
        '"""Who wrote it."""', "sender: ID",
        '"""What keeps it shut."""', "seal: SealInput",
    ]  # fmt: skip
    start = lines.index("input TitleInput {")
    assert lines[start + 2 : lines.index("}", start) : 2] == ["id: ID!", "title: String"]
    assert "face: String!" in lines


@pytest.mark.parametrize(
    ("literal", "letter"),
    [
        ('{title: "x"}', Letter(title="x")),
        ('{title: "x", price: null, sender: null, seal: null}', Letter(title="x", price=None)),
        ('{title: "x", address: null}', Letter(title="x", street=None)),
        ('{title: "x", address: {isHome: true}}', Letter(title="x", is_home=True)),
        (
            '{title: "x", sender: "camp_1", seal: {color: null, motto: null}}',
            Letter(title="x", sender="camp_1", seal=Seal(motto=None)),
        ),
    ],
)
def test_absent_null_and_objects_are_told_apart(literal: str, letter: Letter) -> None:
    assert read(literal) == letter


def test_what_is_written_is_what_was_sent_within_its_bounds() -> None:
    assert written(Letter(title="x", price=None)) == {
        "title": "x", "price": None, "sender": "nobody", "seal": PLAIN,
    }  # fmt: skip
    assert written(Letter(title="x"), without=("title", "sender", "seal")) == {}
    assert written(Seal(color=None)) == {}  # type: ignore[arg-type]  # as clients may


@pytest.mark.parametrize(
    ("letter", "path"),
    [
        ({"title": None}, ["input", "title"]),
        ({"title": " "}, ["input", "title"]),
        ({"price": Decimal(-1)}, ["input", "price"]),
        ({"street": "\0"}, ["input", "address", "street"]),
        ({"is_home": None}, ["input", "address", "isHome"]),
    ],
)
def test_what_is_wrong_is_told_with_its_path(letter: dict[str, Any], path: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        written(Letter(**letter), ["input"])
    assert refused.value.path == path
    assert path_of(Letter, next(iter(letter))) == path[1:]
