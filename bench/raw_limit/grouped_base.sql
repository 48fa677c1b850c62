-- $1 group; from the base rows
SELECT convert_to('{"data":{"metricSeries":[' || coalesce(string_agg(
         '{"period":"' || day || '","channel":' || to_json(channel)::text || ',"impressions":' || impressions
         || ',"clicks":' || clicks || ',"conversions":' || conversions
         || ',"spend":{"amount":"' || round(spend, greatest(min_scale(spend), digits(m.currency)))
         || '","currency":"' || currency || '"}}', ',' ORDER BY day, channel, currency), '') || ']}}', 'UTF8')
  FROM (SELECT day, channel, currency, sum(impressions) AS impressions, sum(clicks) AS clicks,
               sum(conversions) AS conversions, sum(spend) AS spend
          FROM campaign_metric WHERE group_id = $1::bigint GROUP BY day, channel, currency) m
