SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"figures":[' || coalesce(
      string_agg(
        (
          '{"campaign":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"id":"camp_' || t2.id::text || '"}') END ||
          ',"conversions":"' || trim_scale(t1.conversions)::text ||
          '","reported":{"conversions":"' || trim_scale(t1.reported_conversions)::text ||
          '"},"measured":{"conversions":"' || trim_scale(t1.measured_conversions)::text ||
          '"},"bySource":[' || (
            SELECT coalesce(
              string_agg(
                (
                  '{"source":' || to_json(t3.source)::text || ',"conversions":"' ||
                  trim_scale(t3.conversions)::text || '"}'
                ), ',' ORDER BY t3.place
              ), ''
            )
            FROM unnest(t1.source_source, t1.source_conversions) WITH ORDINALITY t3(source, conversions, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT x.campaign_id, x.conversions, x.reported_conversions, x.measured_conversions, x.source_source, x.source_conversions, x.campaign_id AS sort_1, x.currency AS sort_2
    FROM (
      SELECT u.campaign_id, u.currency, coalesce(max(u.conversions) FILTER (WHERE u.part = 'now'), 0) AS conversions, coalesce(max(u.conversions) FILTER (WHERE u.part = 'reported_'), 0) AS reported_conversions, coalesce(max(u.conversions) FILTER (WHERE u.part = 'measured_'), 0) AS measured_conversions, coalesce(max(u.source_source), '{}') AS source_source, coalesce(max(u.source_impressions), '{}') AS source_impressions, coalesce(max(u.source_clicks), '{}') AS source_clicks, coalesce(max(u.source_conversions), '{}') AS source_conversions, coalesce(max(u.source_sent), '{}') AS source_sent, coalesce(max(u.source_delivered), '{}') AS source_delivered, coalesce(max(u.source_opened), '{}') AS source_opened, coalesce(max(u.source_clicked), '{}') AS source_clicked, coalesce(max(u.source_unsubscribed), '{}') AS source_unsubscribed, coalesce(max(u.source_spend), '{}') AS source_spend, coalesce(max(u.source_revenue), '{}') AS source_revenue
      FROM (
        SELECT 'now'::text AS part, base.campaign_id AS campaign_id, base.currency AS currency, coalesce(sum(base.conversions), 0) AS conversions, NULL::text[] AS source_source, NULL::numeric[] AS source_impressions, NULL::numeric[] AS source_clicks, NULL::numeric[] AS source_conversions, NULL::numeric[] AS source_sent, NULL::numeric[] AS source_delivered, NULL::numeric[] AS source_opened, NULL::numeric[] AS source_clicked, NULL::numeric[] AS source_unsubscribed, NULL::numeric[] AS source_spend, NULL::numeric[] AS source_revenue
        FROM (
          SELECT c.id AS campaign_id, m.conversions, m.currency
          FROM campaign_metric m JOIN campaign c ON c.group_id = $2::bigint AND c.id = m.campaign_id
          WHERE m.group_id = $2::bigint AND m.day >= $3::date AND m.day <= $4::date
        ) base
        GROUP BY base.campaign_id, base.currency UNION ALL SELECT 'reported_'::text AS part, base.campaign_id AS campaign_id, base.currency AS currency, coalesce(sum(base.conversions), 0) AS conversions, NULL::text[] AS source_source, NULL::numeric[] AS source_impressions, NULL::numeric[] AS source_clicks, NULL::numeric[] AS source_conversions, NULL::numeric[] AS source_sent, NULL::numeric[] AS source_delivered, NULL::numeric[] AS source_opened, NULL::numeric[] AS source_clicked, NULL::numeric[] AS source_unsubscribed, NULL::numeric[] AS source_spend, NULL::numeric[] AS source_revenue
        FROM (
          SELECT c.id AS campaign_id, m.conversions, m.currency
          FROM metric_fact m JOIN campaign c ON c.group_id = $2::bigint AND c.id = m.campaign_id
          WHERE m.group_id = $2::bigint AND m.day >= $3::date AND m.day <= $4::date AND m.source LIKE ANY (ARRAY['reported:%'])
        ) base
        GROUP BY base.campaign_id, base.currency UNION ALL SELECT 'measured_'::text AS part, base.campaign_id AS campaign_id, base.currency AS currency, coalesce(sum(base.conversions), 0) AS conversions, NULL::text[] AS source_source, NULL::numeric[] AS source_impressions, NULL::numeric[] AS source_clicks, NULL::numeric[] AS source_conversions, NULL::numeric[] AS source_sent, NULL::numeric[] AS source_delivered, NULL::numeric[] AS source_opened, NULL::numeric[] AS source_clicked, NULL::numeric[] AS source_unsubscribed, NULL::numeric[] AS source_spend, NULL::numeric[] AS source_revenue
        FROM (
          SELECT c.id AS campaign_id, m.conversions, m.currency
          FROM metric_fact m JOIN campaign c ON c.group_id = $2::bigint AND c.id = m.campaign_id
          WHERE m.group_id = $2::bigint AND m.day >= $3::date AND m.day <= $4::date AND m.source LIKE ANY (ARRAY['orders', 'deliveries'])
        ) base
        GROUP BY base.campaign_id, base.currency UNION ALL SELECT 'listed'::text AS part, l.campaign_id, l.currency, NULL AS conversions, array_agg(l.kept ORDER BY l.kept) AS source_source, array_agg(l.impressions ORDER BY l.kept) AS source_impressions, array_agg(l.clicks ORDER BY l.kept) AS source_clicks, array_agg(l.conversions ORDER BY l.kept) AS source_conversions, array_agg(l.sent ORDER BY l.kept) AS source_sent, array_agg(l.delivered ORDER BY l.kept) AS source_delivered, array_agg(l.opened ORDER BY l.kept) AS source_opened, array_agg(l.clicked ORDER BY l.kept) AS source_clicked, array_agg(l.unsubscribed ORDER BY l.kept) AS source_unsubscribed, array_agg(l.spend ORDER BY l.kept) AS source_spend, array_agg(l.revenue ORDER BY l.kept) AS source_revenue
        FROM (
          SELECT base.campaign_id AS campaign_id, base.currency AS currency, base.source AS kept, coalesce(sum(base.impressions), 0) AS impressions, coalesce(sum(base.clicks), 0) AS clicks, coalesce(sum(base.conversions), 0) AS conversions, coalesce(sum(base.sent), 0) AS sent, coalesce(sum(base.delivered), 0) AS delivered, coalesce(sum(base.opened), 0) AS opened, coalesce(sum(base.clicked), 0) AS clicked, coalesce(sum(base.unsubscribed), 0) AS unsubscribed, coalesce(sum(base.spend), 0) AS spend, coalesce(sum(base.revenue), 0) AS revenue
          FROM (
            SELECT c.id AS campaign_id, m.clicked, m.clicks, m.conversions, m.currency, m.delivered, m.impressions, m.opened, m.revenue, m.sent, m.source, CASE WHEN CASE WHEN m.day < (
              SELECT ($5::timestamptz AT TIME ZONE 'UTC')::date
            ) THEN true WHEN m.day > (
              SELECT ($5::timestamptz AT TIME ZONE 'UTC')::date
            ) + 1 THEN false ELSE m.day <= (
              $5::timestamptz AT TIME ZONE coalesce(
                (
                  SELECT ps.time_zone
                  FROM store ps
                  WHERE ps.group_id = $2::bigint AND ps.id = c.store_id
                ), (
                  SELECT pg.time_zone
                  FROM customer_group pg
                  WHERE pg.id = $2::bigint
                )
              )
            )::date END THEN m.spend ELSE 0 END AS spend, m.unsubscribed
            FROM metric_fact m JOIN campaign c ON c.group_id = $2::bigint AND c.id = m.campaign_id
            WHERE m.group_id = $2::bigint AND m.day >= $3::date AND m.day <= $4::date
          ) base
          GROUP BY base.campaign_id, base.currency, base.source
        ) l
        GROUP BY l.campaign_id, l.currency
      ) u
      GROUP BY u.campaign_id, u.currency
    ) x
  ) t1
  LEFT JOIN campaign t2 ON t2.group_id = $2::bigint AND t2.id = t1.campaign_id
  OFFSET 0
) AS made
