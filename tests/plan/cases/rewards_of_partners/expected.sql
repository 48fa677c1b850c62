SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"partners":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"rewardFigures":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"flow":' || coalesce(t2.flow::text, 'null') ||
                      ',"currency":"' || t2.currency || '","paid":' ||
                      t2.paid::text || ',"participants":' || t2.participants::text ||
                      '}'
                    ), ',' ORDER BY t2.sort_1, t2.sort_2
                  ), ''
                )
                FROM (
                  SELECT x.flow, x.currency, x.paid, x.participants, x.flow AS sort_1, x.currency AS sort_2
                  FROM (
                    SELECT 'now'::text AS part, base.flow AS flow, base.currency AS currency, coalesce(sum(base.paid), 0) AS paid, count(DISTINCT base.customer_id) AS participants
                    FROM (
                      SELECT r.currency, r.customer_id, r.flow, CASE WHEN r.kind IN ('reversal', 'restoration') THEN 0 ELSE r.amount END AS paid
                      FROM reward_entry r
                      WHERE r.group_id = $2::bigint AND r.partner_id = t1.id
                    ) base
                    GROUP BY base.flow, base.currency
                  ) x
                ) t2
              ) || ']}'
            ), ',' ORDER BY t1.name, t1.id
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.id, t1.name
        FROM partner t1
        WHERE t1.group_id = $2::bigint AND t1.archived_at IS NULL
        ORDER BY t1.name, t1.id
        LIMIT $3::bigint
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
