SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"figures":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"period":' || coalesce(('"' || t2.period::text || '"'), 'null') ||
                      ',"channel":' || coalesce(to_json(t2.channel)::text, 'null') ||
                      ',"clicks":' || t2.clicks::text || ',"spend":{"amount":"' ||
                      round(
                        t2.spend, greatest(
                          min_scale(t2.spend), CASE WHEN t2.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t2.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t2.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                        )
                      )::text || '"}}'
                    ), ',' ORDER BY t2.sort_1, t2.sort_2, t2.sort_3
                  ), ''
                )
                FROM (
                  SELECT x.period, x.channel, x.clicks, x.spend, x.currency, x.period AS sort_1, x.channel AS sort_2, x.currency AS sort_3
                  FROM (
                    SELECT 'now'::text AS part, base.day AS period, base.channel AS channel, base.currency AS currency, coalesce(sum(base.clicks), 0) AS clicks, coalesce(sum(base.spend), 0) AS spend
                    FROM (
                      SELECT m.channel, m.clicks, m.currency, m.day, CASE WHEN CASE WHEN m.day < (
                        SELECT ($2::timestamptz AT TIME ZONE 'UTC')::date
                      ) THEN true WHEN m.day > (
                        SELECT ($2::timestamptz AT TIME ZONE 'UTC')::date
                      ) + 1 THEN false ELSE m.day <= (
                        $2::timestamptz AT TIME ZONE coalesce(
                          (
                            SELECT ps.time_zone
                            FROM store ps
                            WHERE ps.group_id = $3::bigint AND ps.id = (
                              SELECT pc.store_id
                              FROM campaign pc
                              WHERE pc.group_id = $3::bigint AND pc.id = m.campaign_id
                            )
                          ), (
                            SELECT pg.time_zone
                            FROM customer_group pg
                            WHERE pg.id = $3::bigint
                          )
                        )
                      )::date END THEN m.spend ELSE 0 END AS spend
                      FROM campaign_metric m
                      WHERE m.group_id = $3::bigint AND m.campaign_id = t1.id
                    ) base
                    GROUP BY base.day, base.channel, base.currency
                  ) x
                ) t2
              ) || ']}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id
        FROM campaign t1
        WHERE t1.group_id = $3::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $4::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
