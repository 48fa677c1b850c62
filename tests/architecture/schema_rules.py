"""The rules every table keeps, read from PostgreSQL's own catalogue.

A rule takes the owner's connection and tells what breaks it, a line each. No lines: the rule holds.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from app.tables.all import DIRECTORY

Rule = Callable[[Any], Awaitable[list[str]]]

ROLES = ("gateway_app", "gateway_reader", "gateway_guarded_reader")
ERASING = "(current_setting('app.erasing'::text, true) = 'yes'::text)"
OWN_GROUP = "(group_id = (NULLIF(current_setting('app.group_id'::text, true), ''::text))::bigint)"
OWN_GROUPS = (
    "(id = ANY ((string_to_array(NULLIF(current_setting('app.group_ids'::text, true), ''::text),"
    " ','::text))::bigint[]))"
)

TABLES = """
SELECT c.oid, c.relname AS name, c.relrowsecurity, c.relforcerowsecurity
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 2
"""
INDEXES = """
SELECT t.relname AS table, x.relname AS name, i.indisunique AS unique, i.indisvalid AS valid,
       i.indpred IS NOT NULL AS partial,
       ARRAY(SELECT coalesce(a.attname, '(expression)')
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(n, place)
               LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n AND k.n > 0
              WHERE k.place <= i.indnkeyatts ORDER BY k.place)::text[] AS columns
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
 WHERE t.relnamespace = 'public'::regnamespace
"""
FOREIGN_KEYS = """
SELECT t.relname AS table, c.conname AS name, r.relname AS target, c.confdeltype::text AS on_delete,
       ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY AS k(n, place)
               JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n
              ORDER BY place)::text[] AS columns,
       ARRAY(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY AS k(n, place)
               JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n
              ORDER BY place)::text[] AS targets
  FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
 WHERE c.contype = 'f' AND t.relnamespace = 'public'::regnamespace ORDER BY 1, 2
"""
COLUMNS = """
SELECT t.relname AS table, a.attname AS name, format_type(a.atttypid, NULL) AS type,
       ARRAY(SELECT pg_get_expr(c.conbin, c.conrelid) FROM pg_constraint c
              WHERE c.conrelid = t.oid AND c.contype = 'c' AND c.convalidated AND c.conenforced
                AND c.conkey = ARRAY[a.attnum]) AS checks
  FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') ORDER BY t.relname, a.attnum
"""


async def tenant_tables(connection: Any) -> list[str]:
    """Every table that is not in the directory."""
    return [row["name"] for row in await connection.fetch(TABLES) if row["name"] not in DIRECTORY]


async def the_directory_is_what_has_no_policy(connection: Any) -> list[str]:
    """A table without row-level security is in the directory, and the other way round."""
    tables = {row["name"]: row for row in await connection.fetch(TABLES)}
    missing = [f"{name}: in the directory, but there is no such table" for name in DIRECTORY - set(tables)]
    return missing + [
        f"{name}: is a directory table and has row-level security"
        for name, row in tables.items()
        if name in DIRECTORY and row["relrowsecurity"]
    ]


async def policies_are_the_two_and_forced(connection: Any) -> list[str]:
    """Each tenant table: forced row-level security, the group's own rows, and the planned reads."""
    broken = []
    for row in await connection.fetch(TABLES):
        name = row["name"]
        if name in DIRECTORY:
            continue
        if not (row["relrowsecurity"] and row["relforcerowsecurity"]):
            broken.append(f"{name}: row-level security is not enabled and forced")
        own = OWN_GROUPS if name == "customer_group" else OWN_GROUP
        found = {
            (
                p["policyname"],
                p["permissive"],
                tuple(sorted(p["roles"])),
                p["cmd"],
                p["qual"],
                p["with_check"],
            )
            for p in await connection.fetch(
                "SELECT * FROM pg_policies WHERE schemaname = 'public' AND tablename = $1", name
            )
        }
        wanted = {
            ("own_group", "PERMISSIVE", ("gateway_app", "gateway_guarded_reader"), "ALL", own, own),
            ("planned_reads", "PERMISSIVE", ("gateway_reader",), "SELECT", "true", None),
        }
        if name == "audit_entry":
            # What is written there is written: only erasing a person cuts texts out of it.
            wanted.add(("erasing_alone", "RESTRICTIVE", ("gateway_app",), "UPDATE", ERASING, None))
        if found != wanted:
            broken.append(f"{name}: its policies are {sorted(map(str, found))}")
    return broken


async def keys_start_with_the_group(connection: Any) -> list[str]:
    """Primary keys and uniques of tenant tables start with `group_id`."""
    tenant = await tenant_tables(connection)
    indexes = [i for i in await connection.fetch(INDEXES) if i["unique"] and i["table"] != "customer_group"]
    broken = [
        f"{i['table']}: {i['name']} is unique over {i['columns']}, without the group first"
        for i in indexes
        if i["table"] in tenant and i["columns"][0] != "group_id"
    ]
    keyed = {
        row["relname"]
        for row in await connection.fetch(
            "SELECT relname FROM pg_constraint JOIN pg_class t ON t.oid = conrelid WHERE contype = 'p'"
        )
    }
    return broken + [f"{name}: has no primary key" for name in tenant if name not in keyed]


