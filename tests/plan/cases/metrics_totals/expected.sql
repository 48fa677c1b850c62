SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"figures":[' || coalesce(
      string_agg(
        (
          '{"currency":"' || t1.currency || '","impressions":' ||
          t1.impressions::text || ',"openRate":' || coalesce(
            round(
              CASE WHEN t1.delivered > 0 THEN least(greatest(100.0 * t1.opened / t1.delivered, 0), 100) END, 1
            )::text, 'null'
          ) || ',"costPerClick":' || coalesce(
            (
              '"' || trim_scale(CASE WHEN t1.clicks > 0 THEN round(t1.clicked_spend / t1.clicks, 4) END)::text ||
              '"'
            ), 'null'
          ) || ',"revenue":{"amount":"' || round(
            t1.revenue, greatest(
              min_scale(t1.revenue), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
            )
          )::text || '","currency":"' || t1.currency || '"}}'
        ), ',' ORDER BY t1.sort_1
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT x.currency, x.impressions, x.opened, x.delivered, x.clicked_spend, x.clicks, x.revenue, x.currency AS sort_1
    FROM (
      WITH parts AS MATERIALIZED (
        SELECT 'now'::text AS part, base.currency AS currency, coalesce(sum(base.impressions), 0) AS impressions, coalesce(sum(base.opened), 0) AS opened, coalesce(sum(base.delivered), 0) AS delivered, coalesce(sum(base.clicked_spend), 0) AS clicked_spend, coalesce(sum(base.clicks), 0) AS clicks, coalesce(sum(base.revenue), 0) AS revenue
        FROM (
          SELECT m.clicked_spend, m.clicks, m.currency, m.delivered, m.impressions, m.opened, m.revenue
          FROM metric_rollup m
          WHERE m.group_id = $2::bigint AND m.day >= $3::date AND m.day <= $4::date AND m.channel = ANY ($5::text[])
        ) base
        GROUP BY base.currency
      ) SELECT u.currency, coalesce(max(u.impressions) FILTER (WHERE u.part = 'now'), 0) AS impressions, coalesce(max(u.opened) FILTER (WHERE u.part = 'now'), 0) AS opened, coalesce(max(u.delivered) FILTER (WHERE u.part = 'now'), 0) AS delivered, coalesce(max(u.clicked_spend) FILTER (WHERE u.part = 'now'), 0) AS clicked_spend, coalesce(max(u.clicks) FILTER (WHERE u.part = 'now'), 0) AS clicks, coalesce(max(u.revenue) FILTER (WHERE u.part = 'now'), 0) AS revenue FROM (
        SELECT *
        FROM parts UNION ALL SELECT 'place'::text, k.currency, NULL, NULL, NULL, NULL, NULL, NULL
        FROM (
          SELECT DISTINCT currency
          FROM parts UNION ALL SELECT (
            SELECT ug.currency
            FROM customer_group ug
            WHERE ug.id = $2::bigint
          )
          WHERE NOT EXISTS (
            SELECT
            FROM parts
          )
        ) k
      ) u GROUP BY u.currency
    ) x
  ) t1
  OFFSET 0
) AS made
