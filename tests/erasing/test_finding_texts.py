"""The texts of a person are found however they were written, and nobody else's are taken for them."""

import json
from urllib.parse import quote

import pytest

from app.db.database import Database
from app.domain.erasing.texts import Texts, is_in

EVA = Texts(
    emails=frozenset({"Eva.Müller+shop@example.com"}),
    phones=frozenset({"+33 6 12 34 59 59"}),
    keys=frozenset({"track-1234", "42"}),
    names=frozenset({"Eva Müller"}),
)
FOUND = [
    "Eva.Müller+shop@example.com",
    "eva.müller+shop@example.com",
    "EVA.MÜLLER+SHOP@EXAMPLE.COM",
    json.dumps({"email": "Eva.Müller+shop@example.com"}),
    '{"email":"eva.m\\u00DCller+shop\\u0040example.com"}',
    '{"email":"\\u0065va.müller+shop@example.com"}',
    "https://shop.example/?mail=" + quote("eva.müller+shop@example.com", safe=""),
    "https://shop.example/?mail=" + quote("eva.müller+shop@example.com", safe="").lower() + "&x=1",
    "line\\neva.müller+shop@example.com",
    "mail eva.müller+shop@example.com.", "eva.müller+shop@example.com.csv", "eva.müller+shop@example.com.json.gz",
    "+33612345959", "0033612345959", "06 12 34 59 59", "+33 (0)6 12 34 59 59", "+33-6-12-34-59-59", '{"p":33612345959}',
    "p=%2B33612345959", "tel:0612345959;",
    "track-1234", '{"t":"track-1234"}', "t=TRACK-1234&u", "track%2d1234",
]  # fmt: skip
NOT_FOUND = [
    "neva.müller+shop@example.com",
    "eva.müller+shop@example.com.au", "eva.müller+shop@example.com.csva",
    "eva.müller+shop@example.community",
    "müller+shop@example.com",
    "Eva Müller",
    "336123459590", "1033612345959", "612345959", "1.33612345959", "2612345959",
    "track-12345", "a-track-1234", "42",
]  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
def test_a_persons_text_is_found_however_it_is_written(text: str) -> None:
    assert is_in(EVA.strong, text)
    assert is_in(EVA.cores, text)


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert not is_in(EVA.strong, text)


IN_OWN_ROWS = [
    "SHOP-1-eva.müller+shop@example.com",
    "xeva.müller+shop@example.com-2",
    "k33612345959",
    "a_Eva Müller-1",
]


@pytest.mark.parametrize("text", [*FOUND, *IN_OWN_ROWS, "c_track-1234"])
def test_in_own_rows_whatever_stands_beside(text: str) -> None:
    assert is_in(EVA.told([]), text)


@pytest.mark.parametrize("text", ["SHOP-1-eva.müller+shop@example.com", "c_eva.müller+shop@example.com_2"])
def test_in_others_keys_a_sign_ends_what_is_before(text: str) -> None:
    assert is_in(EVA.in_keys, text)
    assert not is_in(EVA.strong, text)
    assert not is_in(EVA.in_keys, f"n{text[7:]}")


@pytest.mark.parametrize(
    "email", ["İz@example.com", "ΝΙΚΟΣ@example.com", "straẞe@example.com", "o'neil@example.com"]
)
def test_capitals_of_any_script_are_found_in_any_case(email: str) -> None:
    from app.values.contacts import fold_email

    some = Texts(emails=frozenset({email}))
    for text in (email, fold_email(email), email.lower(), json.dumps(email), quote(email)):
        assert is_in(some.strong, text), text


def test_what_almost_matches_is_soon_passed_over() -> None:
    long = Texts(emails=frozenset({f"{'abcdefghij' * 6}@{'klmnopqrst' * 5}.example"}))
    for text in (f"{one}.community" for one in long.emails):
        assert not is_in(long.strong, text)


async def test_postgresql_finds_the_same(db: Database) -> None:
    async with db.directory() as connection:
        for text in (*FOUND, *NOT_FOUND):
            found = await connection.fetchval(
                'SELECT $1 COLLATE "pg_c_utf8" ~* ANY ($2::text[])', text, EVA.strong
            )
            assert found == is_in(EVA.strong, text), text
        for text in (*FOUND, *NOT_FOUND, *IN_OWN_ROWS):
            for patterns in (EVA.in_keys, EVA.told(["cust_5"]), EVA.addresses):
                found = await connection.fetchval(
                    'SELECT $1 COLLATE "pg_c_utf8" ~* ANY ($2::text[])', text, patterns
                )
                assert found == is_in(patterns, text), text


async def test_many_texts_can_be_asked_for(db: Database) -> None:
    many = Texts(emails=frozenset({f"someone{n}@example{n}.com" for n in range(30)}),
                 keys=frozenset({f"00000000-0000-4000-8000-{n:012}" for n in range(1_000)}))  # fmt: skip
    async with db.directory() as connection:
        assert await connection.fetchval(
            'SELECT $1 COLLATE "pg_c_utf8" ~* ANY ($2::text[])',
            "x 00000000-0000-4000-8000-000000000999",
            many.strong,
        )
