SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"metrics":{"delivered":' || (
                SELECT (
                  t2.delivered::text || ',"opened":' || t2.opened::text ||
                  ',"openRate":' || coalesce(
                    round(
                      CASE WHEN t2.delivered > 0 THEN least(greatest(100.0 * t2.opened / t2.delivered, 0), 100) END, 1
                    )::text, 'null'
                  )
                )
                FROM (
                  SELECT coalesce(sum(m.delivered), 0) AS delivered, coalesce(sum(m.opened), 0) AS opened
                  FROM campaign c
                  LEFT JOIN campaign_metric m ON m.group_id = $2::bigint AND m.campaign_id = c.id
                  WHERE c.group_id = $2::bigint AND c.id = t1.id
                  GROUP BY c.currency
                ) t2
              ) || '},"figures":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"period":' || coalesce(('"' || t3.period::text || '"'), 'null') ||
                      ',"sent":' || t3.sent::text || '}'
                    ), ',' ORDER BY t3.sort_1, t3.sort_2
                  ), ''
                )
                FROM (
                  SELECT x.period, x.sent, x.period AS sort_1, x.currency AS sort_2
                  FROM (
                    SELECT 'now'::text AS part, date_trunc('month', base.day::timestamp)::date AS period, base.currency AS currency, coalesce(sum(base.sent), 0) AS sent
                    FROM (
                      SELECT m.currency, m.day, m.sent
                      FROM campaign_metric m
                      WHERE m.group_id = $2::bigint AND m.campaign_id = t1.id
                    ) base
                    GROUP BY date_trunc('month', base.day::timestamp)::date, base.currency
                  ) x
                ) t3
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
