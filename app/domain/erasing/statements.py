"""The SQL that erases a person, made of the one declaration of what is personal (`tables/personal.py`).

Of each table one statement: the rows that are the person's, and those that hold one of their strong texts, are locked
in the order of their keys and written. What is nobody's and holds such a text is taken for theirs; out of others' rows
the texts alone are cut.

Parameters, the same of each: $1 group, $2 customer, $3 now, $4 patterns of strong texts, $5 those of all that is told
of the person, for their own rows, $6 a salt that nobody keeps, $7 events that are nobody's and hold their texts, $8
patterns that find at least as much as $4, $9 and $10, and faster, $9 those for keys of others, $10 those of addresses.
"""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import ARRAY, JSON, LargeBinary, Table

from app.tables.all import metadata
from app.tables.personal import PERSONAL, Cut, Emptied, Renamed, Rows, Rule

_GIVEN = (
    "given AS (SELECT $1::bigint, $2::bigint, $3::timestamptz, $4::text[], $5::text[], $6::text, $7::uuid[],"
    " $8::text[], $9::text[], $10::text[])"
)  # fmt: skip
_COLLATE = 'COLLATE "pg_c_utf8"'
_WEIGHED = ("body", "data", "user_data")
"""What events take room by, see `groups/retention.py`."""
_STRONG, _TOLD, _IN_KEYS, _ADDRESSES = "$4::text[]", "$5::text[]", "$9::text[]", "$10::text[]"


@lru_cache(maxsize=200)
def erasing(name: str, *, strong: int, told: int, addresses: int) -> str:
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
    # Of what was found and is not the person's own, what is nobody's is theirs; not for what a key seems to say.
    nobodys = rows.nobodys.replace("{row}", "r") if rows.nobodys else "false"
    mine = f"({own} OR ({nobodys} AND {_holds(rows, table, _STRONG)}))" if rows.nobodys else own
    assigned = ", ".join(_assignments(rows, table, strong, told, addresses))
    write = f"UPDATE {name} r SET {assigned} FROM held WHERE r.group_id = $1 AND {same}"
    gone = ""
    if rows.deleted:
        write = f"{write} AND NOT held.mine" if found != "false" else ""
        gone = f"DELETE FROM {name} r USING held WHERE r.group_id = $1 AND {same} AND held.mine"
    size = _size(name) if name == "event" else "0"
    ids = "r.id" if name == "event" else "NULL::uuid"
    told_of = f"RETURNING held.mine, {ids} AS id, {nobodys} AS is_nobodys, {size} AS size"
    parts = {"written": write, "gone": gone}
    done = "".join(f"{part} AS ({way} {told_of}),\n" for part, way in parts.items() if way)
    done += f"done AS ({' UNION ALL '.join(f'SELECT * FROM {part}' for part, way in parts.items() if way)})"
    return f"""
WITH {_GIVEN},
held AS (
  SELECT {key}, {mine} AS mine FROM {name} r WHERE r.group_id = $1 AND CASE WHEN {due} THEN true ELSE {found} END
   ORDER BY {key} FOR UPDATE OF r),
{done}
SELECT count(*) FILTER (WHERE mine) AS mine, count(*) FILTER (WHERE NOT mine) AS others,
       coalesce(sum(size), 0)::bigint AS bytes, array_agg(id) FILTER (WHERE mine AND is_nobodys) AS nobodys
  FROM done
"""


def _own(rows: Rows) -> str:
    return "false" if rows.rows is None else f"coalesce({rows.rows.replace('{row}', 'r')}, false)"


def _found(rows: Rows, table: Table, *, all_told: bool = False) -> str:
    """Whether a row holds one of the texts, the strong ones unless all are asked for."""
    if not _searched(rows):
        return "false"
    if all_told or rows.is_told_names:
        return _holds(rows, table, _TOLD)
    ways: dict[str, list[str]] = {}
    for column, rule in _searched(rows).items():
        ways.setdefault(_patterns(rule), []).append(column)
    found = " OR ".join(
        f"{_joined(table, columns)} ~* ANY ({patterns})" for patterns, columns in ways.items()
    )
    return f"CASE WHEN {_holds(rows, table, '$8::text[]')} THEN {found} ELSE false END"


