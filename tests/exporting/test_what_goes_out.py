"""Every table goes out, or says why not."""

from sqlalchemy import UniqueConstraint

from app.exporting.contents import (
    DIRECTORY_EXPORTED,
    FOR_READING,
    LEFT_OUT,
    LEFT_OUT_COLUMNS,
    UNIQUE_EVERYWHERE,
    exported_tables,
)
from app.tables.all import DIRECTORY, metadata

OUT = {table.name: table for table in exported_tables()}


def test_every_table_goes_out_or_says_why_not() -> None:
    everything = set(metadata.tables) | {"alembic_version"}
    assert set(OUT) | set(LEFT_OUT) == everything
    assert not set(OUT) & set(LEFT_OUT)
    assert set(FOR_READING) <= set(OUT)
    assert all(LEFT_OUT.values())


def test_directories_are_named_one_by_one_since_they_may_hold_secrets() -> None:
    assert DIRECTORY - set(LEFT_OUT) == DIRECTORY_EXPORTED


def test_every_column_goes_out_or_says_why_not() -> None:
    for name, table in OUT.items():
        named = {column.name for column in table.columns} | {table.group_column}
        stored = {column.name for column in metadata.tables[name].columns if column.computed is None}
        assert named | {column for of, column in LEFT_OUT_COLUMNS if of == name} == stored, name
        assert [column.sql_type for column in table.columns]


def test_a_child_comes_after_its_parents() -> None:
    before: set[str] = set()
    for name, table in OUT.items():
        parents = {key.column.table.name for key in metadata.tables[name].foreign_keys} - {name, "tenant"}
        assert parents <= before, (name, table.key)
        before.add(name)


def test_what_is_unique_over_all_groups_is_looked_at_before_anything_is_written() -> None:
    for name, table in OUT.items():
        declared = metadata.tables[name]
        keys = [list(declared.primary_key)]
        keys += [list(one.columns) for one in declared.constraints if isinstance(one, UniqueConstraint)]
        keys += [list(index.columns) for index in declared.indexes if index.unique]
        everywhere = {key[0].name for key in keys if table.group_column not in {one.name for one in key}}
        assert everywhere == ({UNIQUE_EVERYWHERE[name]} if name in UNIQUE_EVERYWHERE else set()), name
