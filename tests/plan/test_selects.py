"""A SELECT under construction: its scope, and the order it is told."""

from app.plan.sql import Alias, Select, Table, print_sql, sql

T = Table("t", "flow", (sql("t.group_id = 1"),))


def test_a_table_brings_its_scope_into_where() -> None:
    made = Select({"id": T("id")}, T, [sql("t.position > 0")], joins=sql("JOIN x ON true"))
    assert print_sql(made.sql()).text == (
        "SELECT t.id FROM flow t JOIN x ON true WHERE t.group_id = 1 AND t.position > 0"
    )
    assert print_sql(Select({"one": sql("1")}, sql("unnest(a) u")).sql()).text == (
        "SELECT 1 AS one FROM unnest(a) u"
    )


def test_an_order_is_told_to_the_select() -> None:
    a = Alias("a")
    made = Select({"name": a("name")}, sql("x a"), order=[sql("-a.revenue"), a("name")])
    assert print_sql(made.sql()).text == "SELECT a.name FROM x a ORDER BY -a.revenue, a.name"


def test_an_order_becomes_columns_for_a_statement_around_it() -> None:
    a = Alias("a")
    made = Select({"name": a("name")}, sql("x a"), order=[sql("-a.revenue"), a("name")])
    assert made.order_in_columns() == ["sort_1", "sort_2"]
    assert print_sql(made.sql()).text == ("SELECT a.name, -a.revenue AS sort_1, a.name AS sort_2 FROM x a")
    assert Select({}, sql("x a")).order_in_columns() == []
