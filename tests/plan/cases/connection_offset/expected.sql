SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"promos":' || (
      SELECT (
        '{"totalCount":' || (
          SELECT count(*)::text
          FROM promo t2
          WHERE t2.group_id = $2::bigint AND t2.deleted_at IS NULL
        ) || ',"pageInfo":{"hasPreviousPage":' || ($3::bigint > 0)::text ||
        '},"nodes":[' || coalesce(
          string_agg(
            (
              '{"code":' || to_json(t1.code)::text || ',"isRedeemable":' ||
              (
                t1.deleted_at IS NULL AND coalesce(t1.valid_from <= $4::timestamptz, true) AND coalesce(t1.valid_until > $4::timestamptz, true) AND t1.used < coalesce(t1.usage_limit, 9223372036854775807)
              )::text || '}'
            ), ',' ORDER BY t1.rn
          ) FILTER (WHERE t1.rn <= $5::bigint), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.code, t1.deleted_at, t1.usage_limit, t1.used, t1.valid_from, t1.valid_until, row_number() OVER (ORDER BY t1.code, t1.id) - $3::bigint AS rn
        FROM promo t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.code, t1.id
        LIMIT $5::bigint + 1
        OFFSET $3::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
