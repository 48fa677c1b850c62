SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"metricSeries":[' || coalesce(
      string_agg(
        (
          '{"period":"' || t1.period::text || '","channel":' ||
          coalesce(to_json(t1.channel)::text, 'null') ||
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
    SELECT date_trunc('week', m.day::timestamp)::date AS period, m.channel, m.store_id, coalesce(sum(m.clicks), 0) AS clicks, coalesce(sum(m.spend), 0) AS spend, m.currency, date_trunc('week', m.day::timestamp)::date AS sort_1, m.channel AS sort_2, m.store_id AS sort_3, m.currency AS sort_4
    FROM metric_rollup m
    WHERE m.group_id = $2::bigint AND m.store_id = ANY ($3::bigint[])
    GROUP BY date_trunc('week', m.day::timestamp)::date, m.channel, m.store_id, m.currency
  ) t1
  LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
  OFFSET 0
) AS made
