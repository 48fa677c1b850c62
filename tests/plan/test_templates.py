"""SQL with named holes: what is printed, and what is refused."""

from typing import Any

import pytest

from app.plan.sql import NOTHING, Alias, Param, Sql, Table, also, print_sql, quoted, sql, verbatim
from app.plan.templates import TemplateFault

T = Table("t", "flow", (sql("t.group_id = {group}", group=Param(("group",), "bigint", lambda b: b.scope)),))


def printed(made: Sql) -> str:
    return print_sql(made).text


def test_a_statement_reads_as_it_is_printed() -> None:
    made = sql(
        """
        SELECT {t.id}, {t.name} AS {shown}
        FROM {t}  -- the table, and below it its borders
        WHERE {t.scope} {further}
        """,
        t=T,
        shown="label",
        further=also([sql("{t.id} > {least}", t=T, least=Param(("least",), "int", lambda b: 1))]),
    )
    statement = print_sql(made)
    assert statement.text == (
        "SELECT t.id, t.name AS label FROM flow t WHERE t.group_id = $1::bigint AND t.id > $2::int"
    )
    assert [param.key for param in statement.params] == [("group",), ("least",)]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("  a\n\t b  ", "a b"),
        ("f(\n  a,\n  b\n)", "f(a, b)"),
        ("'two  blanks\n' || \"a  b\"", "'two  blanks\n' || \"a  b\""),
        ("'it''s  {{}}' || {{x}}", "'it''s  {}' || {x}"),
        ("'-- no comment' -- a comment, with a 'quote\n|| 'x'", "'-- no comment' || 'x'"),
        ("a - b-1", "a - b-1"),
        ("""'YYYY-MM-DD"T"HH24'""", """'YYYY-MM-DD"T"HH24'"""),
        ("E'+/=\\n'", "E'+/=\\n'"),
        ("x::text[]", "x::text[]"),
    ],
)
def test_white_space_folds_outside_quotes(template: Any, text: str) -> None:
    assert printed(sql(template)) == text


def test_holes_may_stand_beside_words() -> None:
    assert printed(sql("{of}_base + {a.b}::int", of="value", a=Alias("u"))) == "value_base + u.b::int"
    assert printed(sql("( {a} )", a=verbatim("1"))) == "(1)"


@pytest.mark.parametrize(
    ("template", "text"),
    [("SELECT {a} x", "SELECT x"), ("x {a}", "x"), ("{a} x", " x"), ("x {a} {a}", "x"), ("x({a})", "x()")],
)
def test_what_is_left_empty_leaves_no_blank_in_front(template: Any, text: str) -> None:
    assert printed(sql(template, a=NOTHING)) == text


def test_literals_are_escaped() -> None:
    assert printed(sql("SELECT {x}", x=quoted("it's {x}"))) == "SELECT 'it''s {x}'"


@pytest.mark.parametrize(
    ("template", "holes", "why"),
    [
        ("SELECT {a}, {b}", {}, "nothing for a, b"),
        ("SELECT {a}", {"a": "x", "c": "y", "b": "z"}, "no hole for b, c"),
        ("SELECT {a}", {"b": "x"}, "nothing for a and no hole for b"),
        ("SELECT '{a}'", {"a": "x"}, "inside quotes"),
        ('SELECT "{a}"', {"a": "x"}, "inside quotes"),
        ("SELECT {A}", {"A": "x"}, "neither SQL nor a hole"),
        ("SELECT {}", {}, "neither SQL nor a hole"),
        ("SELECT {a", {"a": "x"}, "neither SQL nor a hole"),
        ("SELECT 'a", {}, "neither SQL nor a hole"),
        ("SELECT {a.id}", {"a": "flow"}, "asks for a row"),
        ("SELECT 1 FROM {t}", {"t": T}, "has to be stated, too"),
        ("SELECT 1 FROM {t} WHERE {u.scope}", {"t": T, "u": T}, "has to be stated, too"),
        ("SELECT {a}", {"a": Alias("t")}, "no fragment"),
    ],
)
def test_what_does_not_fit_is_refused(template: Any, holes: dict[str, Any], why: str) -> None:
    with pytest.raises(TemplateFault, match=why):
        sql(template, **holes)


@pytest.mark.parametrize(
    "value",
    ["1", "a b", "a;b", "a'", "A", "a.b.c", "", "a\n", "x--", 'x"', "é", "t.id = 1", "'x'", 1, True, None, 1.5, ["a"]],
)  # fmt: skip
def test_a_value_never_enters_the_text(value: Any) -> None:
    with pytest.raises(TemplateFault, match="no fragment, parameter, table or name"):
        sql("SELECT {a}", a=value)


@pytest.mark.parametrize("name", ["a", "_a1", "t1.id", "left_currency"])
def test_names_of_ours_are_taken(name: str) -> None:
    assert printed(sql("SELECT {a}", a=name)) == f"SELECT {name}"