async def references_stay_inside_the_group(connection: Any) -> list[str]:
    """Foreign keys of tenant tables start with `group_id` on both sides; each table is tied to its group."""
    tenant = [t for t in await tenant_tables(connection) if t != "customer_group"]
    keys = await connection.fetch(FOREIGN_KEYS)
    broken = [
        f"{k['table']}: {k['name']} leads from {k['columns']} to {k['target']} {k['targets']}"
        for k in keys
        if k["table"] in tenant
        and (k["columns"][0], k["targets"][0])
        != ("group_id", "id" if k["target"] == "customer_group" else "group_id")
    ]
    tied = {k["table"] for k in keys if k["columns"] == ["group_id"] and k["target"] == "customer_group"}
    return broken + [f"{name}: no foreign key to customer_group" for name in tenant if name not in tied]


async def references_cascade_or_restrict(connection: Any) -> list[str]:
    """Never SET NULL or SET DEFAULT (on Citus they would rewrite `group_id`), nor a forgotten NO ACTION."""
    return [
        f"{k['table']}: {k['name']} does neither cascade nor restrict"
        for k in await connection.fetch(FOREIGN_KEYS)
        if k["on_delete"] not in {"c", "r"}
    ]


async def relations_have_an_index(connection: Any) -> list[str]:
    """Each foreign key of a tenant table is the start of an index that is unique or ends with `id`."""
    tenant = await tenant_tables(connection)
    indexes = [i for i in await connection.fetch(INDEXES) if i["valid"] and not i["partial"]]
    return [
        f"{key['table']}: no index starts with {key['columns']} and ends with id"
        for key in await connection.fetch(FOREIGN_KEYS)
        if key["table"] in tenant
        and not any(
            i["table"] == key["table"]
            and i["columns"][: len(key["columns"])] == key["columns"]
            and (i["unique"] or i["columns"][-1] == "id")
            for i in indexes
        )
    ]


async def nothing_acts_by_itself(connection: Any) -> list[str]:
    """No triggers, no rules, no EXCLUDE."""
    triggers = await connection.fetch(
        "SELECT tgrelid::regclass::text AS t, tgname AS n FROM pg_trigger WHERE NOT tgisinternal"
    )
    rules = await connection.fetch(
        "SELECT tablename AS t, rulename AS n FROM pg_rules WHERE schemaname = 'public'"
    )
    excludes = await connection.fetch(
        "SELECT conrelid::regclass::text AS t, conname AS n FROM pg_constraint WHERE contype = 'x'"
    )
    return [f"{row['t']}: {row['n']} acts by itself" for row in (*triggers, *rules, *excludes)]


MUST_REFUSE = {
    "numeric": ("NaN", "Infinity", "-Infinity"),
    "timestamp with time zone": (
        "infinity",
        "-infinity",
        "0001-12-31 23:59:59+00 BC",
        "10000-01-01 00:00:00+00",
    ),
    "date": ("infinity", "-infinity", "0001-12-31 BC", "10000-01-01"),
}
FORBIDDEN = {
    "real",
    "double precision",
    "money",
    "timestamp without time zone",
    "time with time zone",
    "character",
}


async def every_value_prints(connection: Any) -> list[str]:
    """Numbers are finite and instants within the years 1 to 9999; no floats, no time without a zone."""
    broken = []
    for column in await connection.fetch(COLUMNS):
        where = f"{column['table']}.{column['name']}"
        if column["type"] in FORBIDDEN:
            broken.append(f"{where}: is of type {column['type']}")
        both = " AND ".join(f"({check})" for check in column["checks"]) or "true"
        for value in MUST_REFUSE.get(column["type"], ()):
            holds = f"SELECT {both} FROM (SELECT '{value}'::{column['type']} AS \"{column['name']}\") AS row"
            if await connection.fetchval(holds) is not False:
                broken.append(f"{where}: takes {value}")
    return broken


async def roles_cannot_step_over(connection: Any) -> list[str]:
    """The application's roles own nothing, bypass nothing and are members of nothing; readers only read."""
    broken = []
    for role in ROLES:
        found = await connection.fetchrow(
            "SELECT *, (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS memberships,"
            " (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned"
            " FROM pg_roles r WHERE rolname = $1",
            role,
        )
        if found is None:
            broken.append(f"{role}: does not exist")
            continue
        powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication", "rolcanlogin")
        broken += [f"{role}: has {power}" for power in (*powers, "memberships", "owned") if found[power]]
        if await connection.fetchval("SELECT has_schema_privilege($1, 'public', 'CREATE')", role):
            broken.append(f"{role}: may create tables")
        too_much = ["TRUNCATE", "REFERENCES", "TRIGGER"]
        if role != "gateway_app":
            too_much += ["INSERT", "UPDATE", "DELETE"]
        for table in await connection.fetch(TABLES):
            broken += [
                f"{role}: may {verb} {table['name']}"
                for verb in too_much
                if await connection.fetchval(
                    "SELECT has_table_privilege($1, $2::oid, $3)", role, table["oid"], verb
                )
            ]
    return broken


RULES: tuple[Rule, ...] = (
    the_directory_is_what_has_no_policy,
    policies_are_the_two_and_forced,
    keys_start_with_the_group,
    references_stay_inside_the_group,
    references_cascade_or_restrict,
    relations_have_an_index,
    nothing_acts_by_itself,
    every_value_prints,
    roles_cannot_step_over,
)
