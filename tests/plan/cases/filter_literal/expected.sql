SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"segments":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"name":' || to_json(t1.name)::text || ',"criteria":' ||
              coalesce(t1.criteria::text, 'null') || '}'
            ), ',' ORDER BY t1.name, t1.id
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.criteria, t1.id, t1.name
        FROM segment t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL AND t1.type = ANY ($3::text[]) AND coalesce(t1.name ILIKE $4::text, false)
        ORDER BY t1.name, t1.id
        LIMIT 50
      ) t1
    ) || ',"assets":{"totalCount":' || (
      SELECT count(*)::text
      FROM asset t3
      WHERE t3.group_id = $2::bigint AND t3.deleted_at IS NULL AND t3.content_type = $5::text
    ) || '}}}'
  ) AS answer
  OFFSET 0
) AS made
