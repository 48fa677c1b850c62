"""The SQL that erases a person, made of the one declaration of what is personal (`tables/personal.py`).

Of each table one statement: the rows that are the person's, and those that hold one of their strong texts, are locked
in the order of their keys and written. What is nobody's and holds such a text is taken for theirs; out of others' rows
the texts alone are cut.

Parameters, the same of each: $1 group, $2 customer, $3 now, $4 patterns of strong texts, $5 those of all that is told
of the person, $6 a salt that nobody keeps, $7 events that are nobody's and hold their texts, $8 patterns that find at
least as much as $4, and faster.
"""

from functools import lru_cache

from sqlalchemy import ARRAY, JSON, LargeBinary, Table

from app.tables.all import metadata
from app.tables.personal import PERSONAL, Cut, Emptied, Renamed, Rows

_GIVEN = (
    "given AS (SELECT $1::bigint, $2::bigint, $3::timestamptz, $4::text[], $5::text[], $6::text, $7::uuid[],"
    " $8::text[])"
)  # fmt: skip
_COLLATE = 'COLLATE "pg_c_utf8"'
_WEIGHED = ("body", "data", "user_data")
"""What events take room by, see `groups/retention.py`."""
_STRONG, _TOLD = "$4::text[]", "$5::text[]"


@lru_cache(maxsize=200)
def erasing(name: str, *, strong: int, told: int) -> str:
    """Empties a table of the person, with so many patterns: `mine`, `others`, `bytes` and, of events, `nobodys`."""
    rows, table = PERSONAL[name], metadata.tables[name]
    key = ", ".join(f"r.{column}" for column in rows.key)
    same = " AND ".join(f"r.{column} = held.{column}" for column in rows.key)
    found, own = _found(rows, table), _own(rows)
    is_searched = (
        not rows.deleted and not rows.then and not any(isinstance(r, Emptied) for r in rows.columns.values())
    )
    # Of the person's own rows those that are only searched may have nothing in them.
    due = f"({own} AND {_found(rows, table, all_told=True)})" if is_searched else own
    # Of what was found and is not the person's own, what is nobody's is theirs.
    mine = f"({own} OR {rows.nobodys.replace('{row}', 'r')})" if rows.nobodys else own
    nobodys = rows.nobodys.replace("{row}", "r") if rows.nobodys else "false"
    write = (
        f"DELETE FROM {name} r USING held WHERE r.group_id = $1 AND {same} AND held.mine"
        if rows.deleted
        else f"UPDATE {name} r SET {', '.join(_assignments(rows, table, strong, told))}"
        f" FROM held WHERE r.group_id = $1 AND {same}"
    )
    size = _size(name) if name == "event" else "0"
    ids = "r.id" if name == "event" else "NULL::uuid"
    return f"""
WITH {_GIVEN},
held AS (
  SELECT {key}, {mine} AS mine FROM {name} r WHERE r.group_id = $1 AND CASE WHEN {due} THEN true ELSE {found} END
   ORDER BY {key} FOR UPDATE OF r),
done AS ({write} RETURNING held.mine, {ids} AS id, {nobodys} AS is_nobodys, {size} AS size)
SELECT count(*) FILTER (WHERE mine) AS mine, count(*) FILTER (WHERE NOT mine) AS others,
       coalesce(sum(size), 0)::bigint AS bytes, array_agg(id) FILTER (WHERE mine AND is_nobodys) AS nobodys
  FROM done
"""


def _own(rows: Rows) -> str:
    return "false" if rows.rows is None else f"coalesce({rows.rows.replace('{row}', 'r')}, false)"


def _found(rows: Rows, table: Table, *, all_told: bool = False) -> str:
    """Whether a row holds one of the texts, the strong ones unless all are asked for."""
    texts = [
        _text(table, column)
        for column, rule in rows.columns.items()
        if not (isinstance(rule, Emptied) and rule.is_theirs)
    ]
    if not texts:
        return "false"
    text = f"concat_ws(E'\\n', {', '.join(texts)}) {_COLLATE}"
    if all_told or rows.is_told_names:
        return f"{text} ~* ANY ({_TOLD})"
    return f"CASE WHEN {text} ~* ANY ($8::text[]) THEN {text} ~* ANY ({_STRONG}) ELSE false END"


