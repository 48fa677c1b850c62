SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"attributedInsights":[' || coalesce(
      string_agg(
        (
          '{"period":' || to_json(t1.period)::text || ',"channel":' ||
          coalesce(to_json(t1.channel)::text, 'null') ||
          ',"values":[' || (
            SELECT coalesce(
              string_agg(
                (
                  '{"metric":' || to_json(t2.metric)::text || ',"value":"' ||
                  trim_scale(t2.value)::text || '"}'
                ), ',' ORDER BY t2.place
              ), ''
            )
            FROM unnest(t1.value_metric, t1.value_value) WITH ORDINALITY t2(metric, value, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3, t1.sort_4, t1.sort_5
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT i.label AS period, i.channel, $2::text[] AS value_metric, i.sums AS value_value, i.bucket AS sort_1, i.campaign_id AS sort_2, i.channel AS sort_3, i.is_unknown AS sort_4, i.store_id AS sort_5
    FROM (
      WITH facts AS MATERIALIZED (
        SELECT date_trunc('week', (h.at AT TIME ZONE $3::text)) AS bucket, coalesce(
          '+' || CASE WHEN h.campaign_id IS NULL THEN h.channel WHEN cardinality(c.channels) = 1 AND NOT (false AND h.channel IS NOT NULL) THEN c.channels[1] ELSE coalesce(nullif(h.channel, 'unknown'), '') END, '-'
        ) AS part, h.key, sum(h.value) * 0.0001 AS value
        FROM (
          SELECT r.campaign_id, r.channel, r.at, r.key, CASE WHEN r.value < 0 THEN - r.coin ELSE r.coin END * (r.value_base + (r.value_rank <= r.value_left)::int) AS value, 0 AS credit
          FROM (
            SELECT t.campaign_id, coalesce(t.channel, CASE WHEN t.campaign_id = t.own_campaign THEN t.own_channel END) AS channel, t.at, t.key, t.value, t.coin, t.value_coins / t.n AS value_base, t.place AS value_rank, t.value_coins % t.n AS value_left
            FROM (
              SELECT s.value, s.coin, abs(s.value) / s.coin AS value_coins, s.at, s.key, unnest(j.campaigns) AS campaign_id, generate_subscripts(j.campaigns, 1) AS place, cardinality(j.campaigns) AS n, unnest(j.channels) AS channel, s.campaign_id AS own_campaign, s.channel AS own_channel
              FROM (
                SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.currency IS NULL AND v.value % (
                  SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                  FROM customer_group gd
                  WHERE gd.id = $4::bigint
                ) = 0 THEN (
                  SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                  FROM customer_group gd
                  WHERE gd.id = $4::bigint
                ) WHEN v.currency IS NOT NULL AND v.value % CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END = 0 THEN CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin, v.currency, v.day, v.campaign_id, v.channel
                FROM (
                  SELECT m.storage_key AS key, m.project_id, m.customer_id, m.occurred_at AS at, m.kind, (m.value * 10000)::bigint AS value, nullif(
                    m.currency, (
                      SELECT gu.currency
                      FROM customer_group gu
                      WHERE gu.id = $4::bigint
                    )
                  ) AS currency, NULL::date AS day, NULL::bigint AS campaign_id, NULL::text AS channel
                  FROM event_metric m
                  WHERE m.group_id = $4::bigint AND m.project_id = ANY (
                    ARRAY (
                      SELECT mp.id
                      FROM project mp
                      WHERE mp.group_id = $4::bigint
                    )
                  ) AND m.storage_key = ANY ($2::text[]) AND m.occurred_at >= $5::text::timestamptz AND m.occurred_at < ($6::text::timestamptz + interval '1 microsecond') AND (m.kind = 'statistic' OR m.value = 1)
                ) v UNION ALL SELECT 'event-count', e.project_id, e.customer_id, e.occurred_at, 10000, 1, NULL, NULL::date, NULL::bigint AS campaign_id, NULL::text AS channel
                FROM event e
                WHERE e.group_id = $4::bigint AND e.project_id = ANY (
                  ARRAY (
                    SELECT ep.id
                    FROM project ep
                    WHERE ep.group_id = $4::bigint
                  )
                ) AND e.status = 'processed' AND e.event_type_id IS NOT NULL AND e.occurred_at >= $5::text::timestamptz AND e.occurred_at < ($6::text::timestamptz + interval '1 microsecond') AND 'event-count' = ANY ($2::text[])
              ) s
              CROSS JOIN LATERAL (
                SELECT coalesce(array_agg(t.campaign_id ORDER BY t.occurred_at, t.id), '{NULL}') AS campaigns, coalesce(array_agg(t.channel ORDER BY t.occurred_at, t.id), '{NULL}') AS channels
                FROM interaction t
                WHERE t.group_id = $4::bigint AND t.customer_id = s.customer_id AND t.project_id = ANY (
                  ARRAY (
                    SELECT tp.id
                    FROM project tp
                    WHERE tp.group_id = $4::bigint
                  )
                ) AND t.project_id = coalesce(s.project_id, t.project_id) AND t.occurred_at <= s.at AND t.occurred_at >= s.at - make_interval(days = > $7::int)
              ) j
            ) t
          ) r
        ) h
        LEFT JOIN campaign c ON c.group_id = $4::bigint AND c.id = h.campaign_id
        WHERE (h.campaign_id IS NULL OR c.id IS NOT NULL)
        GROUP BY 1, 2, 3
      ) SELECT b.bucket, to_char(b.bucket AT TIME ZONE $3::text, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS label, ty.campaign_id, ty.channel, ty.is_unknown, ty.store_id, coalesce(array_agg(coalesce(f.value, 0) ORDER BY k.place) FILTER (WHERE k.key IS NOT NULL), '{}') AS sums FROM (
        SELECT generate_series(
          date_trunc('week', ($5::text::timestamptz AT TIME ZONE $3::text)), date_trunc('week', ($6::text::timestamptz AT TIME ZONE $3::text)), interval '7 days'
        ) AS bucket
      ) b CROSS JOIN (
        SELECT DISTINCT part, NULL::bigint AS campaign_id, CASE WHEN part NOT IN ('-', '+') THEN substr(part, 2) END AS channel, part = '+' AS is_unknown, NULL::bigint AS store_id
        FROM facts
      ) ty LEFT JOIN unnest($2::text[]) WITH ORDINALITY k(key, place) ON true LEFT JOIN facts f ON f.bucket = b.bucket AND f.part = ty.part AND f.key = k.key GROUP BY b.bucket, ty.part, ty.campaign_id, ty.channel, ty.is_unknown, ty.store_id
    ) i
  ) t1
  OFFSET 0
) AS made
