SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"figures":[' || coalesce(
      string_agg(
        (
          '{"period":' || coalesce(('"' || t1.period::text || '"'), 'null') ||
          ',"store":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"opened":' || t1.opened::text || '}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT x.period, x.store_id, x.opened, x.period AS sort_1, x.store_id AS sort_2, x.currency AS sort_3
    FROM (
      SELECT 'now'::text AS part, base.day AS period, base.store_id AS store_id, base.currency AS currency, coalesce(sum(base.opened), 0) AS opened
      FROM (
        SELECT m.currency, m.day, m.opened, c.store_id
        FROM campaign_metric m JOIN campaign c ON c.group_id = $2::bigint AND c.project_id = ANY ($3::bigint[]) AND c.id = m.campaign_id
        WHERE m.group_id = $2::bigint AND m.day >= $4::date AND c.store_id = ANY ($5::bigint[])
      ) base
      GROUP BY base.day, base.store_id, base.currency
    ) x
  ) t1
  LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
  OFFSET 0
) AS made
