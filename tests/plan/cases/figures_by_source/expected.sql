SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"figures":[' || (
      SELECT coalesce(
        string_agg(
          (
            '{"channel":' || coalesce(to_json(t1.channel)::text, 'null') ||
            ',"bySource":[' || (
              SELECT coalesce(
                string_agg(
                  (
                    '{"source":' || to_json(t2.source)::text || ',"clicks":' ||
                    t2.clicks::text || ',"conversions":"' || trim_scale(t2.conversions)::text ||
                    '","spend":{"amount":"' || round(
                      t2.spend, greatest(
                        min_scale(t2.spend), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                      )
                    )::text || '","currency":"' || t1.currency || '"}}'
                  ), ',' ORDER BY t2.place
                ), ''
              )
              FROM unnest(t1.source_source, t1.source_clicks, t1.source_conversions, t1.source_spend) WITH ORDINALITY t2(source, clicks, conversions, spend, place)
            ) || ']}'
          ), ',' ORDER BY t1.sort_1, t1.sort_2
        ), ''
      )
      FROM (
        SELECT x.channel, x.currency, x.source_source, x.source_clicks, x.source_conversions, x.source_spend, x.channel AS sort_1, x.currency AS sort_2
        FROM (
          SELECT u.channel, u.currency, coalesce(max(u.source_source), '{}') AS source_source, coalesce(max(u.source_impressions), '{}') AS source_impressions, coalesce(max(u.source_clicks), '{}') AS source_clicks, coalesce(max(u.source_conversions), '{}') AS source_conversions, coalesce(max(u.source_sent), '{}') AS source_sent, coalesce(max(u.source_delivered), '{}') AS source_delivered, coalesce(max(u.source_opened), '{}') AS source_opened, coalesce(max(u.source_clicked), '{}') AS source_clicked, coalesce(max(u.source_unsubscribed), '{}') AS source_unsubscribed, coalesce(max(u.source_spend), '{}') AS source_spend, coalesce(max(u.source_revenue), '{}') AS source_revenue
          FROM (
            SELECT 'now'::text AS part, base.channel AS channel, base.currency AS currency, NULL::text[] AS source_source, NULL::numeric[] AS source_impressions, NULL::numeric[] AS source_clicks, NULL::numeric[] AS source_conversions, NULL::numeric[] AS source_sent, NULL::numeric[] AS source_delivered, NULL::numeric[] AS source_opened, NULL::numeric[] AS source_clicked, NULL::numeric[] AS source_unsubscribed, NULL::numeric[] AS source_spend, NULL::numeric[] AS source_revenue
            FROM (
              SELECT m.channel, m.currency
              FROM metric_rollup m
              WHERE m.group_id = $2::bigint
            ) base
            GROUP BY base.channel, base.currency UNION ALL SELECT 'listed'::text AS part, l.channel, l.currency, array_agg(l.kept ORDER BY l.kept) AS source_source, array_agg(l.impressions ORDER BY l.kept) AS source_impressions, array_agg(l.clicks ORDER BY l.kept) AS source_clicks, array_agg(l.conversions ORDER BY l.kept) AS source_conversions, array_agg(l.sent ORDER BY l.kept) AS source_sent, array_agg(l.delivered ORDER BY l.kept) AS source_delivered, array_agg(l.opened ORDER BY l.kept) AS source_opened, array_agg(l.clicked ORDER BY l.kept) AS source_clicked, array_agg(l.unsubscribed ORDER BY l.kept) AS source_unsubscribed, array_agg(l.spend ORDER BY l.kept) AS source_spend, array_agg(l.revenue ORDER BY l.kept) AS source_revenue
            FROM (
              SELECT base.channel AS channel, base.currency AS currency, base.source AS kept, coalesce(sum(base.impressions), 0) AS impressions, coalesce(sum(base.clicks), 0) AS clicks, coalesce(sum(base.conversions), 0) AS conversions, coalesce(sum(base.sent), 0) AS sent, coalesce(sum(base.delivered), 0) AS delivered, coalesce(sum(base.opened), 0) AS opened, coalesce(sum(base.clicked), 0) AS clicked, coalesce(sum(base.unsubscribed), 0) AS unsubscribed, coalesce(sum(base.spend), 0) AS spend, coalesce(sum(base.revenue), 0) AS revenue
              FROM (
                SELECT m.channel, m.clicked, m.clicks, m.conversions, m.currency, m.delivered, m.impressions, m.opened, m.revenue, m.sent, m.source, CASE WHEN CASE WHEN m.day < (
                  SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                ) THEN true WHEN m.day > (
                  SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                ) + 1 THEN false ELSE m.day <= (
                  $3::timestamptz AT TIME ZONE coalesce(
                    (
                      SELECT ps.time_zone
                      FROM store ps
                      WHERE ps.group_id = $2::bigint AND ps.id = m.store_id
                    ), (
                      SELECT pg.time_zone
                      FROM customer_group pg
                      WHERE pg.id = $2::bigint
                    )
                  )
                )::date END THEN m.spend ELSE 0 END AS spend, m.unsubscribed
                FROM metric_fact_rollup m
                WHERE m.group_id = $2::bigint
              ) base
              GROUP BY base.channel, base.currency, base.source
            ) l
            GROUP BY l.channel, l.currency
          ) u
          GROUP BY u.channel, u.currency
        ) x
      ) t1
    ) || '],"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"metrics":{"bySource":[' || (
                SELECT (
                  SELECT coalesce(
                    string_agg(
                      (
                        '{"source":' || to_json(t5.source)::text || ',"revenue":{"amount":"' ||
                        round(
                          t5.revenue, greatest(
                            min_scale(t5.revenue), CASE WHEN t4.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t4.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t4.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                          )
                        )::text || '","currency":"' || t4.currency || '"}}'
                      ), ',' ORDER BY t5.place
                    ), ''
                  )
                  FROM unnest(t4.source_source, t4.source_revenue) WITH ORDINALITY t5(source, revenue, place)
                )
                FROM (
                  SELECT c.currency, coalesce(max(listed.source), '{}') AS source_source, coalesce(max(listed.revenue), '{}') AS source_revenue
                  FROM campaign c
                  LEFT JOIN campaign_metric m ON m.group_id = $2::bigint AND m.campaign_id = c.id
                  CROSS JOIN LATERAL (
                    SELECT array_agg(l.source ORDER BY l.source) AS source, array_agg(l.impressions ORDER BY l.source) AS impressions, array_agg(l.clicks ORDER BY l.source) AS clicks, array_agg(l.conversions ORDER BY l.source) AS conversions, array_agg(l.sent ORDER BY l.source) AS sent, array_agg(l.delivered ORDER BY l.source) AS delivered, array_agg(l.opened ORDER BY l.source) AS opened, array_agg(l.clicked ORDER BY l.source) AS clicked, array_agg(l.unsubscribed ORDER BY l.source) AS unsubscribed, array_agg(l.spend ORDER BY l.source) AS spend, array_agg(l.revenue ORDER BY l.source) AS revenue
                    FROM (
                      SELECT listed_f.source, coalesce(sum(listed_f.impressions), 0) AS impressions, coalesce(sum(listed_f.clicks), 0) AS clicks, coalesce(sum(listed_f.conversions), 0) AS conversions, coalesce(sum(listed_f.sent), 0) AS sent, coalesce(sum(listed_f.delivered), 0) AS delivered, coalesce(sum(listed_f.opened), 0) AS opened, coalesce(sum(listed_f.clicked), 0) AS clicked, coalesce(sum(listed_f.unsubscribed), 0) AS unsubscribed, coalesce(sum(listed_f.spend), 0) AS spend, coalesce(sum(listed_f.revenue), 0) AS revenue
                      FROM metric_fact listed_f
                      WHERE listed_f.group_id = $2::bigint AND listed_f.campaign_id = c.id AND listed_f.currency = c.currency
                      GROUP BY listed_f.source
                    ) l
                  ) listed
                  WHERE c.group_id = $2::bigint AND c.id = t3.id
                  GROUP BY c.currency
                ) t4
              ) || ']}}'
            ), ',' ORDER BY t3.created_at DESC, t3.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t3.created_at, t3.id
        FROM campaign t3
        WHERE t3.group_id = $2::bigint AND t3.deleted_at IS NULL
        ORDER BY t3.created_at DESC, t3.id DESC
        LIMIT $4::bigint
      ) t3
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
