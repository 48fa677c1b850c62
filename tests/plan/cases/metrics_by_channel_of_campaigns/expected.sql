SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"metricSeries":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"period":"' || t2.period::text || '","channel":' ||
                      coalesce(to_json(t2.channel)::text, 'null') ||
                      ',"clicks":' || t2.clicks::text || ',"spend":{"amount":"' ||
                      round(
                        t2.spend, greatest(
                          min_scale(t2.spend), CASE WHEN t2.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t2.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t2.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                        )
                      )::text || '"}}'
                    ), ',' ORDER BY t2.sort_1, t2.sort_2
                  ), ''
                )
                FROM (
                  SELECT m.day AS period, m.channel, m.clicks, m.spend, m.currency, m.day AS sort_1, m.channel AS sort_2
                  FROM campaign_metric m
                  WHERE m.group_id = $2::bigint AND m.campaign_id = t1.id
                ) t2
              ) || ']}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $3::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
