SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"attribution":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"currency":"' || t2.currency || '","revenue":{"amount":"' ||
                      round(
                        t2.revenue, greatest(
                          min_scale(t2.revenue), CASE WHEN t2.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t2.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t2.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                        )
                      )::text || '"},"conversions":"' || trim_scale(t2.conversions)::text ||
                      '","cost":{"amount":"' || round(
                        t2.cost, greatest(
                          min_scale(t2.cost), CASE WHEN t2.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t2.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t2.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                        )
                      )::text || '"}}'
                    ), ',' ORDER BY t2.sort_1, t2.sort_2, t2.sort_3, t2.sort_4, t2.sort_5
                  ), ''
                )
                FROM (
                  SELECT a.currency, a.revenue, a.conversions, a.cost, a.currency AS sort_1, - a.revenue AS sort_2, a.campaign_id AS sort_3, a.channel AS sort_4, a.store_id AS sort_5
                  FROM (
                    SELECT NULL::bigint AS campaign_id, NULL::text AS channel, NULL::bigint AS store_id, p.currency, sum(p.revenue) AS revenue, sum(p.credit) AS conversions, sum(p.cost) AS cost, '{}'::text[] AS left_currency, '{}'::numeric[] AS left_revenue, '{}'::numeric[] AS left_cost
                    FROM (
                      SELECT r.campaign_id, c.store_id, CASE WHEN r.campaign_id IS NULL THEN r.channel WHEN cardinality(c.channels) = 1 AND NOT (false AND r.channel IS NOT NULL) THEN c.channels[1] ELSE coalesce(nullif(r.channel, 'unknown'), '') END AS channel, r.day, coalesce(
                        r.currency, (
                          SELECT g.currency
                          FROM customer_group g
                          WHERE g.id = $2::bigint
                        )
                      ) AS currency, r.revenue, r.credit, 0::numeric AS cost
                      FROM (
                        SELECT h.campaign_id, h.channel, h.day, h.currency, sum(h.value) * 0.0001 AS revenue, sum(h.credit) * 0.0001 AS credit
                        FROM (
                          SELECT d.*, NULL::date AS day
                          FROM (
                            SELECT r.campaign_id, r.channel, r.currency, CASE WHEN r.value < 0 THEN - r.coin ELSE r.coin END * (r.value_base + (r.value_rank <= r.value_left)::int) AS value, r.credit_base + (r.credit_rank <= r.credit_left)::int AS credit
                            FROM (
                              SELECT t.campaign_id, NULL::text AS channel, t.currency, t.value, t.coin, CASE WHEN t.n < 3 THEN t.value_coins / t.n ELSE CASE WHEN t.place IN (1, t.n) THEN (t.value_coins * 2 / 5) ELSE (t.value_coins / (5 * (t.n - 2))) END END AS value_base, CASE WHEN t.n < 3 THEN t.place ELSE CASE WHEN (t.n - 2) * ((t.value_coins * 2) % 5) > t.value_coins % (5 * (t.n - 2)) THEN CASE t.place WHEN 1 THEN 1 WHEN t.n THEN 2 ELSE t.place + 1 END WHEN (t.n - 2) * ((t.value_coins * 2) % 5) < t.value_coins % (5 * (t.n - 2)) THEN CASE t.place WHEN 1 THEN t.n - 1 WHEN t.n THEN t.n ELSE t.place - 1 END ELSE t.place END END AS value_rank, CASE WHEN t.n < 3 THEN t.value_coins % t.n ELSE t.value_coins - 2 * (t.value_coins * 2 / 5) - (t.n - 2) * (t.value_coins / (5 * (t.n - 2))) END AS value_left, CASE WHEN t.n < 3 THEN t.credit_coins / t.n ELSE CASE WHEN t.place IN (1, t.n) THEN (t.credit_coins * 2 / 5) ELSE (t.credit_coins / (5 * (t.n - 2))) END END AS credit_base, CASE WHEN t.n < 3 THEN t.place ELSE CASE WHEN (t.n - 2) * ((t.credit_coins * 2) % 5) > t.credit_coins % (5 * (t.n - 2)) THEN CASE t.place WHEN 1 THEN 1 WHEN t.n THEN 2 ELSE t.place + 1 END WHEN (t.n - 2) * ((t.credit_coins * 2) % 5) < t.credit_coins % (5 * (t.n - 2)) THEN CASE t.place WHEN 1 THEN t.n - 1 WHEN t.n THEN t.n ELSE t.place - 1 END ELSE t.place END END AS credit_rank, CASE WHEN t.n < 3 THEN t.credit_coins % t.n ELSE t.credit_coins - 2 * (t.credit_coins * 2 / 5) - (t.n - 2) * (t.credit_coins / (5 * (t.n - 2))) END AS credit_left
                              FROM (
                                SELECT s.value, s.coin, abs(s.value) / s.coin AS value_coins, CASE WHEN s.value > 0 THEN 10000::bigint ELSE 0 END AS credit_coins, s.currency, unnest(j.campaigns) AS campaign_id, generate_subscripts(j.campaigns, 1) AS place, cardinality(j.campaigns) AS n
                                FROM (
                                  SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.currency IS NULL AND v.value % (
                                    SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                    FROM customer_group gd
                                    WHERE gd.id = $2::bigint
                                  ) = 0 THEN (
                                    SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                    FROM customer_group gd
                                    WHERE gd.id = $2::bigint
                                  ) WHEN v.currency IS NOT NULL AND v.value % CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END = 0 THEN CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin, v.currency, v.day, v.campaign_id, v.channel
                                  FROM (
                                    SELECT m.storage_key AS key, m.project_id, m.customer_id, m.occurred_at AS at, m.kind, (m.value * 10000)::bigint AS value, nullif(
                                      m.currency, (
                                        SELECT gu.currency
                                        FROM customer_group gu
                                        WHERE gu.id = $2::bigint
                                      )
                                    ) AS currency, NULL::date AS day, NULL::bigint AS campaign_id, NULL::text AS channel
                                    FROM event_metric m
                                    WHERE m.group_id = $2::bigint AND m.project_id = ANY (
                                      ARRAY (
                                        SELECT mp.id
                                        FROM project mp
                                        WHERE mp.group_id = $2::bigint AND (mp.store_id IS NULL OR mp.store_id = $3::bigint) AND mp.id = ANY ($4::bigint[])
                                      )
                                    ) AND m.storage_key = $5::text AND m.occurred_at <= $6::timestamptz AND m.customer_id = ANY (
                                      ARRAY (
                                        SELECT tc.customer_id
                                        FROM interaction tc
                                        WHERE tc.group_id = $2::bigint AND tc.campaign_id = t1.id
                                      )
                                    ) AND NOT (
                                      m.is_told_by_order AND 'turnover' = $5::text AND EXISTS (
                                        SELECT 1
                                        FROM event et JOIN customer_order ot ON ot.reference = et.sale_reference
                                        WHERE et.group_id = $2::bigint AND ot.group_id = $2::bigint AND ot.store_id = $3::bigint AND false AND et.project_id = m.project_id AND et.id = m.event_id
                                      )
                                    ) AND (m.kind = 'statistic' OR m.value = 1)
                                  ) v UNION ALL SELECT 'event-count', e.project_id, e.customer_id, e.occurred_at, 10000, 1, NULL, NULL::date, NULL::bigint AS campaign_id, NULL::text AS channel
                                  FROM event e
                                  WHERE e.group_id = $2::bigint AND e.project_id = ANY (
                                    ARRAY (
                                      SELECT ep.id
                                      FROM project ep
                                      WHERE ep.group_id = $2::bigint AND (ep.store_id IS NULL OR ep.store_id = $3::bigint) AND ep.id = ANY ($4::bigint[])
                                    )
                                  ) AND e.status = 'processed' AND e.event_type_id IS NOT NULL AND e.occurred_at <= $6::timestamptz AND e.customer_id = ANY (
                                    ARRAY (
                                      SELECT tc.customer_id
                                      FROM interaction tc
                                      WHERE tc.group_id = $2::bigint AND tc.campaign_id = t1.id
                                    )
                                  ) AND 'event-count' = $5::text UNION ALL SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.currency IS NULL AND v.value % (
                                    SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                    FROM customer_group gd
                                    WHERE gd.id = $2::bigint
                                  ) = 0 THEN (
                                    SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                    FROM customer_group gd
                                    WHERE gd.id = $2::bigint
                                  ) WHEN v.currency IS NOT NULL AND v.value % CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END = 0 THEN CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin, v.currency, v.day, v.campaign_id, v.channel
                                  FROM (
                                    SELECT 'order' AS key, NULL::bigint AS project_id, o.customer_id, o.ordered_at AS at, 'statistic' AS kind, (o.worth * 10000)::bigint AS value, nullif(
                                      o.currency, (
                                        SELECT ou.currency
                                        FROM customer_group ou
                                        WHERE ou.id = $2::bigint
                                      )
                                    ) AS currency, NULL::date AS day, o.campaign_id, nullif(o.channel, 'unknown') AS channel
                                    FROM customer_order o
                                    WHERE o.group_id = $2::bigint AND o.store_id = $3::bigint AND false AND 'turnover' = $5::text AND o.worth <> 0 AND o.ordered_at <= $6::timestamptz AND o.customer_id = ANY (
                                      ARRAY (
                                        SELECT tc.customer_id
                                        FROM interaction tc
                                        WHERE tc.group_id = $2::bigint AND tc.campaign_id = t1.id
                                      )
                                    )
                                  ) v
                                ) s
                                CROSS JOIN LATERAL (
                                  SELECT coalesce(array_agg(t.campaign_id ORDER BY t.occurred_at, t.id), '{NULL}') AS campaigns
                                  FROM interaction t
                                  WHERE t.group_id = $2::bigint AND t.customer_id = s.customer_id AND t.project_id = ANY (
                                    ARRAY (
                                      SELECT tp.id
                                      FROM project tp
                                      WHERE tp.group_id = $2::bigint AND (tp.store_id IS NULL OR tp.store_id = $3::bigint) AND tp.id = ANY ($4::bigint[])
                                    )
                                  ) AND t.project_id = coalesce(s.project_id, t.project_id) AND t.occurred_at <= s.at AND t.occurred_at >= s.at - (
                                    SELECT make_interval(days = > gw.attribution_window_days)
                                    FROM customer_group gw
                                    WHERE gw.id = $2::bigint
                                  )
                                ) j
                              ) t
                            ) r
                          ) d
                        ) h
                        WHERE h.campaign_id = t1.id
                        GROUP BY 1, 2, 3, 4
                      ) r
                      LEFT JOIN campaign c ON c.group_id = $2::bigint AND c.store_id = $3::bigint AND c.project_id = ANY ($4::bigint[]) AND c.id = r.campaign_id
                      WHERE (r.campaign_id IS NULL OR c.id IS NOT NULL) UNION ALL SELECT sc.id, sc.store_id, CASE WHEN sp.channel <> 'unknown' THEN sp.channel ELSE CASE WHEN sc.id IS NULL THEN NULL WHEN cardinality(sc.channels) = 1 AND NOT (false AND NULL IS NOT NULL) THEN sc.channels[1] ELSE coalesce(nullif(NULL, 'unknown'), '') END END, sp.day, sp.currency, 0, 0, sum(sp.amount)
                      FROM spend_entry sp JOIN campaign sc ON sc.id = sp.campaign_id
                      WHERE sp.group_id = $2::bigint AND sc.group_id = $2::bigint AND sc.store_id = $3::bigint AND sc.project_id = ANY ($4::bigint[]) AND CASE WHEN sp.day < (
                        SELECT ($6::timestamptz AT TIME ZONE 'UTC')::date
                      ) THEN true WHEN sp.day > (
                        SELECT ($6::timestamptz AT TIME ZONE 'UTC')::date
                      ) + 1 THEN false ELSE sp.day <= (
                        SELECT ($6::timestamptz AT TIME ZONE z.zone)::date
                        FROM (
                          SELECT szs.id, coalesce(
                            szs.time_zone, (
                              SELECT szg.time_zone
                              FROM customer_group szg
                              WHERE szg.id = $2::bigint
                            )
                          ) AS zone
                          FROM store szs
                          WHERE szs.group_id = $2::bigint AND szs.id = $3::bigint
                        ) z
                        WHERE z.id = sc.store_id
                      ) END AND sp.campaign_id = t1.id
                      GROUP BY 1, 2, 3, 4, 5
                    ) p
                    GROUP BY 1, 2, 3, 4
                  ) a
                ) t2
              ) || ']}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.store_id = $3::bigint AND t1.project_id = ANY ($4::bigint[]) AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $7::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
