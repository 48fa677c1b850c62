SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"attribution":[' || coalesce(
      string_agg(
        (
          '{"campaign":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"currency":"' || t1.currency || '","revenue":{"amount":"' ||
          round(
            t1.revenue, greatest(
              min_scale(t1.revenue), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"},"conversions":"' || trim_scale(t1.conversions)::text ||
          '","cost":{"amount":"' || round(
            t1.cost, greatest(
              min_scale(t1.cost), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"},"roas":' || coalesce(round(coalesce(t1.revenue, 0) / nullif(t1.cost, 0), 4)::text, 'null') ||
          ',"unconverted":[' || (
            SELECT coalesce(
              string_agg(
                (
                  '{"currency":"' || t3.currency || '","revenue":{"amount":"' ||
                  round(
                    t3.revenue, greatest(
                      min_scale(t3.revenue), CASE WHEN t3.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t3.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t3.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                    )
                  )::text || '"},"cost":{"amount":"' || round(
                    t3.cost, greatest(
                      min_scale(t3.cost), CASE WHEN t3.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t3.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t3.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                    )
                  )::text || '"}}'
                ), ',' ORDER BY t3.place
              ), ''
            )
            FROM unnest(t1.left_currency, t1.left_revenue, t1.left_cost) WITH ORDINALITY t3(currency, revenue, cost, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3, t1.sort_4, t1.sort_5
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT a.campaign_id, a.currency, a.revenue, a.conversions, a.cost, a.left_currency, a.left_revenue, a.left_cost, a.currency AS sort_1, - a.revenue AS sort_2, a.campaign_id AS sort_3, a.channel AS sort_4, a.store_id AS sort_5
    FROM (
      SELECT e.campaign_id, e.channel, e.store_id, $2::text AS currency, sum(e.revenue) AS revenue, sum(e.credit) AS conversions, sum(e.cost) AS cost, coalesce(
        array_agg(e.currency ORDER BY e.currency) FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0), '{}'
      ) AS left_currency, coalesce(
        array_agg(e.revenue_left ORDER BY e.currency) FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0), '{}'
      ) AS left_revenue, coalesce(
        array_agg(e.cost_left ORDER BY e.currency) FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0), '{}'
      ) AS left_cost
      FROM (
        SELECT p.campaign_id AS campaign_id, NULL::text AS channel, NULL::bigint AS store_id, p.currency, sum(p.credit) AS credit, coalesce(sum(round(p.revenue * p.rate, 4)), 0) AS revenue, coalesce(sum(round(p.cost * p.rate, 4)), 0) AS cost, sum(p.revenue) FILTER (WHERE p.rate IS NULL) AS revenue_left, sum(p.cost) FILTER (WHERE p.rate IS NULL) AS cost_left
        FROM (
          SELECT p.*, CASE WHEN p.currency = $2::text THEN 1 ELSE (
            SELECT n.rate
            FROM (
              (
                SELECT x.rate, x.day, 0 AS turned
                FROM exchange_rate x
                WHERE x.group_id = $3::bigint AND x.from_currency = p.currency AND x.to_currency = $2::text AND x.day <= p.day
                ORDER BY x.day DESC
                LIMIT 1
              ) UNION ALL (
                SELECT 1 / y.rate, y.day, 1
                FROM exchange_rate y
                WHERE y.group_id = $3::bigint AND y.from_currency = $2::text AND y.to_currency = p.currency AND y.day <= p.day
                ORDER BY y.day DESC
                LIMIT 1
              )
            ) n
            ORDER BY n.day DESC, n.turned
            LIMIT 1
          ) END AS rate
          FROM (
            SELECT q.campaign_id, q.store_id, q.channel, q.day, q.currency, sum(q.revenue) AS revenue, sum(q.credit) AS credit, sum(q.cost) AS cost
            FROM (
              SELECT r.campaign_id, c.store_id, CASE WHEN r.campaign_id IS NULL THEN r.channel WHEN cardinality(c.channels) = 1 AND NOT (false AND r.channel IS NOT NULL) THEN c.channels[1] ELSE coalesce(nullif(r.channel, 'unknown'), '') END AS channel, r.day, coalesce(
                r.currency, (
                  SELECT g.currency
                  FROM customer_group g
                  WHERE g.id = $3::bigint
                )
              ) AS currency, r.revenue, r.credit, 0::numeric AS cost
              FROM (
                SELECT h.campaign_id, h.channel, h.day, h.currency, sum(h.value) * 0.0001 AS revenue, sum(h.credit) * 0.0001 AS credit
                FROM (
                  SELECT r.campaign_id, r.channel, r.day, r.currency, CASE WHEN r.value < 0 THEN - r.coin ELSE r.coin END * (r.value_base + (r.value_rank <= r.value_left)::int) AS value, r.credit_base + (r.credit_rank <= r.credit_left)::int AS credit
                  FROM (
                    SELECT d.campaign_id, d.channel, d.day, d.currency, d.value, d.coin, d.value_base, d.value_coins - sum(d.value_base) OVER value_order::bigint AS value_left, row_number() OVER value_order AS value_rank, d.credit_base, d.credit_coins - sum(d.credit_base) OVER credit_order::bigint AS credit_left, row_number() OVER credit_order AS credit_rank
                    FROM (
                      SELECT b.*, CASE WHEN b.value_coins < 1073741824 THEN b.value_coins * b.weight / b.weights ELSE div(b.value_coins::numeric * b.weight, b.weights)::bigint END AS value_base, CASE WHEN b.credit_coins < 1073741824 THEN b.credit_coins * b.weight / b.weights ELSE div(b.credit_coins::numeric * b.weight, b.weights)::bigint END AS credit_base, CASE WHEN b.value_coins < 1073741824 THEN b.value_coins * b.weight % b.weights ELSE (b.value_coins::numeric * b.weight % b.weights)::bigint END AS value_rest, CASE WHEN b.credit_coins < 1073741824 THEN b.credit_coins * b.weight % b.weights ELSE (b.credit_coins::numeric * b.weight % b.weights)::bigint END AS credit_rest
                      FROM (
                        SELECT w.*, sum(w.weight) OVER (PARTITION BY w.ref)::bigint AS weights
                        FROM (
                          SELECT t.campaign_id, coalesce(t.channel, CASE WHEN t.campaign_id = t.own_campaign THEN t.own_channel END) AS channel, t.day, t.currency, t.value, t.coin, t.value_coins, t.credit_coins, t.ref, t.place, trunc(
                            4294967296 * power(
                              2::float8, - least(
                                100, round(date_part('epoch', t.latest - t.moment) * 1000000) / (
                                  SELECT gh.attribution_half_life_days * 86400000000
                                  FROM customer_group gh
                                  WHERE gh.id = $3::bigint
                                )::float8
                              )
                            )
                          )::bigint AS weight
                          FROM (
                            SELECT s.value, s.coin, abs(s.value) / s.coin AS value_coins, CASE WHEN s.value > 0 THEN 10000::bigint ELSE 0 END AS credit_coins, s.day, s.currency, unnest(j.campaigns) AS campaign_id, generate_subscripts(j.campaigns, 1) AS place, cardinality(j.campaigns) AS n, unnest(j.channels) AS channel, s.campaign_id AS own_campaign, s.channel AS own_channel, unnest(j.moments) AS moment, j.moments[cardinality(j.moments)] AS latest, s.ref
                            FROM (
                              SELECT n.*, row_number() OVER () AS ref
                              FROM (
                                SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.currency IS NULL AND v.value % (
                                  SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                  FROM customer_group gd
                                  WHERE gd.id = $3::bigint
                                ) = 0 THEN (
                                  SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                  FROM customer_group gd
                                  WHERE gd.id = $3::bigint
                                ) WHEN v.currency IS NOT NULL AND v.value % CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END = 0 THEN CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin, v.currency, v.day, v.campaign_id, v.channel
                                FROM (
                                  SELECT m.storage_key AS key, m.project_id, m.customer_id, m.occurred_at AS at, m.kind, (m.value * 10000)::bigint AS value, nullif(
                                    m.currency, (
                                      SELECT gu.currency
                                      FROM customer_group gu
                                      WHERE gu.id = $3::bigint
                                    )
                                  ) AS currency, (m.occurred_at AT TIME ZONE mz.zone)::date AS day, NULL::bigint AS campaign_id, NULL::text AS channel
                                  FROM event_metric m JOIN (
                                    SELECT mzp.id, coalesce(
                                      mzs.time_zone, (
                                        SELECT mzg.time_zone
                                        FROM customer_group mzg
                                        WHERE mzg.id = $3::bigint
                                      )
                                    ) AS zone
                                    FROM project mzp
                                    LEFT JOIN store mzs ON mzs.group_id = $3::bigint AND mzs.id = mzp.store_id
                                    WHERE mzp.group_id = $3::bigint
                                  ) mz ON mz.id = m.project_id
                                  WHERE m.group_id = $3::bigint AND m.project_id = ANY (
                                    ARRAY (
                                      SELECT mp.id
                                      FROM project mp
                                      WHERE mp.group_id = $3::bigint AND (mp.slug = $4::text OR mp.id = $5::bigint)
                                    )
                                  ) AND m.storage_key = $6::text AND m.occurred_at <= $7::timestamptz AND m.occurred_at >= (
                                    SELECT $8::date::timestamp AT TIME ZONE 'UTC' - interval '1 day'
                                  ) AND (m.occurred_at AT TIME ZONE mz.zone)::date >= $8::date AND m.occurred_at < (
                                    SELECT $9::date::timestamp AT TIME ZONE 'UTC' + interval '2 days'
                                  ) AND (m.occurred_at AT TIME ZONE mz.zone)::date <= $9::date AND NOT (
                                    m.is_told_by_order AND 'turnover' = $6::text AND EXISTS (
                                      SELECT 1
                                      FROM event et JOIN customer_order ot ON ot.reference = et.sale_reference
                                      WHERE et.group_id = $3::bigint AND ot.group_id = $3::bigint AND et.project_id = m.project_id AND et.id = m.event_id AND ot.campaign_id = ANY (
                                        ARRAY (
                                          SELECT ct.id
                                          FROM campaign ct
                                          WHERE ct.group_id = $3::bigint AND (
                                            ct.project_id = ANY (
                                              ARRAY (
                                                SELECT ctk.id
                                                FROM project ctk
                                                WHERE ctk.group_id = $3::bigint AND (ctk.slug = $4::text OR ctk.id = $5::bigint)
                                              )
                                            ) OR ct.integration_id = ANY (
                                              ARRAY (
                                                SELECT cti.id
                                                FROM integration cti
                                                WHERE cti.group_id = $3::bigint AND cti.project_id = ANY (
                                                  ARRAY (
                                                    SELECT ctj.id
                                                    FROM project ctj
                                                    WHERE ctj.group_id = $3::bigint AND (ctj.slug = $4::text OR ctj.id = $5::bigint)
                                                  )
                                                )
                                              )
                                            )
                                          )
                                        )
                                      )
                                    )
                                  ) AND (m.kind = 'statistic' OR m.value = 1)
                                ) v UNION ALL SELECT 'event-count', e.project_id, e.customer_id, e.occurred_at, 10000, 1, NULL, (e.occurred_at AT TIME ZONE ez.zone)::date, NULL::bigint AS campaign_id, NULL::text AS channel
                                FROM event e JOIN (
                                  SELECT ezp.id, coalesce(
                                    ezs.time_zone, (
                                      SELECT ezg.time_zone
                                      FROM customer_group ezg
                                      WHERE ezg.id = $3::bigint
                                    )
                                  ) AS zone
                                  FROM project ezp
                                  LEFT JOIN store ezs ON ezs.group_id = $3::bigint AND ezs.id = ezp.store_id
                                  WHERE ezp.group_id = $3::bigint
                                ) ez ON ez.id = e.project_id
                                WHERE e.group_id = $3::bigint AND e.project_id = ANY (
                                  ARRAY (
                                    SELECT ep.id
                                    FROM project ep
                                    WHERE ep.group_id = $3::bigint AND (ep.slug = $4::text OR ep.id = $5::bigint)
                                  )
                                ) AND e.status = 'processed' AND e.event_type_id IS NOT NULL AND e.occurred_at <= $7::timestamptz AND e.occurred_at >= (
                                  SELECT $8::date::timestamp AT TIME ZONE 'UTC' - interval '1 day'
                                ) AND (e.occurred_at AT TIME ZONE ez.zone)::date >= $8::date AND e.occurred_at < (
                                  SELECT $9::date::timestamp AT TIME ZONE 'UTC' + interval '2 days'
                                ) AND (e.occurred_at AT TIME ZONE ez.zone)::date <= $9::date AND 'event-count' = $6::text UNION ALL SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.currency IS NULL AND v.value % (
                                  SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                  FROM customer_group gd
                                  WHERE gd.id = $3::bigint
                                ) = 0 THEN (
                                  SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                  FROM customer_group gd
                                  WHERE gd.id = $3::bigint
                                ) WHEN v.currency IS NOT NULL AND v.value % CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END = 0 THEN CASE WHEN v.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN v.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin, v.currency, v.day, v.campaign_id, v.channel
                                FROM (
                                  SELECT 'order' AS key, NULL::bigint AS project_id, o.customer_id, o.ordered_at AS at, 'statistic' AS kind, (o.worth * 10000)::bigint AS value, nullif(
                                    o.currency, (
                                      SELECT ou.currency
                                      FROM customer_group ou
                                      WHERE ou.id = $3::bigint
                                    )
                                  ) AS currency, o.ordered_on AS day, o.campaign_id, nullif(o.channel, 'unknown') AS channel
                                  FROM customer_order o
                                  WHERE o.group_id = $3::bigint AND 'turnover' = $6::text AND o.worth <> 0 AND o.ordered_at <= $7::timestamptz AND o.ordered_at >= (
                                    SELECT $8::date::timestamp AT TIME ZONE 'UTC' - interval '1 day'
                                  ) AND o.ordered_on >= $8::date AND o.ordered_at < (
                                    SELECT $9::date::timestamp AT TIME ZONE 'UTC' + interval '2 days'
                                  ) AND o.ordered_on <= $9::date AND o.campaign_id = ANY (
                                    ARRAY (
                                      SELECT oc.id
                                      FROM campaign oc
                                      WHERE oc.group_id = $3::bigint AND (
                                        oc.project_id = ANY (
                                          ARRAY (
                                            SELECT ock.id
                                            FROM project ock
                                            WHERE ock.group_id = $3::bigint AND (ock.slug = $4::text OR ock.id = $5::bigint)
                                          )
                                        ) OR oc.integration_id = ANY (
                                          ARRAY (
                                            SELECT oci.id
                                            FROM integration oci
                                            WHERE oci.group_id = $3::bigint AND oci.project_id = ANY (
                                              ARRAY (
                                                SELECT ocj.id
                                                FROM project ocj
                                                WHERE ocj.group_id = $3::bigint AND (ocj.slug = $4::text OR ocj.id = $5::bigint)
                                              )
                                            )
                                          )
                                        )
                                      )
                                    )
                                  )
                                ) v
                              ) n
                              ORDER BY ref
                            ) s
                            CROSS JOIN LATERAL (
                              SELECT coalesce(array_agg(t.campaign_id ORDER BY t.occurred_at, t.id), '{NULL}') AS campaigns, coalesce(array_agg(t.channel ORDER BY t.occurred_at, t.id), '{NULL}') AS channels, coalesce(array_agg(t.occurred_at ORDER BY t.occurred_at, t.id), ARRAY[s.at]) AS moments
                              FROM interaction t
                              WHERE t.group_id = $3::bigint AND t.customer_id = s.customer_id AND t.project_id = ANY (
                                ARRAY (
                                  SELECT tp.id
                                  FROM project tp
                                  WHERE tp.group_id = $3::bigint AND (tp.slug = $4::text OR tp.id = $5::bigint)
                                )
                              ) AND t.project_id = coalesce(s.project_id, t.project_id) AND t.occurred_at <= s.at AND t.occurred_at >= s.at - (
                                SELECT make_interval(days = > gw.attribution_window_days)
                                FROM customer_group gw
                                WHERE gw.id = $3::bigint
                              )
                            ) j
                            ORDER BY s.ref
                          ) t
                        ) w
                      ) b
                    ) d WINDOW value_order AS (
                      PARTITION BY d.ref ORDER BY d.value_rest DESC, d.place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                    ), credit_order AS (
                      PARTITION BY d.ref ORDER BY d.credit_rest DESC, d.place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                    )
                  ) r
                ) h
                GROUP BY 1, 2, 3, 4
              ) r
              LEFT JOIN campaign c ON c.group_id = $3::bigint AND c.id = r.campaign_id
              WHERE (r.campaign_id IS NULL OR c.id IS NOT NULL) UNION ALL SELECT sc.id, sc.store_id, CASE WHEN sp.channel <> 'unknown' THEN sp.channel ELSE CASE WHEN sc.id IS NULL THEN NULL WHEN cardinality(sc.channels) = 1 AND NOT (false AND NULL IS NOT NULL) THEN sc.channels[1] ELSE coalesce(nullif(NULL, 'unknown'), '') END END, sp.day, sp.currency, 0, 0, sum(sp.amount)
              FROM spend_entry sp JOIN campaign sc ON sc.id = sp.campaign_id
              WHERE sp.group_id = $3::bigint AND sc.group_id = $3::bigint AND CASE WHEN sp.day < (
                SELECT ($7::timestamptz AT TIME ZONE 'UTC')::date
              ) THEN true WHEN sp.day > (
                SELECT ($7::timestamptz AT TIME ZONE 'UTC')::date
              ) + 1 THEN false ELSE sp.day <= (
                SELECT ($7::timestamptz AT TIME ZONE z.zone)::date
                FROM (
                  SELECT szs.id, coalesce(
                    szs.time_zone, (
                      SELECT szg.time_zone
                      FROM customer_group szg
                      WHERE szg.id = $3::bigint
                    )
                  ) AS zone
                  FROM store szs
                  WHERE szs.group_id = $3::bigint
                ) z
                WHERE z.id = sc.store_id
              ) END AND sp.day >= $8::date AND sp.day <= $9::date AND (
                sc.project_id = ANY (
                  ARRAY (
                    SELECT sk.id
                    FROM project sk
                    WHERE sk.group_id = $3::bigint AND (sk.slug = $4::text OR sk.id = $5::bigint)
                  )
                ) OR sc.integration_id = ANY (
                  ARRAY (
                    SELECT si.id
                    FROM integration si
                    WHERE si.group_id = $3::bigint AND si.project_id = ANY (
                      ARRAY (
                        SELECT sj.id
                        FROM project sj
                        WHERE sj.group_id = $3::bigint AND (sj.slug = $4::text OR sj.id = $5::bigint)
                      )
                    )
                  )
                )
              )
              GROUP BY 1, 2, 3, 4, 5
            ) q
            GROUP BY 1, 2, 3, 4, 5
          ) p
        ) p
        GROUP BY 1, 2, 3, 4
      ) e
      GROUP BY 1, 2, 3
    ) a
  ) t1
  LEFT JOIN campaign t2 ON t2.group_id = $3::bigint AND t2.id = t1.campaign_id
  OFFSET 0
) AS made
