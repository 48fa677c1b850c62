SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"attribution":[' || coalesce(
      string_agg(
        (
          '{"channel":' || coalesce(to_json(t1.channel)::text, 'null') ||
          ',"currency":"' || t1.currency || '","revenue":{"amount":"' ||
          round(
            t1.revenue, greatest(
              min_scale(t1.revenue), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"},"cost":{"amount":"' || round(
            t1.cost, greatest(
              min_scale(t1.cost), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"}}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3, t1.sort_4, t1.sort_5
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT a.channel, a.currency, a.revenue, a.cost, a.currency AS sort_1, - a.revenue AS sort_2, a.campaign_id AS sort_3, a.channel AS sort_4, a.store_id AS sort_5
    FROM (
      SELECT NULL::bigint AS campaign_id, p.channel AS channel, NULL::bigint AS store_id, p.currency, sum(p.revenue) AS revenue, sum(p.credit) AS conversions, sum(p.cost) AS cost, '{}'::text[] AS left_currency, '{}'::numeric[] AS left_revenue, '{}'::numeric[] AS left_cost
      FROM (
        SELECT r.campaign_id, c.store_id, CASE WHEN r.campaign_id IS NOT NULL THEN CASE cardinality(c.channels) WHEN 1 THEN c.channels[1] ELSE 'other' END END AS channel, r.day, (
          SELECT g.currency
          FROM customer_group g
          WHERE g.id = $2::bigint
        ) AS currency, r.revenue, r.credit, 0::numeric AS cost
        FROM (
          SELECT h.campaign_id, NULL::date AS day, sum(h.value) * 0.0001 AS revenue, sum(h.credit) * 0.0001 AS credit
          FROM (
            SELECT (
              SELECT t.campaign_id
              FROM interaction t
              WHERE t.group_id = $2::bigint AND t.customer_id = s.customer_id AND t.project_id = s.project_id AND t.occurred_at <= s.at AND t.occurred_at >= s.at - make_interval(days = > $3::int) AND t.campaign_id IS NOT NULL
              ORDER BY t.occurred_at DESC, t.id DESC
              LIMIT 1
            ) AS campaign_id, s.at, s.key, s.value, 0 AS credit
            FROM (
              SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.value % (
                SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                FROM customer_group gd
                WHERE gd.id = $2::bigint
              ) = 0 THEN (
                SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                FROM customer_group gd
                WHERE gd.id = $2::bigint
              ) WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin
              FROM (
                SELECT m.storage_key AS key, m.project_id, m.customer_id, m.occurred_at AS at, m.kind, (m.value * 10000)::bigint AS value
                FROM event_metric m
                WHERE m.group_id = $2::bigint AND m.project_id = ANY (
                  ARRAY (
                    SELECT mp.id
                    FROM project mp
                    WHERE mp.group_id = $2::bigint
                  )
                ) AND m.storage_key = $4::text AND m.occurred_at >= (
                  SELECT $5::date::timestamp AT TIME ZONE 'UTC'
                ) AND (m.kind = 'statistic' OR m.value = 1)
              ) v UNION ALL SELECT 'event-count', e.project_id, e.customer_id, e.occurred_at, 10000, 1
              FROM event e
              WHERE e.group_id = $2::bigint AND e.project_id = ANY (
                ARRAY (
                  SELECT ep.id
                  FROM project ep
                  WHERE ep.group_id = $2::bigint
                )
              ) AND e.status = 'processed' AND e.event_type_id IS NOT NULL AND e.occurred_at >= (
                SELECT $5::date::timestamp AT TIME ZONE 'UTC'
              ) AND 'event-count' = $4::text
            ) s
          ) h
          GROUP BY 1, 2
        ) r
        LEFT JOIN campaign c ON c.group_id = $2::bigint AND c.id = r.campaign_id
        WHERE (r.campaign_id IS NULL OR c.id IS NOT NULL) UNION ALL SELECT sc.id, sc.store_id, sp.channel, sp.day, sp.currency, 0, 0, sum(sp.amount)
        FROM spend_entry sp JOIN campaign sc ON sc.id = sp.campaign_id
        WHERE sp.group_id = $2::bigint AND sc.group_id = $2::bigint AND sp.day >= $5::date
        GROUP BY 1, 2, 3, 4, 5
      ) p
      GROUP BY 1, 2, 3, 4
    ) a
  ) t1
  OFFSET 0
) AS made
