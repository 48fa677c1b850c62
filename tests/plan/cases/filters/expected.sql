SELECT convert_to(
  (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"totalCount":' || (
          SELECT count(*)::text
          FROM campaign t2
          WHERE t2.group_id = $1::bigint AND t2.status = ANY ($2::text[]) AND t2.channels && $3::text[] AND t2.store_id = ANY ($4::bigint[]) AND coalesce(t2.name ILIKE $5::text OR t2.description ILIKE $5::text, false) AND t2.starts_at >= $6::timestamptz AND coalesce(t2.ends_at > $7::timestamptz, true) AND coalesce(t2.starts_at < $8::timestamptz, true) AND (t2.reward_type IS NOT NULL) = $9::boolean AND (t2.deleted_at IS NOT NULL) = $10::boolean
        ) || ',"nodes":[' || coalesce(
          string_agg(('{"name":' || to_json(t1.name)::text || '}'), ',' ORDER BY t1.created_at DESC, t1.id DESC), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.name
        FROM campaign t1
        WHERE t1.group_id = $1::bigint AND t1.status = ANY ($2::text[]) AND t1.channels && $3::text[] AND t1.store_id = ANY ($4::bigint[]) AND coalesce(t1.name ILIKE $5::text OR t1.description ILIKE $5::text, false) AND t1.starts_at >= $6::timestamptz AND coalesce(t1.ends_at > $7::timestamptz, true) AND coalesce(t1.starts_at < $8::timestamptz, true) AND (t1.reward_type IS NOT NULL) = $9::boolean AND (t1.deleted_at IS NOT NULL) = $10::boolean
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $11::bigint
      ) t1
    ) || '}}'
  ), 'UTF8'
)
