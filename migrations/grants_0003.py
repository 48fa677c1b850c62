"""What the revisions from 0003 on grant on a tenant table, and the two policies it gets. 0002 wrote it out.

Released revisions use this, so it is never changed. When tables need something else, the revision that begins with it
brings a module of its own, which its successors use.
"""

from collections.abc import Callable

OWN_GROUP = "group_id = nullif(current_setting('app.group_id', true), '')::bigint"
READERS = ("gateway_reader", "gateway_guarded_reader")

Execute = Callable[[str], object]


def protect(execute: Execute, table: str, *, sequence: bool = True) -> None:
    """Grants and policies: writers see the group's own rows, the unguarded reader's statements name the group.

    `execute` is alembic's `op.execute`; `sequence`: ids come from a sequence of the table's own.
    """
    execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO gateway_app")
    if sequence:
        execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO gateway_app")
    for role in READERS:
        execute(f"GRANT SELECT ON {table} TO {role}")
    execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    execute(
        f"CREATE POLICY own_group ON {table} TO gateway_app, gateway_guarded_reader"
        f" USING ({OWN_GROUP}) WITH CHECK ({OWN_GROUP})"
    )
    execute(f"CREATE POLICY planned_reads ON {table} FOR SELECT TO gateway_reader USING (true)")


def unprotect(execute: Execute, table: str) -> None:
    """The way back, before the table is dropped."""
    execute(f"DROP POLICY own_group ON {table}")
    execute(f"DROP POLICY planned_reads ON {table}")
