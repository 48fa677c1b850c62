"""A table's rows as lines of JSON and as CSV, and lines as rows again: the SQL for both directions, side by side.

A line is what PostgreSQL's `row_to_json` makes of the row. Amounts are texts, so that no reader loses digits. A
document that is kept as it was sent stands in the line as it is; where that would not come back the same (it has line
breaks, say, or is not an object or a list), as `{"$kept": "<its text>"}`.
"""

from app.exporting.contents import COMES_IN_AS, GROUP_PREFIXED, LEFT_OUT_COLUMNS, Column, ExportedTable

KEPT = '{"$kept"'
ARRIVED = "arrived_lines"
"""The temporary table that lines come in by: COPY into a table with policies is refused."""
RAW = {"format": "csv", "delimiter": "\x02", "quote": "\x01"}
"""How COPY moves lines as they are: no JSON text holds these characters."""


def lines_of(table: ExportedTable, group_id: int) -> str:
    """A line for each of the group's rows."""
    columns = ", ".join(f"{_printed(one)} AS {one.name}" for one in table.columns)
    return (
        f"SELECT (SELECT row_to_json(line) FROM (SELECT {columns}) AS line)::text FROM {table.name} AS t"
        f" WHERE t.{table.group_column} = {int(group_id)}{_ordered(table)}"
    )


def cells_of(table: ExportedTable, group_id: int) -> str:
    """The same for people: a cell for each column, with lists joined by `;`, and no text that a sheet would run."""
    columns = ", ".join(f"{_cell(one)} AS {one.name}" for one in table.columns)
    where = f"t.{table.group_column} = {int(group_id)}"
    return f"SELECT {columns} FROM {table.name} AS t WHERE {where}{_ordered(table)}"


def rows_from_lines(table: ExportedTable, group_id: int) -> str:
    """Puts the lines that arrived into the table, as the group's; how many."""
    given = [(table.group_column, str(int(group_id)))]
    given += [(one.name, _read(one, group_id)) for one in table.columns]
    given += [
        (column, COMES_IN_AS.get((name, column), "NULL"))
        for name, column in LEFT_OUT_COLUMNS
        if name == table.name
    ]
    into, values = ", ".join(name for name, _ in given), ", ".join(value for _, value in given)
    shape = ", ".join(f"{one.name} {'json' if one.is_kept_json else one.sql_type}" for one in table.columns)
    return (
        f"WITH put AS (INSERT INTO {table.name} ({into}) SELECT {values}"
        f" FROM {ARRIVED} AS a, json_to_record(a.line::json) AS r ({shape}) RETURNING 1)"
        " SELECT count(*) FROM put"
    )


def _ordered(table: ExportedTable) -> str:
    return f" ORDER BY {', '.join(f't.{one}' for one in table.key)}" if table.key else ""


def _printed(column: Column) -> str:
    value = f"t.{column.name}"
    if column.is_exact_number:
        return f"{value}::text"
    if (column.table, column.name) in GROUP_PREFIXED:
        return f"substr({value}, strpos({value}, '/') + 1)"
    if not column.is_kept_json:
        return value
    text = f"{value}::text"
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN left({text}, 1) IN ('{{', '[') AND right({text}, 1) IN ('}}', ']')"
        f" AND strpos({text}, chr(10)) = 0 AND strpos({text}, chr(13)) = 0 AND NOT starts_with({text}, '{KEPT}')"
        f" THEN {text}::json ELSE json_build_object('$kept', {text}) END"
    )


def _read(column: Column, group_id: int) -> str:
    value = f"r.{column.name}"
    if (column.table, column.name) in GROUP_PREFIXED:
        return f"'{int(group_id)}/' || {value}"
    if not column.is_kept_json:
        return value
    return (
        f"CASE WHEN starts_with({value}::text, '{KEPT}') THEN ({value} ->> '$kept')::{column.sql_type}"
        f" ELSE {value}::{column.sql_type} END"
    )


def _cell(column: Column) -> str:
    value = f"t.{column.name}"
    if (column.table, column.name) in GROUP_PREFIXED:
        return _printed(column)
    if column.sql_type == "text[]":
        value = f"array_to_string({value}, ';')"
    elif not column.is_text:
        return value
    # What begins like this is a formula to a spreadsheet (the last four to one set to Japanese), whoever wrote it.
    formula = (
        f"left({value}, 1) IN ('=', '+', '-', '@', chr(9), chr(10), chr(13), '＝', '＋', '－', '＠')"
        f" AND {value} !~ '^-[0-9]+([.][0-9]+)?$'"
    )
    return f"CASE WHEN {formula} THEN '''' || {value} ELSE {value} END"


__all__ = ["ARRIVED", "RAW", "cells_of", "lines_of", "rows_from_lines"]
