SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"node":' || coalesce(
      (
        SELECT (
          '{"id":"camp_' || t1.id::text || '","__typename":"Campaign","name":' ||
          to_json(t1.name)::text || ',"store":{"name":' ||
          to_json(t2.name)::text || '}}'
        )
        FROM campaign t1
        LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
        WHERE t1.group_id = $2::bigint AND t1.id = $3::bigint AND t1.deleted_at IS NULL
      ), 'null'
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
