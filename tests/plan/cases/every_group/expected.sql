SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"groups":[' || (
      SELECT coalesce(
        string_agg(
          (
            '{"id":"group_' || t1.id::text || '","name":' ||
            to_json(t1.name)::text || ',"currency":"' || t1.currency ||
            '"}'
          ), ',' ORDER BY t1.name, t1.id
        ), ''
      )
      FROM customer_group t1
      WHERE t1.id = ANY ($2::bigint[])
    ) || '],"group":' || (
      SELECT (
        '{"stores":' || (
          SELECT (
            '{"nodes":[' || coalesce(string_agg(('{"name":' || to_json(t3.name)::text || '}'), ',' ORDER BY t3.name, t3.id), '') ||
            ']}'
          )
          FROM (
            SELECT t3.id, t3.name
            FROM store t3
            WHERE t3.group_id = $3::bigint AND t3.group_id = t2.id AND t3.deleted_at IS NULL
            ORDER BY t3.name, t3.id
            LIMIT $4::bigint
          ) t3
        ) || '}'
      )
      FROM customer_group t2
      WHERE t2.id = $3::bigint AND t2.id = $3::bigint
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
