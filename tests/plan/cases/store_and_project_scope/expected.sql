SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"promos":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            ('{"code":' || to_json(t1.code_key)::text || '}'), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.code_key, t1.created_at, t1.id
        FROM promo t1
        WHERE t1.group_id = $2::bigint AND (
          t1.campaign_id IS NULL OR EXISTS (
            SELECT 1
            FROM promo_campaign t1_up
            WHERE t1_up.group_id = $2::bigint AND t1_up.promo_id = t1.id AND EXISTS (
              SELECT 1
              FROM campaign t1_up_up
              WHERE t1_up_up.group_id = $2::bigint AND t1_up_up.id = t1_up.campaign_id AND t1_up_up.store_id = $3::bigint
            )
          )
        ) AND (
          t1.campaign_id IS NULL OR EXISTS (
            SELECT 1
            FROM promo_campaign t1_up
            WHERE t1_up.group_id = $2::bigint AND t1_up.promo_id = t1.id AND EXISTS (
              SELECT 1
              FROM campaign t1_up_up
              WHERE t1_up_up.group_id = $2::bigint AND t1_up_up.id = t1_up.campaign_id AND t1_up_up.project_id = ANY ($4::bigint[])
            )
          )
        ) AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $5::bigint
      ) t1
    ) || ',"figures":[' || (
      SELECT coalesce(string_agg(('{"clicks":' || t2.clicks::text || '}'), ',' ORDER BY t2.sort_1), '')
      FROM (
        SELECT x.clicks, x.currency AS sort_1
        FROM (
          WITH parts AS MATERIALIZED (
            SELECT 'now'::text AS part, base.currency AS currency, coalesce(sum(base.clicks), 0) AS clicks
            FROM (
              SELECT m.clicks, m.currency
              FROM campaign_metric m JOIN campaign c ON c.group_id = $2::bigint AND c.store_id = $3::bigint AND c.project_id = ANY ($4::bigint[]) AND c.id = m.campaign_id
              WHERE m.group_id = $2::bigint
            ) base
            GROUP BY base.currency
          ) SELECT u.currency, coalesce(max(u.clicks) FILTER (WHERE u.part = 'now'), 0) AS clicks FROM (
            SELECT *
            FROM parts UNION ALL SELECT 'place'::text, k.currency, NULL
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
      ) t2
    ) || ']}}'
  ) AS answer
  OFFSET 0
) AS made
