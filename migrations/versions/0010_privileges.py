"""access: personal data and administration are roles of their own

Keys and clients that could read before may read all they could.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FURTHER = ("personal_data", "administration")
# As in 0006, and who vouches. That one stays: gateways of the version before call it until they are replaced.
ACCEPT_EVENTS = """
CREATE FUNCTION accept_events(
  groups bigint[], ends integer[], ids uuid[], projects bigint[], keys text[], types text[], trackers text[],
  received timestamptz[], occurred timestamptz[], bodies text[], vouched boolean[])
RETURNS TABLE (place bigint, id uuid)
LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE
  first integer := 1;
  last integer;
  stored integer;
BEGIN
  FOR at IN 1 .. cardinality(groups) LOOP
    last := ends[at];
    EXECUTE format('SET LOCAL app.group_id = %L', groups[at]);
    INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, tracker_id, received_at, occurred_at,
                       updated_at, body, status, is_vouched)
    SELECT groups[at], given.id, given.project, 'tracker', given.key, given.type, given.tracker, given.received,
           given.occurred, given.received, given.body::json, 'pending', given.vouched
      FROM unnest(ids[first:last], projects[first:last], keys[first:last], types[first:last], trackers[first:last],
                  received[first:last], occurred[first:last], bodies[first:last], vouched[first:last])
        AS given (id, project, key, type, tracker, received, occurred, body, vouched)
    ON CONFLICT (group_id, source, dedup_key) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored < last - first + 1 THEN
      RETURN QUERY
      SELECT given.place + first - 1, e.id
        FROM unnest(ids[first:last], keys[first:last]) WITH ORDINALITY AS given (id, key, place)
        JOIN event e ON e.group_id = groups[at] AND e.source = 'tracker' AND e.dedup_key = given.key
       WHERE e.id <> given.id;
    END IF;
    first := last + 1;
  END LOOP;
END
$body$
"""

SIGNATURE = (
    "accept_events(bigint[], int[], uuid[], bigint[], text[], text[], text[], timestamptz[], timestamptz[], text[],"
    " boolean[])"
)


def upgrade() -> None:
    for column in FURTHER:
        op.add_column("api_key", sa.Column(column, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE api_key SET personal_data = true, administration = true")
    # The roles of people, marketing and the others, include what they need of this.
    op.execute(
        "UPDATE oauth_client SET roles = roles || ARRAY['personal_data', 'administration']"
        " WHERE roles && ARRAY['read', 'write']"
    )
    # Of what is there nobody knows any more who sent it.
    op.add_column("event", sa.Column("is_vouched", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "event_type", sa.Column("trigger_by_strangers", sa.Boolean(), server_default="false", nullable=False)
    )
    op.execute(ACCEPT_EVENTS)


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {SIGNATURE}")
    op.drop_column("event_type", "trigger_by_strangers")
    op.drop_column("event", "is_vouched")
    op.execute(
        "UPDATE oauth_client SET roles = array_remove(array_remove(roles, 'personal_data'), 'administration')"
    )
    for column in reversed(FURTHER):
        op.drop_column("api_key", column)
