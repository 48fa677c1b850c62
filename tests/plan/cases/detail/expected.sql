SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaign":' || coalesce(
      (
        SELECT (
          '{"id":"camp_' || t1.id::text || '","name":' ||
          to_json(t1.name)::text || ',"description":' ||
          coalesce(to_json(t1.description)::text, 'null') ||
          ',"content":' || CASE WHEN num_nonnulls(t1.subject, t1.body, t1.cta_text, t1.cta_url) > 0 THEN (
            '{"subject":' || coalesce(to_json(t1.subject)::text, 'null') ||
            ',"ctaUrl":' || coalesce(to_json(t1.cta_url)::text, 'null') ||
            '}'
          ) ELSE 'null' END || ',"rewards":' || CASE WHEN t1.reward_type IS NOT NULL THEN (
            '{"type":"' || CASE WHEN t1.reward_type IS NOT NULL THEN CASE t1.reward_type WHEN 1 THEN 'EARN' WHEN 2 THEN 'REDEEM' WHEN 3 THEN 'CONNECT_ONLY' WHEN 4 THEN 'TRANSFER' ELSE 'UNRECOGNIZED' END END ||
            '","typeCode":' || t1.reward_type::text || ',"partner":' ||
            CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
            ',"partnership":' || CASE WHEN t3.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t3.name)::text || '}') END ||
            '}'
          ) ELSE 'null' END || ',"tracking":' || CASE WHEN t1.integration_id IS NOT NULL THEN (
            '{"slug":' || coalesce(to_json(t1.slug)::text, 'null') ||
            ',"isExplicit":' || t1.is_explicit::text || ',"integration":' ||
            CASE WHEN t4.id IS NULL THEN 'null' ELSE (
              '{"name":' || to_json(t4.name)::text || ',"project":{"name":' ||
              to_json(t5.name)::text || '}}'
            ) END || '}'
          ) ELSE 'null' END || ',"assets":' || (
            SELECT (
              '{"nodes":[' || coalesce(
                string_agg(
                  (
                    '{"name":' || to_json(t6.name)::text || ',"contentType":' ||
                    to_json(t6.content_type)::text || ',"size":' ||
                    t6.size::text || '}'
                  ), ',' ORDER BY t6.created_at, t6.id
                ), ''
              ) || ']}'
            )
            FROM (
              SELECT t6.content_type, t6.created_at, t6.id, t6.name, t6.size
              FROM asset t6
              WHERE t6.group_id = $2::bigint AND t6.campaign_id = t1.id AND t6.deleted_at IS NULL
              ORDER BY t6.created_at, t6.id
              LIMIT 20
            ) t6
          ) || ',"metrics":{"impressions":' || (
            SELECT (
              t7.impressions::text || ',"clicks":' || t7.clicks::text ||
              ',"spend":{"amount":"' || round(
                t7.spend, greatest(
                  min_scale(t7.spend), CASE WHEN t7.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t7.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t7.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                )
              )::text || '","currency":"' || t7.currency || '"},"clickThroughRate":' ||
              coalesce(
                round(
                  CASE WHEN t7.impressions > 0 THEN least(greatest(100.0 * t7.shown_clicks / t7.impressions, 0), 100) END, 2
                )::text, 'null'
              )
            )
            FROM (
              SELECT coalesce(sum(m.impressions), 0) AS impressions, coalesce(sum(m.clicks), 0) AS clicks, coalesce(
                sum(m.spend) FILTER (
                  WHERE CASE WHEN m.day < (
                    SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                  ) THEN true WHEN m.day > (
                    SELECT ($3::timestamptz AT TIME ZONE 'UTC')::date
                  ) + 1 THEN false ELSE m.day <= (
                    $3::timestamptz AT TIME ZONE coalesce(
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
                  )::date END
                ), 0
              ) AS spend, c.currency, coalesce(sum(m.shown_clicks), 0) AS shown_clicks
              FROM campaign c
              LEFT JOIN campaign_metric m ON m.group_id = $2::bigint AND m.campaign_id = c.id
              WHERE c.group_id = $2::bigint AND c.id = t1.id
              GROUP BY c.currency
            ) t7
          ) || '}}'
        )
        FROM campaign t1
        LEFT JOIN partner t2 ON t2.group_id = $2::bigint AND t2.id = t1.partner_id
        LEFT JOIN partnership t3 ON t3.group_id = $2::bigint AND t3.id = t1.partnership_id
        LEFT JOIN integration t4 ON t4.group_id = $2::bigint AND t4.id = t1.integration_id
        LEFT JOIN project t5 ON t5.group_id = $2::bigint AND t5.id = t4.project_id
        WHERE t1.group_id = $2::bigint AND t1.id = $4::bigint AND t1.deleted_at IS NULL
      ), 'null'
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
