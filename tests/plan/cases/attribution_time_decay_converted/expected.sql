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
                  '{"currency":"' || t3.currency || '","revenue":"' ||
                  trim_scale(t3.revenue)::text || '","cost":"' ||
                  trim_scale(t3.cost)::text || '"}'
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
      SELECT e.campaign_id, e.channel, e.store_id, $2::text AS currency, round(sum(e.revenue), 4) AS revenue, sum(e.credit) AS conversions, round(sum(e.cost), 4) AS cost, coalesce(
        array_agg(e.currency ORDER BY e.currency) FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0), '{}'
      ) AS left_currency, coalesce(
        array_agg(e.revenue_left ORDER BY e.currency) FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0), '{}'
      ) AS left_revenue, coalesce(
        array_agg(e.cost_left ORDER BY e.currency) FILTER (WHERE e.revenue_left <> 0 OR e.cost_left <> 0), '{}'
      ) AS left_cost
      FROM (
        SELECT p.campaign_id AS campaign_id, NULL::text AS channel, NULL::bigint AS store_id, p.currency, sum(p.credit) AS credit, coalesce(sum(p.revenue * p.rate), 0) AS revenue, coalesce(sum(p.cost * p.rate), 0) AS cost, sum(p.revenue) FILTER (WHERE p.rate IS NULL) AS revenue_left, sum(p.cost) FILTER (WHERE p.rate IS NULL) AS cost_left
        FROM (
          SELECT p.*, CASE WHEN p.currency = $2::text THEN 1 ELSE coalesce(
            (
              SELECT x.rate
              FROM exchange_rate x
              WHERE x.group_id = $3::bigint AND x.from_currency = p.currency AND x.to_currency = $2::text AND x.day <= p.day
              ORDER BY x.day DESC
              LIMIT 1
            ), round(
              1 / (
                SELECT x.rate
                FROM exchange_rate x
                WHERE x.group_id = $3::bigint AND x.to_currency = p.currency AND x.from_currency = $2::text AND x.day <= p.day
                ORDER BY x.day DESC
                LIMIT 1
              ), 10
            )
          ) END AS rate
          FROM (
            SELECT r.campaign_id, c.store_id, CASE WHEN r.campaign_id IS NOT NULL THEN CASE cardinality(c.channels) WHEN 1 THEN c.channels[1] ELSE 'other' END END AS channel, r.day, (
              SELECT g.currency
              FROM customer_group g
              WHERE g.id = $3::bigint
            ) AS currency, r.revenue, r.credit, 0::numeric AS cost
            FROM (
              SELECT h.campaign_id, (h.at AT TIME ZONE 'UTC')::date AS day, sum(h.value) * 0.0001 AS revenue, sum(h.credit) * 0.0001 AS credit
              FROM (
                SELECT r.campaign_id, r.at, r.key, CASE WHEN r.value < 0 THEN - r.coin ELSE r.coin END * (r.value_base + (r.value_rank <= r.value_left)::int) AS value, r.credit_base + (r.credit_rank <= r.credit_left)::int AS credit
                FROM (
                  SELECT d.campaign_id, d.at, d.key, d.value, d.coin, d.value_base, d.value_coins - sum(d.value_base) OVER (PARTITION BY d.ref)::bigint AS value_left, row_number() OVER (PARTITION BY d.ref ORDER BY d.value_rest DESC, d.place) AS value_rank, d.credit_base, d.credit_coins - sum(d.credit_base) OVER (PARTITION BY d.ref)::bigint AS credit_left, row_number() OVER (PARTITION BY d.ref ORDER BY d.credit_rest DESC, d.place) AS credit_rank
                  FROM (
                    SELECT c.*, CASE WHEN c.value_coins < 1073741824 THEN c.value_coins * c.weight % c.weights ELSE (c.value_coins::numeric * c.weight % c.weights)::bigint END AS value_rest, CASE WHEN c.credit_coins < 1073741824 THEN c.credit_coins * c.weight % c.weights ELSE (c.credit_coins::numeric * c.weight % c.weights)::bigint END AS credit_rest
                    FROM (
                      SELECT b.*, CASE WHEN b.value_coins < 1073741824 THEN b.value_coins * b.weight / b.weights ELSE div(b.value_coins::numeric * b.weight, b.weights)::bigint END AS value_base, CASE WHEN b.credit_coins < 1073741824 THEN b.credit_coins * b.weight / b.weights ELSE div(b.credit_coins::numeric * b.weight, b.weights)::bigint END AS credit_base
                      FROM (
                        SELECT w.*, sum(w.weight) OVER (PARTITION BY w.ref)::bigint AS weights
                        FROM (
                          SELECT t.*, trunc(4294967296 * power(2::float8, - least(100, t.age_us / $4::bigint::float8)))::bigint AS weight
                          FROM (
                            SELECT s.ref, s.at, s.key, s.value, s.coin, abs(s.value) / s.coin AS value_coins, 10000::bigint AS credit_coins, s.campaign_id, row_number() OVER (PARTITION BY s.ref ORDER BY s.moment, s.touch) AS place, coalesce(round(date_part('epoch', max(s.moment) OVER (PARTITION BY s.ref) - s.moment) * 1000000), 0) AS age_us
                            FROM (
                              SELECT n.ref, n.at, n.key, n.value, n.coin, j.campaign_id, j.moment, j.touch
                              FROM (
                                SELECT s.*, row_number() OVER () AS ref
                                FROM (
                                  SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.value % (
                                    SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                    FROM customer_group gd
                                    WHERE gd.id = $3::bigint
                                  ) = 0 THEN (
                                    SELECT CASE WHEN gd.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 10000 WHEN gd.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 10 ELSE 100 END
                                    FROM customer_group gd
                                    WHERE gd.id = $3::bigint
                                  ) WHEN v.value % 1000 = 0 THEN 1000 WHEN v.value % 100 = 0 THEN 100 WHEN v.value % 10 = 0 THEN 10 ELSE 1 END AS coin
                                  FROM (
                                    SELECT m.storage_key AS key, m.project_id, m.customer_id, m.occurred_at AS at, m.kind, (m.value * 10000)::bigint AS value
                                    FROM event_metric m
                                    WHERE m.group_id = $3::bigint AND m.project_id = ANY (
                                      ARRAY (
                                        SELECT mp.id
                                        FROM project mp
                                        WHERE mp.group_id = $3::bigint AND (mp.slug = $5::text OR mp.id = $6::bigint)
                                      )
                                    ) AND m.storage_key = $7::text AND m.occurred_at >= (
                                      SELECT $8::date::timestamp AT TIME ZONE 'UTC'
                                    ) AND m.occurred_at < (
                                      SELECT ($9::date + 1)::timestamp AT TIME ZONE 'UTC'
                                    ) AND (m.kind = 'statistic' OR m.value = 1)
                                  ) v UNION ALL SELECT 'event-count', e.project_id, e.customer_id, e.occurred_at, 10000, 1
                                  FROM event e
                                  WHERE e.group_id = $3::bigint AND e.project_id = ANY (
                                    ARRAY (
                                      SELECT ep.id
                                      FROM project ep
                                      WHERE ep.group_id = $3::bigint AND (ep.slug = $5::text OR ep.id = $6::bigint)
                                    )
                                  ) AND e.status = 'processed' AND e.event_type_id IS NOT NULL AND e.occurred_at >= (
                                    SELECT $8::date::timestamp AT TIME ZONE 'UTC'
                                  ) AND e.occurred_at < (
                                    SELECT ($9::date + 1)::timestamp AT TIME ZONE 'UTC'
                                  ) AND 'event-count' = $7::text
                                ) s
                              ) n
                              LEFT JOIN LATERAL (
                                SELECT t.campaign_id, t.occurred_at AS moment, t.id AS touch
                                FROM interaction t
                                WHERE t.group_id = $3::bigint AND t.customer_id = n.customer_id AND t.project_id = n.project_id AND t.occurred_at <= n.at AND t.occurred_at >= n.at - make_interval(days = > $10::int)
                                OFFSET 0
                              ) j ON true
                            ) s
                          ) t
                        ) w
                      ) b
                    ) c
                  ) d
                ) r
              ) h
              GROUP BY 1, 2
            ) r
            LEFT JOIN campaign c ON c.group_id = $3::bigint AND c.id = r.campaign_id
            WHERE (r.campaign_id IS NULL OR c.id IS NOT NULL) UNION ALL SELECT sc.id, sc.store_id, sp.channel, sp.day, sp.currency, 0, 0, sum(sp.amount)
            FROM spend_entry sp JOIN campaign sc ON sc.id = sp.campaign_id
            WHERE sp.group_id = $3::bigint AND sc.group_id = $3::bigint AND sp.day >= $8::date AND sp.day <= $9::date AND (
              sc.project_id = ANY (
                ARRAY (
                  SELECT sk.id
                  FROM project sk
                  WHERE sk.group_id = $3::bigint AND (sk.slug = $5::text OR sk.id = $6::bigint)
                )
              ) OR sc.integration_id = ANY (
                ARRAY (
                  SELECT si.id
                  FROM integration si
                  WHERE si.group_id = $3::bigint AND si.project_id = ANY (
                    ARRAY (
                      SELECT sj.id
                      FROM project sj
                      WHERE sj.group_id = $3::bigint AND (sj.slug = $5::text OR sj.id = $6::bigint)
                    )
                  )
                )
              )
            )
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
