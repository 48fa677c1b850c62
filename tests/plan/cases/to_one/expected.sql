SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"name":' || to_json(t1.name)::text || ',"store":{"id":"store_' ||
              t2.id::text || '","name":' || to_json(t2.name)::text ||
              ',"group":{"name":' || to_json(t3.name)::text ||
              '}},"project":' || CASE WHEN t4.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t4.name)::text || '}') END ||
              ',"template":' || CASE WHEN t5.id IS NULL THEN 'null' ELSE (
                '{"name":' || to_json(t5.name)::text || ',"store":{"name":' ||
                to_json(t6.name)::text || '}}'
              ) END || '}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.name, t1.project_id, t1.store_id, t1.template_id
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT 50
      ) t1
      LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
      LEFT JOIN customer_group t3 ON t3.id = $2::bigint AND t3.id = t2.group_id
      LEFT JOIN project t4 ON t4.group_id = $2::bigint AND t4.id = t1.project_id
      LEFT JOIN campaign t5 ON t5.group_id = $2::bigint AND t5.id = t1.template_id
      LEFT JOIN store t6 ON t6.group_id = $2::bigint AND t6.id = t5.store_id
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
