SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"orderFigures":[' || coalesce(
      string_agg(
        (
          '{"period":' || coalesce(('"' || t1.period::text || '"'), 'null') ||
          ',"store":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"currency":"' || t1.currency || '","orders":' ||
          t1.orders::text || ',"revenue":{"amount":"' ||
          round(
            t1.revenue, greatest(
              min_scale(t1.revenue), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '"},"customers":' || t1.customers::text ||
          '}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT x.period, x.store_id, x.currency, x.orders, x.revenue, x.customers, x.period AS sort_1, x.store_id AS sort_2, x.currency AS sort_3
    FROM (
      SELECT 'now'::text AS part, date_trunc('week', base.day::timestamp)::date AS period, base.store_id AS store_id, base.currency AS currency, coalesce(sum(base.orders), 0) AS orders, coalesce(sum(base.worth), 0) AS revenue, count(DISTINCT base.buyer) AS customers
      FROM (
        SELECT CASE WHEN o.cancelled_at IS NULL THEN o.customer_id END AS buyer, o.currency, o.ordered_on AS day, (o.cancelled_at IS NULL)::int::bigint AS orders, o.store_id, o.worth
        FROM customer_order o
        WHERE o.group_id = $2::bigint AND o.ordered_on >= (
          SELECT (
            (
              SELECT (
                $3::timestamptz AT TIME ZONE (
                  SELECT zg.time_zone
                  FROM customer_group zg
                  WHERE zg.id = $2::bigint
                )
              )::date
            ) + 1 - make_interval(months = > $4::int, days = > $5::int)
          )::date
        ) AND o.ordered_on <= (
          SELECT (
            $3::timestamptz AT TIME ZONE (
              SELECT zg.time_zone
              FROM customer_group zg
              WHERE zg.id = $2::bigint
            )
          )::date
        ) AND o.ordered_at >= (
          SELECT (
            (
              SELECT (
                (
                  SELECT (
                    $3::timestamptz AT TIME ZONE (
                      SELECT zg.time_zone
                      FROM customer_group zg
                      WHERE zg.id = $2::bigint
                    )
                  )::date
                ) + 1 - make_interval(months = > $4::int, days = > $5::int)
              )::date
            ) - 2
          )::timestamp AT TIME ZONE 'UTC'
        ) AND o.ordered_at < (
          SELECT (
            (
              SELECT (
                $3::timestamptz AT TIME ZONE (
                  SELECT zg.time_zone
                  FROM customer_group zg
                  WHERE zg.id = $2::bigint
                )
              )::date
            ) + 3
          )::timestamp AT TIME ZONE 'UTC'
        )
      ) base
      GROUP BY date_trunc('week', base.day::timestamp)::date, base.store_id, base.currency
    ) x
  ) t1
  LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
  OFFSET 0
) AS made
