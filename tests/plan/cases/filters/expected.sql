SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"totalCount":' || (
          SELECT count(*)::text
          FROM campaign t2
          WHERE t2.group_id = $2::bigint AND t2.status = ANY ($3::text[]) AND t2.channels && $4::text[] AND t2.store_id = ANY ($5::bigint[]) AND coalesce(t2.name ILIKE $6::text OR t2.description ILIKE $6::text, false) AND t2.starts_at >= $7::timestamptz AND coalesce(t2.ends_at > $8::timestamptz, true) AND coalesce(t2.starts_at < $9::timestamptz, true) AND (t2.reward_type IS NOT NULL) = $10::boolean AND (t2.deleted_at IS NOT NULL) = $11::boolean
        ) || ',"nodes":[' || coalesce(
          string_agg(('{"name":' || to_json(t1.name)::text || '}'), ',' ORDER BY t1.created_at DESC, t1.id DESC), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.name
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.status = ANY ($3::text[]) AND t1.channels && $4::text[] AND t1.store_id = ANY ($5::bigint[]) AND coalesce(t1.name ILIKE $6::text OR t1.description ILIKE $6::text, false) AND t1.starts_at >= $7::timestamptz AND coalesce(t1.ends_at > $8::timestamptz, true) AND coalesce(t1.starts_at < $9::timestamptz, true) AND (t1.reward_type IS NOT NULL) = $10::boolean AND (t1.deleted_at IS NOT NULL) = $11::boolean
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $12::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
