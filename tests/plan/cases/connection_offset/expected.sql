SELECT convert_to(
  (
    '{"data":{"promos":' || (
      SELECT (
        '{"totalCount":' || (
          SELECT count(*)::text
          FROM promo t2
          WHERE t2.group_id = $1::bigint AND t2.deleted_at IS NULL
        ) || ',"pageInfo":{"hasPreviousPage":' || ($2::bigint > 0)::text ||
        '},"nodes":[' || coalesce(
          string_agg(
            (
              '{"code":' || to_json(t1.code)::text || ',"isRedeemable":' ||
              (
                t1.deleted_at IS NULL AND coalesce(t1.valid_from <= $3::timestamptz, true) AND coalesce(t1.valid_until > $3::timestamptz, true) AND t1.used < coalesce(t1.usage_limit, 9223372036854775807)
              )::text || '}'
            ), ',' ORDER BY t1.rn
          ) FILTER (WHERE t1.rn <= $4::bigint), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.code, t1.deleted_at, t1.usage_limit, t1.used, t1.valid_from, t1.valid_until, row_number() OVER (ORDER BY t1.code, t1.id) - $2::bigint AS rn
        FROM promo t1
        WHERE t1.group_id = $1::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.code, t1.id
        LIMIT $4::bigint + 1
        OFFSET $2::bigint
      ) t1
    ) || '}}'
  ), 'UTF8'
)
