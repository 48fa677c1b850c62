SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"viewer":{"name":' || to_json($2::text)::text ||
    ',"roles":' || array_to_json($3::text[])::text ||
    ',"store":' || coalesce(
      (
        SELECT ('{"name":' || to_json(t1.name)::text || '}')
        FROM store t1
        WHERE t1.group_id = $4::bigint AND t1.id = $5::bigint AND t1.id = $5::bigint AND t1.deleted_at IS NULL
      ), 'null'
    ) || '},"stores":' || (
      SELECT (
        '{"nodes":[' || coalesce(string_agg(('{"name":' || to_json(t2.name)::text || '}'), ',' ORDER BY t2.name, t2.id), '') ||
        ']}'
      )
      FROM (
        SELECT t2.id, t2.name
        FROM store t2
        WHERE t2.group_id = $4::bigint AND t2.id = $5::bigint AND t2.deleted_at IS NULL
        ORDER BY t2.name, t2.id
        LIMIT 50
      ) t2
    ) || ',"projects":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            ('{"slug":' || coalesce(to_json(t3.slug)::text, 'null') || '}'), ',' ORDER BY t3.created_at DESC, t3.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t3.created_at, t3.id, t3.slug
        FROM project t3
        WHERE t3.group_id = $4::bigint AND (t3.store_id IS NULL OR t3.store_id = $5::bigint) AND t3.archived_at IS NULL
        ORDER BY t3.created_at DESC, t3.id DESC
        LIMIT 50
      ) t3
    ) || ',"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"name":' || to_json(t4.name)::text || ',"project":' ||
              CASE WHEN t5.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t5.name)::text || '}') END ||
              ',"promos":' || (
                SELECT (
                  '{"nodes":[' || coalesce(
                    string_agg(
                      ('{"code":' || to_json(t6.code_key)::text || '}'), ',' ORDER BY t6.created_at DESC, t6.id DESC
                    ), ''
                  ) || ']}'
                )
                FROM (
                  SELECT t6.code_key, t6.created_at, t6.id
                  FROM promo t6
                  WHERE t6.group_id = $4::bigint AND (
                    t6.campaign_id IS NULL OR EXISTS (
                      SELECT 1
                      FROM promo_campaign t6_up
                      WHERE t6_up.group_id = $4::bigint AND t6_up.promo_id = t6.id AND EXISTS (
                        SELECT 1
                        FROM campaign t6_up_up
                        WHERE t6_up_up.group_id = $4::bigint AND t6_up_up.id = t6_up.campaign_id AND t6_up_up.store_id = $5::bigint
                      )
                    )
                  ) AND t6.id IN (
                    SELECT t6_link.promo_id
                    FROM promo_campaign t6_link
                    WHERE t6_link.group_id = $4::bigint AND EXISTS (
                      SELECT 1
                      FROM campaign t6_link_up
                      WHERE t6_link_up.group_id = $4::bigint AND t6_link_up.id = t6_link.campaign_id AND t6_link_up.store_id = $5::bigint
                    ) AND t6_link.campaign_id = t4.id
                  ) AND t6.deleted_at IS NULL
                  ORDER BY t6.created_at DESC, t6.id DESC
                  LIMIT $6::bigint
                ) t6
              ) || ',"flows":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"actions":[' || (
                        SELECT coalesce(
                          string_agg(('{"baseReward":' || t8.base_reward::text || '}'), ',' ORDER BY t8.position, t8.id), ''
                        )
                        FROM flow_action t8
                        WHERE t8.group_id = $4::bigint AND EXISTS (
                          SELECT 1
                          FROM flow t8_up
                          WHERE t8_up.group_id = $4::bigint AND t8_up.id = t8.flow_id AND EXISTS (
                            SELECT 1
                            FROM campaign t8_up_up
                            WHERE t8_up_up.group_id = $4::bigint AND t8_up_up.id = t8_up.campaign_id AND t8_up_up.store_id = $5::bigint
                          )
                        ) AND t8.flow_id = t7.id
                      ) || ']}'
                    ), ',' ORDER BY t7.position, t7.id
                  ), ''
                )
                FROM flow t7
                WHERE t7.group_id = $4::bigint AND EXISTS (
                  SELECT 1
                  FROM campaign t7_up
                  WHERE t7_up.group_id = $4::bigint AND t7_up.id = t7.campaign_id AND t7_up.store_id = $5::bigint
                ) AND t7.campaign_id = t4.id AND t7.deleted_at IS NULL
              ) || ']}'
            ), ',' ORDER BY t4.created_at DESC, t4.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t4.created_at, t4.id, t4.name, t4.project_id
        FROM campaign t4
        WHERE t4.group_id = $4::bigint AND t4.store_id = $5::bigint AND t4.deleted_at IS NULL
        ORDER BY t4.created_at DESC, t4.id DESC
        LIMIT $7::bigint
      ) t4
      LEFT JOIN project t5 ON t5.group_id = $4::bigint AND (t5.store_id IS NULL OR t5.store_id = $5::bigint) AND t5.id = t4.project_id
    ) || ',"events":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            ('{"body":' || coalesce(t9.body::text, 'null') || '}'), ',' ORDER BY t9.received_at DESC, t9.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t9.body, t9.id, t9.received_at
        FROM event t9
        WHERE t9.group_id = $4::bigint AND EXISTS (
          SELECT 1
          FROM project t9_up
          WHERE t9_up.group_id = $4::bigint AND t9_up.id = t9.project_id AND (t9_up.store_id IS NULL OR t9_up.store_id = $5::bigint)
        )
        ORDER BY t9.received_at DESC, t9.id DESC
        LIMIT $8::bigint
      ) t9
    ) || ',"customers":' || (
      SELECT (
        '{"totalCount":' || (
          SELECT count(*)::text
          FROM customer t11
          WHERE t11.group_id = $4::bigint AND t11.store_id = $5::bigint AND t11.deleted_at IS NULL
        ) || ',"nodes":[' || coalesce(
          string_agg(
            ('{"email":' || coalesce(to_json(t10.email)::text, 'null') || '}'), ',' ORDER BY t10.created_at DESC, t10.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t10.created_at, t10.email, t10.id
        FROM customer t10
        WHERE t10.group_id = $4::bigint AND t10.store_id = $5::bigint AND t10.deleted_at IS NULL
        ORDER BY t10.created_at DESC, t10.id DESC
        LIMIT $8::bigint
      ) t10
    ) || ',"figures":[' || (
      SELECT coalesce(string_agg(('{"clicks":' || t12.clicks::text || '}'), ',' ORDER BY t12.sort_1), '')
      FROM (
        SELECT x.clicks, x.currency AS sort_1
        FROM (
          WITH parts AS MATERIALIZED (
            SELECT 'now'::text AS part, base.currency AS currency, coalesce(sum(base.clicks), 0) AS clicks
            FROM (
              SELECT m.clicks, m.currency
              FROM metric_rollup m
              WHERE m.group_id = $4::bigint AND m.store_id = $5::bigint
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
                WHERE ug.id = $4::bigint
              )
              WHERE NOT EXISTS (
                SELECT
                FROM parts
              )
            ) k
          ) u GROUP BY u.currency
        ) x
      ) t12
    ) || ']}}'
  ) AS answer
  OFFSET 0
) AS made
