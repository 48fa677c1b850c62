SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(('{"name":' || to_json(t1.name)::text || '}'), ',' ORDER BY t1.created_at DESC, t1.id DESC), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.name
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.store_id = $3::bigint AND t1.deleted_at IS NULL AND t1.store_id = ANY (
          ARRAY (
            SELECT coalesce(
              (
                SELECT known.row_id
                FROM external_id known
                WHERE known.group_id = $2::bigint AND known.system = asked.system AND known.id = asked.id AND known.kind = 'store'
              ), asked.ours
            )
            FROM unnest($4::text[], $5::text[], $6::bigint[]) AS asked(system, id, ours)
          )
        )
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $7::bigint
      ) t1
    ) || ',"events":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(('{"id":"event_' || t2.id::text || '"}'), ',' ORDER BY t2.received_at DESC, t2.id DESC), ''
        ) || ']}'
      )
      FROM (
        SELECT t2.id, t2.received_at
        FROM event t2
        WHERE t2.group_id = $2::bigint AND EXISTS (
          SELECT 1
          FROM project t2_up
          WHERE t2_up.group_id = $2::bigint AND t2_up.id = t2.project_id AND (t2_up.store_id IS NULL OR t2_up.store_id = $3::bigint)
        ) AND t2.project_id = coalesce(
          $8::bigint, (
            SELECT min(pr.id)
            FROM project pr
            WHERE pr.group_id = $2::bigint AND (pr.store_id IS NULL OR pr.store_id = $3::bigint) AND pr.slug = $9::text
          )
        ) AND EXISTS (
          SELECT 1
          FROM event_fault ef
          WHERE ef.group_id = $2::bigint AND EXISTS (
            SELECT 1
            FROM event ef_up
            WHERE ef_up.group_id = $2::bigint AND ef_up.id = ef.event_id AND EXISTS (
              SELECT 1
              FROM project ef_up_up
              WHERE ef_up_up.group_id = $2::bigint AND ef_up_up.id = ef_up.project_id AND (ef_up_up.store_id IS NULL OR ef_up_up.store_id = $3::bigint)
            )
          ) AND ef.event_id = t2.id AND ef.code = $10::text
        )
        ORDER BY t2.received_at DESC, t2.id DESC
        LIMIT $7::bigint
      ) t2
    ) || ',"eventTypes":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(('{"name":' || to_json(t3.name)::text || '}'), ',' ORDER BY t3.created_at, t3.id), ''
        ) || ']}'
      )
      FROM (
        SELECT t3.created_at, t3.id, t3.name
        FROM event_type t3
        WHERE t3.group_id = $2::bigint AND EXISTS (
          SELECT 1
          FROM project t3_up
          WHERE t3_up.group_id = $2::bigint AND t3_up.id = t3.project_id AND (t3_up.store_id IS NULL OR t3_up.store_id = $3::bigint)
        ) AND t3.archived_at IS NULL AND EXISTS (
          SELECT 1
          FROM event_field ef
          WHERE ef.group_id = $2::bigint AND EXISTS (
            SELECT 1
            FROM event_type ef_up
            WHERE ef_up.group_id = $2::bigint AND ef_up.id = ef.event_type_id AND EXISTS (
              SELECT 1
              FROM project ef_up_up
              WHERE ef_up_up.group_id = $2::bigint AND ef_up_up.id = ef_up.project_id AND (ef_up_up.store_id IS NULL OR ef_up_up.store_id = $3::bigint)
            )
          ) AND ef.event_type_id = t3.id AND ef.is_current AND ef.storage_key = $11::text
        )
        ORDER BY t3.created_at, t3.id
        LIMIT $7::bigint
      ) t3
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
