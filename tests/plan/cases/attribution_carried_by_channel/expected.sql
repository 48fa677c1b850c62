SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"attribution":[' || coalesce(
      string_agg(
        (
          '{"channel":' || coalesce(to_json(t1.channel)::text, 'null') ||
          ',"isUnknown":' || t1.is_unknown::text || ',"revenue":{"amount":"' ||
          round(
            t1.revenue, greatest(
              min_scale(t1.revenue), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '","currency":"' || t1.currency || '"},"cost":{"amount":"' ||
          round(
            t1.cost, greatest(
              min_scale(t1.cost), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"},"conversions":"' || trim_scale(t1.conversions)::text ||
          '"}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3, t1.sort_4, t1.sort_5
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT nullif(a.channel, '') AS channel, (a.channel IS NOT DISTINCT FROM '') AS is_unknown, a.revenue, a.currency, a.cost, a.conversions, a.currency AS sort_1, - a.revenue AS sort_2, a.campaign_id AS sort_3, a.channel AS sort_4, a.store_id AS sort_5
    FROM (
      SELECT NULL::bigint AS campaign_id, p.channel AS channel, NULL::bigint AS store_id, p.currency, sum(p.revenue) AS revenue, sum(p.credit) AS conversions, sum(p.cost) AS cost, '{}'::text[] AS left_currency, '{}'::numeric[] AS left_revenue, '{}'::numeric[] AS left_cost
      FROM (
        SELECT r.campaign_id, c.store_id, CASE WHEN r.campaign_id IS NULL THEN r.channel WHEN cardinality(c.channels) = 1 AND NOT (true AND r.channel IS NOT NULL) THEN c.channels[1] ELSE coalesce(nullif(r.channel, 'unknown'), '') END AS channel, r.day, coalesce(
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
              SELECT s.campaign_id, CASE WHEN s.campaign_id IS NOT NULL THEN coalesce(
                s.channel, (
                  SELECT t.channel
                  FROM interaction t
                  WHERE t.group_id = $2::bigint AND t.customer_id = s.customer_id AND t.project_id = ANY (
                    ARRAY (
                      SELECT tp.id
                      FROM project tp
                      WHERE tp.group_id = $2::bigint AND (tp.slug = $3::text OR tp.id = $4::bigint)
                    )
                  ) AND t.project_id = coalesce(s.project_id, t.project_id) AND t.occurred_at <= s.at AND t.occurred_at >= s.at - (
                    SELECT make_interval(days = > gw.attribution_window_days)
                    FROM customer_group gw
                    WHERE gw.id = $2::bigint
                  ) AND t.campaign_id = s.campaign_id AND t.channel IS NOT NULL AND (
                    SELECT cardinality(tc.channels) <> 1
                    FROM campaign tc
                    WHERE tc.group_id = $2::bigint AND tc.id = s.campaign_id
                  )
                  ORDER BY t.occurred_at DESC, t.id DESC
                  LIMIT 1
                )
              ) END AS channel, s.currency, s.value, CASE WHEN s.value > 0 THEN 10000 ELSE 0 END AS credit
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
                  ) AS currency, (m.occurred_at AT TIME ZONE mz.zone)::date AS day, me.campaign_id, me.channel
                  FROM event_metric m JOIN (
                    SELECT mzp.id, coalesce(
                      mzs.time_zone, (
                        SELECT mzg.time_zone
                        FROM customer_group mzg
                        WHERE mzg.id = $2::bigint
                      )
                    ) AS zone
                    FROM project mzp
                    LEFT JOIN store mzs ON mzs.group_id = $2::bigint AND mzs.id = mzp.store_id
                    WHERE mzp.group_id = $2::bigint
                  ) mz ON mz.id = m.project_id JOIN event me ON me.group_id = $2::bigint AND me.project_id = m.project_id AND me.id = m.event_id
                  WHERE m.group_id = $2::bigint AND m.project_id = ANY (
                    ARRAY (
                      SELECT mp.id
                      FROM project mp
                      WHERE mp.group_id = $2::bigint AND (mp.slug = $3::text OR mp.id = $4::bigint)
                    )
                  ) AND m.storage_key = $5::text AND m.occurred_at <= $6::timestamptz AND m.occurred_at >= (
                    SELECT $7::date::timestamp AT TIME ZONE 'UTC' - interval '1 day'
                  ) AND (m.occurred_at AT TIME ZONE mz.zone)::date >= $7::date AND NOT (
                    m.is_told_by_order AND 'turnover' = $5::text AND EXISTS (
                      SELECT 1
                      FROM event et JOIN customer_order ot ON ot.reference = et.sale_reference
                      WHERE et.group_id = $2::bigint AND ot.group_id = $2::bigint AND et.project_id = m.project_id AND et.id = m.event_id AND ot.campaign_id = ANY (
                        ARRAY (
                          SELECT ct.id
                          FROM campaign ct
                          WHERE ct.group_id = $2::bigint AND (
                            ct.project_id = ANY (
                              ARRAY (
                                SELECT ctk.id
                                FROM project ctk
                                WHERE ctk.group_id = $2::bigint AND (ctk.slug = $3::text OR ctk.id = $4::bigint)
                              )
                            ) OR ct.integration_id = ANY (
                              ARRAY (
                                SELECT cti.id
                                FROM integration cti
                                WHERE cti.group_id = $2::bigint AND cti.project_id = ANY (
                                  ARRAY (
                                    SELECT ctj.id
                                    FROM project ctj
                                    WHERE ctj.group_id = $2::bigint AND (ctj.slug = $3::text OR ctj.id = $4::bigint)
                                  )
                                )
                              )
                            )
                          )
                        )
                      )
                    )
                  ) AND (m.kind = 'statistic' OR m.value = 1)
                ) v UNION ALL SELECT 'event-count', e.project_id, e.customer_id, e.occurred_at, 10000, 1, NULL, (e.occurred_at AT TIME ZONE ez.zone)::date, e.campaign_id, e.channel
                FROM event e JOIN (
                  SELECT ezp.id, coalesce(
                    ezs.time_zone, (
                      SELECT ezg.time_zone
                      FROM customer_group ezg
                      WHERE ezg.id = $2::bigint
                    )
                  ) AS zone
                  FROM project ezp
                  LEFT JOIN store ezs ON ezs.group_id = $2::bigint AND ezs.id = ezp.store_id
                  WHERE ezp.group_id = $2::bigint
                ) ez ON ez.id = e.project_id
                WHERE e.group_id = $2::bigint AND e.project_id = ANY (
                  ARRAY (
                    SELECT ep.id
                    FROM project ep
                    WHERE ep.group_id = $2::bigint AND (ep.slug = $3::text OR ep.id = $4::bigint)
                  )
                ) AND e.status = 'processed' AND e.event_type_id IS NOT NULL AND e.occurred_at <= $6::timestamptz AND e.occurred_at >= (
                  SELECT $7::date::timestamp AT TIME ZONE 'UTC' - interval '1 day'
                ) AND (e.occurred_at AT TIME ZONE ez.zone)::date >= $7::date AND 'event-count' = $5::text UNION ALL SELECT v.key, v.project_id, v.customer_id, v.at, v.value, CASE WHEN v.kind = 'state' THEN 1 WHEN v.currency IS NULL AND v.value % (
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
                  ) AS currency, o.ordered_on AS day, o.campaign_id, nullif(o.channel, 'unknown') AS channel
                  FROM customer_order o
                  WHERE o.group_id = $2::bigint AND 'turnover' = $5::text AND o.worth <> 0 AND o.ordered_at <= $6::timestamptz AND o.ordered_at >= (
                    SELECT $7::date::timestamp AT TIME ZONE 'UTC' - interval '1 day'
                  ) AND o.ordered_on >= $7::date AND o.campaign_id = ANY (
                    ARRAY (
                      SELECT oc.id
                      FROM campaign oc
                      WHERE oc.group_id = $2::bigint AND (
                        oc.project_id = ANY (
                          ARRAY (
                            SELECT ock.id
                            FROM project ock
                            WHERE ock.group_id = $2::bigint AND (ock.slug = $3::text OR ock.id = $4::bigint)
                          )
                        ) OR oc.integration_id = ANY (
                          ARRAY (
                            SELECT oci.id
                            FROM integration oci
                            WHERE oci.group_id = $2::bigint AND oci.project_id = ANY (
                              ARRAY (
                                SELECT ocj.id
                                FROM project ocj
                                WHERE ocj.group_id = $2::bigint AND (ocj.slug = $3::text OR ocj.id = $4::bigint)
                              )
                            )
                          )
                        )
                      )
                    )
                  )
                ) v
              ) s
            ) d
          ) h
          GROUP BY 1, 2, 3, 4
        ) r
        LEFT JOIN campaign c ON c.group_id = $2::bigint AND c.id = r.campaign_id
        WHERE (r.campaign_id IS NULL OR c.id IS NOT NULL) UNION ALL SELECT sc.id, sc.store_id, CASE WHEN sp.channel <> 'unknown' THEN sp.channel ELSE CASE WHEN sc.id IS NULL THEN NULL WHEN cardinality(sc.channels) = 1 AND NOT (false AND NULL IS NOT NULL) THEN sc.channels[1] ELSE coalesce(nullif(NULL, 'unknown'), '') END END, sp.day, sp.currency, 0, 0, sum(sp.amount)
        FROM spend_entry sp JOIN campaign sc ON sc.id = sp.campaign_id
        WHERE sp.group_id = $2::bigint AND sc.group_id = $2::bigint AND CASE WHEN sp.day < (
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
            WHERE szs.group_id = $2::bigint
          ) z
          WHERE z.id = sc.store_id
        ) END AND sp.day >= $7::date AND (
          sc.project_id = ANY (
            ARRAY (
              SELECT sk.id
              FROM project sk
              WHERE sk.group_id = $2::bigint AND (sk.slug = $3::text OR sk.id = $4::bigint)
            )
          ) OR sc.integration_id = ANY (
            ARRAY (
              SELECT si.id
              FROM integration si
              WHERE si.group_id = $2::bigint AND si.project_id = ANY (
                ARRAY (
                  SELECT sj.id
                  FROM project sj
                  WHERE sj.group_id = $2::bigint AND (sj.slug = $3::text OR sj.id = $4::bigint)
                )
              )
            )
          )
        )
        GROUP BY 1, 2, 3, 4, 5
      ) p
      GROUP BY 1, 2, 3, 4
    ) a
  ) t1
  OFFSET 0
) AS made