def _text(table: Table, column: str) -> str:
    kind = table.columns[column].type
    if isinstance(kind, LargeBinary):
        return f"convert_from(r.{column}, 'UTF8') {_COLLATE}"
    if isinstance(kind, ARRAY):
        # Not the array's own text, which quotes.
        return f"array_to_string(r.{column}, ' ') {_COLLATE}"
    return f"r.{column}::text {_COLLATE}"


def _assignments(rows: Rows, table: Table, strong: int, told: int) -> list[str]:
    made = []
    for column, rule in rows.columns.items():
        match rule:
            case Emptied() if isinstance(table.columns[column].type, LargeBinary):
                # Of bytes nothing can be cut.
                patterns = _TOLD if rows.is_told_names else _STRONG
                new = f"CASE WHEN {_text(table, column)} ~* ANY ({patterns}) THEN NULL ELSE r.{column} END"
            case Emptied(left=left, is_theirs=is_theirs):
                others = f"r.{column}" if is_theirs else _without(table, column, _STRONG, strong)
                emptied = left.replace("{column}", f"r.{column}").replace("{row}", "r")
                new = f"CASE WHEN held.mine THEN {emptied} ELSE {others} END"
            case Cut() if rows.rows is None:
                new = _without(table, column, _STRONG, strong)
            case Cut():
                # All that is told of them goes from the person's own rows, what is strong from others'.
                mine, others = (
                    _without(table, column, _TOLD, told),
                    _without(table, column, _STRONG, strong),
                )
                new = f"CASE WHEN held.mine THEN {mine} ELSE {others} END"
            case Renamed():
                patterns = f"CASE WHEN held.mine THEN {_TOLD} ELSE {_STRONG} END"
                new = (
                    f"CASE WHEN {_text(table, column)} ~* ANY ({patterns})"
                    f" THEN 'erased:' || md5(r.{column} || $6::text) ELSE r.{column} END"
                )
        made.append(f"{column} = {new}")
    further = ((name, value.replace("{row}", "r")) for name, value in rows.then.items())
    return [
        *made,
        *(f"{name} = CASE WHEN held.mine THEN {value} ELSE r.{name} END" for name, value in further),
    ]


def _without(table: Table, column: str, patterns: str, count: int) -> str:
    """The column without these texts."""
    kind = table.columns[column].type
    if isinstance(kind, ARRAY):
        inner = _replaced("x.one", patterns, count, is_json=False)
        return f"ARRAY(SELECT {inner} FROM unnest(r.{column}) WITH ORDINALITY x (one, place) ORDER BY place)"
    text = _replaced(f"r.{column}::text", patterns, count, is_json=isinstance(kind, JSON))
    if not isinstance(kind, JSON):
        return text
    return (
        f"CASE WHEN r.{column} IS NULL THEN NULL WHEN pg_input_is_valid({text}, 'json')"
        f" THEN ({text})::json ELSE '{{}}'::json END"
    )


def _replaced(text: str, patterns: str, count: int, *, is_json: bool) -> str:
    text = f"({text}) {_COLLATE}"
    for at in range(1, count + 1):
        one = f"('(?:' || ({patterns})[{at}] || ')')"
        if is_json:
            # A number as a whole; what is left of half of it would be no JSON.
            number = rf"'([:,\[]\s*)-?' || {one} || '(?:\.\d*)?(?:e[+-]?\d+)?(?=\s*[,\]}}])'"
            text = rf"regexp_replace({text}, {number}, '\1null', 'gi')"
        text = f"regexp_replace({text}, {one}, '', 'gi')"
    return text


def _size(name: str) -> str:
    before = " + ".join(f"coalesce(pg_column_size(old.{column}), 0)" for column in _WEIGHED)
    after = " + ".join(f"coalesce(pg_column_size(new.{column}), 0)" for column in _WEIGHED)
    return f"({before}) - ({after})"


__all__ = ["erasing"]
