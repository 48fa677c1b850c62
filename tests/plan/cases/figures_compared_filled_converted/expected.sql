SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"figures":[' || coalesce(
      string_agg(
        (
          '{"campaign":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"spend":{"amount":"' || round(
            t1.spend, greatest(
              min_scale(t1.spend), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"},"previous":' || CASE WHEN t1.compared THEN (
            '{"spend":{"amount":"' || round(
              t1.was_spend, greatest(
                min_scale(t1.was_spend), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
              )
            )::text || '"}}'
          ) ELSE 'null' END || ',"change":' || CASE WHEN t1.compared THEN (
            '{"spend":' || coalesce(round(100.0 * (t1.spend - t1.was_spend) / nullif(abs(t1.was_spend), 0), 2)::text, 'null') ||
            '}'
          ) ELSE 'null' END || ',"unconverted":[' || (
            SELECT coalesce(
              string_agg(
                (
                  '{"currency":"' || t3.currency || '","spend":{"amount":"' ||
                  round(
                    t3.spend, greatest(
                      min_scale(t3.spend), CASE WHEN t3.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t3.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t3.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                    )
                  )::text || '","currency":"' || t3.currency || '"}}'
                ), ',' ORDER BY t3.place
              ), ''
            )
            FROM unnest(t1.left_currency, t1.left_spend) WITH ORDINALITY t3(currency, spend, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT x.campaign_id, x.spend, $2::text AS currency, x.was_spend, true AS compared, x.left_currency, x.left_spend, - (x.spend) AS sort_1, x.campaign_id AS sort_2
    FROM (
      SELECT *
      FROM (
        WITH parts AS MATERIALIZED (
          SELECT 'now'::text AS part, base.campaign_id AS campaign_id, coalesce(sum(round(base.spend * base.rate, 4)), 0) AS spend, NULL::text[] AS left_currency, NULL::numeric[] AS left_spend, NULL::numeric[] AS left_revenue, NULL::numeric[] AS left_planned_spend
          FROM (
            SELECT raw.*, l.rate
            FROM (
              SELECT c.id AS campaign_id, m.currency, m.day, CASE WHEN CASE WHEN m.day < (
                SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
              ) THEN true WHEN m.day > (
                SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
              ) + 1 THEN false ELSE m.day <= (
                $3::timestamptz AT TIME ZONE coalesce(
                  (
                    SELECT ps.time_zone
                    FROM store ps
                    WHERE ps.group_id = $4::bigint AND ps.id = c.store_id
                  ), (
                    SELECT pg.time_zone
                    FROM customer_group pg
                    WHERE pg.id = $4::bigint
                  )
                )
              )::date END THEN m.spend ELSE 0 END AS spend
              FROM campaign_metric m JOIN campaign c ON c.group_id = $4::bigint AND c.id = m.campaign_id
              WHERE m.group_id = $4::bigint AND m.day >= $5::date AND m.day <= $6::date
            ) raw
            LEFT JOIN LATERAL (
              SELECT CASE WHEN raw.currency = $2::text THEN 1 ELSE (
                SELECT n.rate
                FROM (
                  (
                    SELECT x.rate, x.day, 0 AS turned
                    FROM exchange_rate x
                    WHERE x.group_id = $4::bigint AND x.from_currency = raw.currency AND x.to_currency = $2::text AND x.day <= raw.day
                    ORDER BY x.day DESC
                    LIMIT 1
                  ) UNION ALL (
                    SELECT 1 / y.rate, y.day, 1
                    FROM exchange_rate y
                    WHERE y.group_id = $4::bigint AND y.from_currency = $2::text AND y.to_currency = raw.currency AND y.day <= raw.day
                    ORDER BY y.day DESC
                    LIMIT 1
                  )
                ) n
                ORDER BY n.day DESC, n.turned
                LIMIT 1
              ) END AS rate
              LIMIT 1
            ) l ON true
          ) base
          GROUP BY base.campaign_id UNION ALL SELECT 'former'::text AS part, base.campaign_id AS campaign_id, coalesce(sum(round(base.spend * base.rate, 4)), 0) AS spend, NULL::text[] AS left_currency, NULL::numeric[] AS left_spend, NULL::numeric[] AS left_revenue, NULL::numeric[] AS left_planned_spend
          FROM (
            SELECT raw.*, l.rate
            FROM (
              SELECT c.id AS campaign_id, m.currency, m.day, CASE WHEN CASE WHEN m.day < (
                SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
              ) THEN true WHEN m.day > (
                SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
              ) + 1 THEN false ELSE m.day <= (
                $3::timestamptz AT TIME ZONE coalesce(
                  (
                    SELECT ps.time_zone
                    FROM store ps
                    WHERE ps.group_id = $4::bigint AND ps.id = c.store_id
                  ), (
                    SELECT pg.time_zone
                    FROM customer_group pg
                    WHERE pg.id = $4::bigint
                  )
                )
              )::date END THEN m.spend ELSE 0 END AS spend
              FROM campaign_metric m JOIN campaign c ON c.group_id = $4::bigint AND c.id = m.campaign_id
              WHERE m.group_id = $4::bigint AND m.day >= (
                SELECT (
                  $5::date - CASE WHEN extract(day FROM $5::date) = 1 AND extract(day FROM $6::date + 1) = 1 THEN make_interval(
                    months = > (
                      12 * (extract(year FROM $6::date + 1) - extract(year FROM $5::date)) + extract(month FROM $6::date + 1) - extract(month FROM $5::date)
                    )::int
                  ) ELSE make_interval(days = > $6::date - $5::date + 1) END
                )::date
              ) AND m.day <= ($5::date - 1)
            ) raw
            LEFT JOIN LATERAL (
              SELECT CASE WHEN raw.currency = $2::text THEN 1 ELSE (
                SELECT n.rate
                FROM (
                  (
                    SELECT x.rate, x.day, 0 AS turned
                    FROM exchange_rate x
                    WHERE x.group_id = $4::bigint AND x.from_currency = raw.currency AND x.to_currency = $2::text AND x.day <= raw.day
                    ORDER BY x.day DESC
                    LIMIT 1
                  ) UNION ALL (
                    SELECT 1 / y.rate, y.day, 1
                    FROM exchange_rate y
                    WHERE y.group_id = $4::bigint AND y.from_currency = $2::text AND y.to_currency = raw.currency AND y.day <= raw.day
                    ORDER BY y.day DESC
                    LIMIT 1
                  )
                ) n
                ORDER BY n.day DESC, n.turned
                LIMIT 1
              ) END AS rate
              LIMIT 1
            ) l ON true
          ) base
          GROUP BY base.campaign_id UNION ALL SELECT 'left'::text AS part, l.campaign_id, NULL AS spend, array_agg(l.kept ORDER BY l.kept) AS left_currency, array_agg(l.spend ORDER BY l.kept) AS left_spend, array_agg(l.revenue ORDER BY l.kept) AS left_revenue, array_agg(l.planned_spend ORDER BY l.kept) AS left_planned_spend
          FROM (
            SELECT base.campaign_id AS campaign_id, base.currency AS kept, coalesce(sum(base.spend), 0) AS spend, coalesce(sum(base.revenue), 0) AS revenue, coalesce(sum(base.planned_spend), 0) AS planned_spend
            FROM (
              SELECT raw.*, l.rate
              FROM (
                SELECT c.id AS campaign_id, m.currency, m.day, CASE WHEN CASE WHEN m.day < (
                  SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                ) THEN true WHEN m.day > (
                  SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                ) + 1 THEN false ELSE m.day <= (
                  $3::timestamptz AT TIME ZONE coalesce(
                    (
                      SELECT ps.time_zone
                      FROM store ps
                      WHERE ps.group_id = $4::bigint AND ps.id = c.store_id
                    ), (
                      SELECT pg.time_zone
                      FROM customer_group pg
                      WHERE pg.id = $4::bigint
                    )
                  )
                )::date END THEN 0 ELSE m.spend END AS planned_spend, m.revenue, CASE WHEN CASE WHEN m.day < (
                  SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                ) THEN true WHEN m.day > (
                  SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                ) + 1 THEN false ELSE m.day <= (
                  $3::timestamptz AT TIME ZONE coalesce(
                    (
                      SELECT ps.time_zone
                      FROM store ps
                      WHERE ps.group_id = $4::bigint AND ps.id = c.store_id
                    ), (
                      SELECT pg.time_zone
                      FROM customer_group pg
                      WHERE pg.id = $4::bigint
                    )
                  )
                )::date END THEN m.spend ELSE 0 END AS spend
                FROM campaign_metric m JOIN campaign c ON c.group_id = $4::bigint AND c.id = m.campaign_id
                WHERE m.group_id = $4::bigint AND m.day >= $5::date AND m.day <= $6::date
              ) raw
              LEFT JOIN LATERAL (
                SELECT CASE WHEN raw.currency = $2::text THEN 1 ELSE (
                  SELECT n.rate
                  FROM (
                    (
                      SELECT x.rate, x.day, 0 AS turned
                      FROM exchange_rate x
                      WHERE x.group_id = $4::bigint AND x.from_currency = raw.currency AND x.to_currency = $2::text AND x.day <= raw.day
                      ORDER BY x.day DESC
                      LIMIT 1
                    ) UNION ALL (
                      SELECT 1 / y.rate, y.day, 1
                      FROM exchange_rate y
                      WHERE y.group_id = $4::bigint AND y.from_currency = $2::text AND y.to_currency = raw.currency AND y.day <= raw.day
                      ORDER BY y.day DESC
                      LIMIT 1
                    )
                  ) n
                  ORDER BY n.day DESC, n.turned
                  LIMIT 1
                ) END AS rate
                LIMIT 1
              ) l ON true
            ) base
            WHERE base.rate IS NULL
            GROUP BY base.campaign_id, base.currency
          ) l
          WHERE num_nonnulls(nullif(l.spend, 0), nullif(l.revenue, 0), nullif(l.planned_spend, 0)) > 0
          GROUP BY l.campaign_id
        ) SELECT u.campaign_id, coalesce(max(u.spend) FILTER (WHERE u.part = 'now'), 0) AS spend, coalesce(max(u.spend) FILTER (WHERE u.part = 'former'), 0) AS was_spend, coalesce(max(u.left_currency), '{}') AS left_currency, coalesce(max(u.left_spend), '{}') AS left_spend, coalesce(max(u.left_revenue), '{}') AS left_revenue, coalesce(max(u.left_planned_spend), '{}') AS left_planned_spend FROM (
          SELECT *
          FROM parts UNION ALL SELECT 'place'::text, k.campaign_id, NULL, NULL, NULL, NULL, NULL
          FROM (
            SELECT DISTINCT campaign_id
            FROM parts
          ) k
        ) u GROUP BY u.campaign_id
      ) x
      ORDER BY - (x.spend), x.campaign_id
      LIMIT $7::bigint
    ) x
  ) t1
  LEFT JOIN campaign t2 ON t2.group_id = $4::bigint AND t2.id = t1.campaign_id
  OFFSET 0
) AS made
