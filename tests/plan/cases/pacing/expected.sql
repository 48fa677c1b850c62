SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"spendLimit":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE (
                '{"pacing":' || (
                  SELECT CASE WHEN t3.cap IS NOT NULL THEN (
                    '{"perDay":{"amount":"' || round(
                      t3.per_day, greatest(
                        min_scale(t3.per_day), CASE WHEN t3.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t3.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t3.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                      )
                    )::text || '","currency":"' || t3.currency || '"},"capReachedOn":' ||
                    coalesce(('"' || t3.cap_reached_on::text || '"'), 'null') ||
                    '}'
                  ) ELSE 'null' END
                  FROM (
                    SELECT round(
                      m.spent * 86400 / greatest(extract(epoch FROM w.at - coalesce(span.since, m.first_day::timestamp)), 3600), 4
                    ) AS per_day, l.currency, CASE WHEN m.spent >= l.amount THEN (
                      SELECT min(r.day)
                      FROM (
                        SELECT f.day, sum(sum(f.amount)) OVER (ORDER BY f.day) AS so_far
                        FROM spend_entry f
                        WHERE f.group_id = $2::bigint AND f.campaign_id = l.campaign_id AND f.day >= coalesce(span.since::date, '-infinity') AND f.day < coalesce(span.until::date, 'infinity') AND f.day <= w.at::date
                        GROUP BY f.day
                      ) r
                      WHERE r.so_far >= l.amount
                    ) WHEN m.spent > 0 AND greatest(extract(epoch FROM w.at - coalesce(span.since, m.first_day::timestamp)), 3600) * l.amount / nullif(m.spent, 0) < 3000000000 THEN CASE WHEN (
                      coalesce(span.since, m.first_day::timestamp) + make_interval(
                        secs = > (
                          greatest(extract(epoch FROM w.at - coalesce(span.since, m.first_day::timestamp)), 3600) * l.amount / nullif(m.spent, 0)
                        )::float8
                      )
                    ) < coalesce(span.until, 'infinity') THEN (
                      coalesce(span.since, m.first_day::timestamp) + make_interval(
                        secs = > (
                          greatest(extract(epoch FROM w.at - coalesce(span.since, m.first_day::timestamp)), 3600) * l.amount / nullif(m.spent, 0)
                        )::float8
                      )
                    )::date END END AS cap_reached_on, l.amount AS cap
                    FROM spend_limit l JOIN campaign c ON c.group_id = $2::bigint AND c.id = l.campaign_id JOIN store s ON s.group_id = $2::bigint AND s.id = c.store_id JOIN customer_group g ON g.id = $2::bigint
                    CROSS JOIN LATERAL (
                      SELECT $3::timestamptz AT TIME ZONE coalesce(s.time_zone, g.time_zone) AS at
                    ) w
                    CROSS JOIN LATERAL (
                      SELECT CASE l.renewal WHEN 'daily' THEN date_trunc('day', w.at) WHEN 'monthly' THEN date_trunc('month', w.at) END AS since, CASE l.renewal WHEN 'daily' THEN date_trunc('day', w.at) + interval '1 day' WHEN 'monthly' THEN date_trunc('month', w.at) + interval '1 month' END AS until
                    ) span
                    CROSS JOIN LATERAL (
                      SELECT coalesce(sum(e.amount) FILTER (WHERE e.day <= w.at::date), 0) AS spent, coalesce(sum(e.amount) FILTER (WHERE e.day > w.at::date), 0) AS planned, min(e.day) FILTER (WHERE e.day <= w.at::date) AS first_day
                      FROM spend_entry e
                      WHERE e.group_id = $2::bigint AND e.campaign_id = l.campaign_id AND e.day >= coalesce(span.since::date, '-infinity') AND e.day < coalesce(span.until::date, 'infinity')
                    ) m
                    WHERE l.group_id = $2::bigint AND l.id = t2.id
                  ) t3
                ) || '}'
              ) END || '}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $4::bigint
      ) t1
      LEFT JOIN spend_limit t2 ON t2.group_id = $2::bigint AND t2.campaign_id = t1.id
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
