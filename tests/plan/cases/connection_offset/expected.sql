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
              '{"code":' || to_json(t1.code_key)::text || ',"isRedeemable":' ||
              (
                t1.deleted_at IS NULL AND t1.type IN ('percentage', 'fixed_amount', 'free_delivery', 'free_item') AND (
                  CASE WHEN t1.valid_until <= $4::timestamptz THEN 'expired' WHEN t1.valid_from > $4::timestamptz THEN 'scheduled' ELSE coalesce(
                    (
                      CASE WHEN t1.follows_campaign THEN (
                        CASE coalesce(
                          (
                            SELECT (
                              CASE WHEN pc.deleted_at IS NOT NULL OR pc.status = 'completed' OR pc.ends_at <= $4::timestamptz THEN 3 WHEN pc.status IN ('draft', 'paused') THEN 2 WHEN pc.starts_at > $4::timestamptz THEN 1 WHEN pc.starts_at IS NULL AND pc.status = 'scheduled' THEN 2 ELSE 0 END
                            )
                            FROM promo_campaign pl JOIN campaign pc ON pc.group_id = $2::bigint AND pc.id = pl.campaign_id
                            WHERE pl.group_id = $2::bigint AND pl.promo_id = t1.id
                            ORDER BY (
                              CASE WHEN pc.deleted_at IS NOT NULL OR pc.status = 'completed' OR pc.ends_at <= $4::timestamptz THEN 3 WHEN pc.status IN ('draft', 'paused') THEN 2 WHEN pc.starts_at > $4::timestamptz THEN 1 WHEN pc.starts_at IS NULL AND pc.status = 'scheduled' THEN 2 ELSE 0 END
                            ), CASE WHEN (
                              CASE WHEN pc.deleted_at IS NOT NULL OR pc.status = 'completed' OR pc.ends_at <= $4::timestamptz THEN 3 WHEN pc.status IN ('draft', 'paused') THEN 2 WHEN pc.starts_at > $4::timestamptz THEN 1 WHEN pc.starts_at IS NULL AND pc.status = 'scheduled' THEN 2 ELSE 0 END
                            ) = 1 THEN pc.starts_at END, CASE WHEN (
                              CASE WHEN pc.deleted_at IS NOT NULL OR pc.status = 'completed' OR pc.ends_at <= $4::timestamptz THEN 3 WHEN pc.status IN ('draft', 'paused') THEN 2 WHEN pc.starts_at > $4::timestamptz THEN 1 WHEN pc.starts_at IS NULL AND pc.status = 'scheduled' THEN 2 ELSE 0 END
                            ) IN (0, 2) THEN pc.starts_at END DESC NULLS LAST, CASE WHEN (
                              CASE WHEN pc.deleted_at IS NOT NULL OR pc.status = 'completed' OR pc.ends_at <= $4::timestamptz THEN 3 WHEN pc.status IN ('draft', 'paused') THEN 2 WHEN pc.starts_at > $4::timestamptz THEN 1 WHEN pc.starts_at IS NULL AND pc.status = 'scheduled' THEN 2 ELSE 0 END
                            ) = 3 THEN pc.ends_at END DESC NULLS LAST, pc.id DESC
                            LIMIT 1
                          ), 2
                        ) WHEN 1 THEN 'scheduled' WHEN 2 THEN 'paused' WHEN 3 THEN 'expired' END
                      ) END
                    ), CASE WHEN t1.used + t1.used_beyond_limit >= t1.usage_limit THEN 'used_up' ELSE 'active' END
                  ) END
                ) = 'active'
              )::text || '}'
            ), ',' ORDER BY t1.rn
          ) FILTER (WHERE t1.rn <= $5::bigint), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.code_key, t1.deleted_at, t1.follows_campaign, t1.id, t1.type, t1.usage_limit, t1.used, t1.used_beyond_limit, t1.valid_from, t1.valid_until, row_number() OVER (ORDER BY t1.code_key, t1.id) - $3::bigint AS rn
        FROM promo t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.code_key, t1.id
        LIMIT $5::bigint + 1
        OFFSET $3::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
