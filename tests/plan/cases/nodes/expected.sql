SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"nodes":[' || coalesce(
      string_agg(
        CASE WHEN t1.k0 IS NOT NULL THEN coalesce(
          (
            SELECT (
              '{"__typename":"Campaign","id":"camp_' || t2.id::text ||
              '","status":"' || upper(t2.status) || '"}'
            )
            FROM campaign t2
            WHERE t2.group_id = $2::bigint AND t2.id = t1.k0 AND t2.deleted_at IS NULL
          ), 'null'
        ) WHEN t1.k1 IS NOT NULL THEN coalesce(
          (
            SELECT ('{"__typename":"Store","id":"store_' || t3.id::text || '"}')
            FROM store t3
            WHERE t3.group_id = $2::bigint AND t3.id = t1.k1 AND t3.deleted_at IS NULL
          ), 'null'
        ) ELSE 'null' END, ',' ORDER BY t1.place
      ), ''
    ) || ']}}'
  ) AS answer
  FROM unnest($3::bigint[], $4::bigint[]) WITH ORDINALITY t1(k0, k1, place)
  OFFSET 0
) AS made
