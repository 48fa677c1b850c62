SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"name":' || to_json(t1.name)::text || ',"tracking":' ||
              CASE WHEN t1.integration_id IS NOT NULL THEN (
                '{"integration":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"wmktId":' || to_json(t2.wmkt_id)::text || '}') END ||
                '}'
              ) ELSE 'null' END || '}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.integration_id, t1.name
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.project_id = ANY ($3::bigint[]) AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $4::bigint
      ) t1
      LEFT JOIN integration t2 ON t2.group_id = $2::bigint AND t2.project_id = ANY ($3::bigint[]) AND t2.id = t1.integration_id
    ) || ',"customers":{"totalCount":' || (
      SELECT count(*)::text
      FROM customer t4
      WHERE t4.group_id = $2::bigint AND false AND t4.deleted_at IS NULL
    ) || '},"figures":[' || (
      SELECT coalesce(
        string_agg(
          (
            '{"period":' || coalesce(('"' || t5.period::text || '"'), 'null') ||
            ',"clicks":' || t5.clicks::text || '}'
          ), ',' ORDER BY t5.sort_1, t5.sort_2, t5.sort_3
        ), ''
      )
      FROM (
        SELECT x.period, x.clicks, x.period AS sort_1, x.store_id AS sort_2, x.currency AS sort_3
        FROM (
          SELECT 'now'::text AS part, base.day AS period, base.store_id AS store_id, base.currency AS currency, coalesce(sum(base.clicks), 0) AS clicks
          FROM (
            SELECT m.clicks, m.currency, m.day, c.store_id
            FROM campaign_metric m JOIN campaign c ON c.group_id = $2::bigint AND c.project_id = ANY ($3::bigint[]) AND c.id = m.campaign_id
            WHERE m.group_id = $2::bigint
          ) base
          GROUP BY base.day, base.store_id, base.currency
        ) x
      ) t5
    ) || ']}}'
  ) AS answer
  OFFSET 0
) AS made
