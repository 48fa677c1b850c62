SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"spendLimit":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE (
                '{"spentInPeriod":{"amount":"' || (
                  SELECT (
                    round(
                      t3.spent, greatest(
                        min_scale(t3.spent), CASE WHEN t3.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t3.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t3.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                      )
                    )::text || '","currency":"' || t3.currency
                  )
                  FROM (
                    SELECT m.spent, l.currency
                    FROM spend_limit l JOIN campaign c ON c.group_id = $2::bigint AND c.project_id = ANY ($3::bigint[]) AND c.id = l.campaign_id JOIN store s ON s.group_id = $2::bigint AND s.id = c.store_id JOIN customer_group g ON g.id = $2::bigint
                    CROSS JOIN LATERAL (
                      SELECT $4::timestamptz AT TIME ZONE coalesce(s.time_zone, g.time_zone) AS at
                    ) w
                    CROSS JOIN LATERAL (
                      SELECT CASE l.renewal WHEN 'daily' THEN date_trunc('day', w.at) WHEN 'monthly' THEN date_trunc('month', w.at) END AS since, CASE l.renewal WHEN 'daily' THEN date_trunc('day', w.at) + interval '1 day' WHEN 'monthly' THEN date_trunc('month', w.at) + interval '1 month' END AS until
                    ) span
                    CROSS JOIN LATERAL (
                      SELECT coalesce(sum(e.amount) FILTER (WHERE e.day <= w.at::date), 0) AS spent, coalesce(sum(e.amount) FILTER (WHERE e.day > w.at::date), 0) AS planned, min(e.day) FILTER (WHERE e.day <= w.at::date) AS first_day
                      FROM spend_entry e
                      WHERE e.group_id = $2::bigint AND EXISTS (
                        SELECT 1
                        FROM campaign e_up
                        WHERE e_up.group_id = $2::bigint AND e_up.id = e.campaign_id AND e_up.project_id = ANY ($3::bigint[])
                      ) AND e.campaign_id = l.campaign_id AND e.day >= coalesce(span.since::date, '-infinity') AND e.day < coalesce(span.until::date, 'infinity')
                    ) m
                    WHERE l.group_id = $2::bigint AND EXISTS (
                      SELECT 1
                      FROM campaign l_up
                      WHERE l_up.group_id = $2::bigint AND l_up.id = l.campaign_id AND l_up.project_id = ANY ($3::bigint[])
                    ) AND l.id = t2.id
                  ) t3
                ) || '"},"remaining":' || (
                  SELECT CASE WHEN t4.remaining IS NOT NULL THEN (
                    '{"amount":"' || round(
                      t4.remaining, greatest(
                        min_scale(t4.remaining), CASE WHEN t4.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t4.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t4.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                      )
                    )::text || '"}'
                  ) ELSE 'null' END
                  FROM (
                    SELECT CASE WHEN l.amount IS NOT NULL THEN greatest(l.amount - m.spent, 0) END AS remaining, l.currency
                    FROM spend_limit l JOIN campaign c ON c.group_id = $2::bigint AND c.project_id = ANY ($3::bigint[]) AND c.id = l.campaign_id JOIN store s ON s.group_id = $2::bigint AND s.id = c.store_id JOIN customer_group g ON g.id = $2::bigint
                    CROSS JOIN LATERAL (
                      SELECT $4::timestamptz AT TIME ZONE coalesce(s.time_zone, g.time_zone) AS at
                    ) w
                    CROSS JOIN LATERAL (
                      SELECT CASE l.renewal WHEN 'daily' THEN date_trunc('day', w.at) WHEN 'monthly' THEN date_trunc('month', w.at) END AS since, CASE l.renewal WHEN 'daily' THEN date_trunc('day', w.at) + interval '1 day' WHEN 'monthly' THEN date_trunc('month', w.at) + interval '1 month' END AS until
                    ) span
                    CROSS JOIN LATERAL (
                      SELECT coalesce(sum(e.amount) FILTER (WHERE e.day <= w.at::date), 0) AS spent, coalesce(sum(e.amount) FILTER (WHERE e.day > w.at::date), 0) AS planned, min(e.day) FILTER (WHERE e.day <= w.at::date) AS first_day
                      FROM spend_entry e
                      WHERE e.group_id = $2::bigint AND EXISTS (
                        SELECT 1
                        FROM campaign e_up
                        WHERE e_up.group_id = $2::bigint AND e_up.id = e.campaign_id AND e_up.project_id = ANY ($3::bigint[])
                      ) AND e.campaign_id = l.campaign_id AND e.day >= coalesce(span.since::date, '-infinity') AND e.day < coalesce(span.until::date, 'infinity')
                    ) m
                    WHERE l.group_id = $2::bigint AND EXISTS (
                      SELECT 1
                      FROM campaign l_up
                      WHERE l_up.group_id = $2::bigint AND l_up.id = l.campaign_id AND l_up.project_id = ANY ($3::bigint[])
                    ) AND l.id = t2.id
                  ) t4
                ) || '}'
              ) END || ',"spendEntries":' || (
                SELECT (
                  '{"totalCount":' || (
                    SELECT count(*)::text
                    FROM spend_entry t6
                    WHERE t6.group_id = $2::bigint AND EXISTS (
                      SELECT 1
                      FROM campaign t6_up
                      WHERE t6_up.group_id = $2::bigint AND t6_up.id = t6.campaign_id AND t6_up.project_id = ANY ($3::bigint[])
                    ) AND t6.campaign_id = t1.id AND t6.day >= $5::date AND t6.channel = ANY ($6::text[])
                  ) || ',"nodes":[' || coalesce(
                    string_agg(
                      (
                        '{"day":"' || t5.day::text || '","amount":{"amount":"' ||
                        round(
                          t5.amount, greatest(
                            min_scale(t5.amount), CASE WHEN t5.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t5.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t5.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                          )
                        )::text || '"}}'
                      ), ',' ORDER BY t5.day, t5.id
                    ), ''
                  ) || ']}'
                )
                FROM (
                  SELECT t5.amount, t5.currency, t5.day, t5.id
                  FROM spend_entry t5
                  WHERE t5.group_id = $2::bigint AND EXISTS (
                    SELECT 1
                    FROM campaign t5_up
                    WHERE t5_up.group_id = $2::bigint AND t5_up.id = t5.campaign_id AND t5_up.project_id = ANY ($3::bigint[])
                  ) AND t5.campaign_id = t1.id AND t5.day >= $5::date AND t5.channel = ANY ($6::text[])
                  ORDER BY t5.day, t5.id
                  LIMIT $7::bigint
                ) t5
              ) || '}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.project_id = ANY ($3::bigint[]) AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $8::bigint
      ) t1
      LEFT JOIN spend_limit t2 ON t2.group_id = $2::bigint AND EXISTS (
        SELECT 1
        FROM campaign t2_up
        WHERE t2_up.group_id = $2::bigint AND t2_up.id = t2.campaign_id AND t2_up.project_id = ANY ($3::bigint[])
      ) AND t2.campaign_id = t1.id
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
