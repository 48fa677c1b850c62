SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"promos":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(('{"code":' || to_json(t1.code)::text || '}'), ',' ORDER BY t1.created_at DESC, t1.id DESC), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.code, t1.created_at, t1.id
        FROM promo t1
        WHERE t1.group_id = $2::bigint AND (
          t1.campaign_id IS NULL OR EXISTS (
            SELECT 1
            FROM campaign t1_up
            WHERE t1_up.group_id = $2::bigint AND t1_up.id = t1.campaign_id AND t1_up.store_id = $3::bigint
          )
        ) AND (
          t1.campaign_id IS NULL OR EXISTS (
            SELECT 1
            FROM campaign t1_up
            WHERE t1_up.group_id = $2::bigint AND t1_up.id = t1.campaign_id AND t1_up.project_id = ANY ($4::bigint[])
          )
        ) AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $5::bigint
      ) t1
    ) || ',"metricTotals":[' || (
      SELECT coalesce(string_agg(('{"clicks":' || t2.clicks::text || '}'), ',' ORDER BY t2.sort_1), '')
      FROM (
        SELECT coalesce(sum(m.clicks), 0) AS clicks, m.currency AS sort_1
        FROM campaign_metric m
        WHERE m.group_id = $2::bigint AND EXISTS (
          SELECT 1
          FROM campaign m_up
          WHERE m_up.group_id = $2::bigint AND m_up.id = m.campaign_id AND m_up.store_id = $3::bigint
        ) AND EXISTS (
          SELECT 1
          FROM campaign m_up
          WHERE m_up.group_id = $2::bigint AND m_up.id = m.campaign_id AND m_up.project_id = ANY ($4::bigint[])
        )
        GROUP BY m.currency
      ) t2
    ) || ']}}'
  ) AS answer
  OFFSET 0
) AS made
