SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"figures":[' || coalesce(
      string_agg(
        (
          '{"period":' || coalesce(('"' || t1.period::text || '"'), 'null') ||
          ',"channel":' || coalesce(to_json(t1.channel)::text, 'null') ||
          ',"store":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"clicks":' || t1.clicks::text || ',"spend":{"amount":"' ||
          round(
            t1.spend, greatest(
              min_scale(t1.spend), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '","currency":"' || t1.currency || '"}}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3, t1.sort_4
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT x.period, x.channel, x.store_id, x.clicks, x.spend, x.currency, x.period AS sort_1, x.channel AS sort_2, x.store_id AS sort_3, x.currency AS sort_4
    FROM (
      SELECT 'now'::text AS part, date_trunc('week', base.day::timestamp)::date AS period, base.channel AS channel, base.store_id AS store_id, base.currency AS currency, coalesce(sum(base.clicks), 0) AS clicks, coalesce(sum(base.spend), 0) AS spend
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
              WHERE ps.group_id = $3::bigint AND ps.id = m.store_id
            ), (
              SELECT pg.time_zone
              FROM customer_group pg
              WHERE pg.id = $3::bigint
            )
          )
        )::date END THEN m.spend ELSE 0 END AS spend, m.store_id
        FROM metric_rollup m
        WHERE m.group_id = $3::bigint AND m.store_id = ANY ($4::bigint[])
      ) base
      GROUP BY date_trunc('week', base.day::timestamp)::date, base.channel, base.store_id, base.currency
    ) x
  ) t1
  LEFT JOIN store t2 ON t2.group_id = $3::bigint AND t2.id = t1.store_id
  OFFSET 0
) AS made
