SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"metricTotals":[' || coalesce(
      string_agg(
        (
          '{"currency":"' || t1.currency || '","impressions":' ||
          t1.impressions::text || ',"openRate":' || round(coalesce(100.0 * t1.opened / nullif(t1.delivered, 0), 0), 1)::text ||
          ',"costPerClick":' || coalesce(('"' || trim_scale(round(t1.spend / nullif(t1.clicks, 0), 4))::text || '"'), 'null') ||
          ',"revenue":{"amount":"' || round(
            t1.revenue, greatest(
              min_scale(t1.revenue), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '","currency":"' || t1.currency || '"}}'
        ), ',' ORDER BY t1.sort_1
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT m.currency, coalesce(sum(m.impressions), 0) AS impressions, coalesce(sum(m.opened), 0) AS opened, coalesce(sum(m.delivered), 0) AS delivered, coalesce(sum(m.spend), 0) AS spend, coalesce(sum(m.clicks), 0) AS clicks, coalesce(sum(m.revenue), 0) AS revenue, m.currency AS sort_1
    FROM metric_rollup m
    WHERE m.group_id = $2::bigint AND m.day >= $3::date AND m.day <= $4::date AND m.channel = ANY ($5::text[])
    GROUP BY m.currency
  ) t1
  OFFSET 0
) AS made