def _holds(rows: Rows, table: Table, patterns: str) -> str:
    return f"{_joined(table, _searched(rows))} ~* ANY ({patterns})"


def _joined(table: Table, columns: Iterable[str]) -> str:
    return f"concat_ws(E'\\n', {', '.join(_text(table, column) for column in columns)}) {_COLLATE}"


def _searched(rows: Rows) -> dict[str, Rule]:
    """The columns that others' rows may hold the person's texts in."""
    return {
        column: rule
        for column, rule in rows.columns.items()
        if not (isinstance(rule, Emptied) and rule.is_theirs)
    }


def _patterns(rule: Rule) -> str:
    """What is looked for in others' rows."""
    if isinstance(rule, Renamed):
        return _STRONG if rule.is_address else _IN_KEYS
    return _ADDRESSES if rule.only_addresses else _STRONG


def _text(table: Table, column: str) -> str:
    kind = table.columns[column].type
    if isinstance(kind, LargeBinary):
        return f"convert_from(r.{column}, 'UTF8') {_COLLATE}"
    if isinstance(kind, ARRAY):
        # Not the array's own text, which quotes.
        return f"array_to_string(r.{column}, ' ') {_COLLATE}"
    return f"r.{column}::text {_COLLATE}"


def _assignments(rows: Rows, table: Table, strong: int, told: int, addresses: int) -> list[str]:
    made = []
    for column, rule in rows.columns.items():
        looked_for = _patterns(rule)
        count = addresses if looked_for == _ADDRESSES else strong
        match rule:
            case Emptied() if isinstance(table.columns[column].type, LargeBinary):
                # Of bytes nothing can be cut.
                patterns = _TOLD if rows.is_told_names else _STRONG
                new = f"CASE WHEN {_text(table, column)} ~* ANY ({patterns}) THEN NULL ELSE r.{column} END"
            case Emptied(left=left, is_theirs=is_theirs):
                others = f"r.{column}" if is_theirs else _without(table, column, looked_for, count)
                emptied = left.replace("{column}", f"r.{column}").replace("{row}", "r")
                new = f"CASE WHEN held.mine THEN {emptied} ELSE {others} END"
            case Cut() if rows.rows is None:
                new = _without(table, column, looked_for, count)
            case Cut():
                # All that is told of them goes from the person's own rows, what is strong from others'.
                mine, others = (
                    _without(table, column, _TOLD, told),
                    _without(table, column, looked_for, count),
                )
                new = f"CASE WHEN held.mine THEN {mine} ELSE {others} END"
            case Renamed():
                patterns = f"CASE WHEN held.mine THEN {_TOLD} ELSE {looked_for} END"
                new = (
                    f"CASE WHEN {_text(table, column)} ~* ANY ({patterns})"
                    f" THEN 'erased:' || md5(r.{column} || $6::text) ELSE r.{column} END"
                )
        if isinstance(rule, Cut) and rule.otherwise:
            new = f"coalesce(nullif({new}, ''), '{rule.otherwise}')"
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
        # Ids stand beside their systems, place by place; of tags one that nothing is left of goes.
        left = f"x.one = '' OR {inner} <> ''" if column == "tags" else "true"
        return (
            f"ARRAY(SELECT {inner} FROM unnest(r.{column}) WITH ORDINALITY x (one, place) WHERE {left}"
            " ORDER BY place)"
        )
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
            number = rf"'([:,\[]\s*)-?[\d.]*' || {one} || '\d*(?:\.\d*)?(?:e[+-]?\d+)?(?=\s*[,\]}}])'"
            text = rf"regexp_replace({text}, {number}, '\1null', 'gi')"
        text = f"regexp_replace({text}, {one}, '', 'gi')"
    return text


def _size(name: str) -> str:
    before = " + ".join(f"coalesce(pg_column_size(old.{column}), 0)" for column in _WEIGHED)
    after = " + ".join(f"coalesce(pg_column_size(new.{column}), 0)" for column in _WEIGHED)
    return f"({before}) - ({after})"


__all__ = ["erasing"]
