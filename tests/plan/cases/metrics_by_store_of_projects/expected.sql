SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"metricSeries":[' || coalesce(
      string_agg(
        (
          '{"period":"' || t1.period::text || '","store":' ||
          CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"opened":' || t1.opened::text || '}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2, t1.sort_3
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT m.day AS period, (
      SELECT s.store_id
      FROM campaign s
      WHERE s.group_id = $2::bigint AND s.project_id = ANY ($3::bigint[]) AND s.id = m.campaign_id
    ) AS store_id, coalesce(sum(m.opened), 0) AS opened, m.day AS sort_1, (
      SELECT s.store_id
      FROM campaign s
      WHERE s.group_id = $2::bigint AND s.project_id = ANY ($3::bigint[]) AND s.id = m.campaign_id
    ) AS sort_2, m.currency AS sort_3
    FROM campaign_metric m
    WHERE m.group_id = $2::bigint AND EXISTS (
      SELECT 1
      FROM campaign m_up
      WHERE m_up.group_id = $2::bigint AND m_up.id = m.campaign_id AND m_up.project_id = ANY ($3::bigint[])
    ) AND m.day >= $4::date AND (
      SELECT s.store_id
      FROM campaign s
      WHERE s.group_id = $2::bigint AND s.project_id = ANY ($3::bigint[]) AND s.id = m.campaign_id
    ) = ANY ($5::bigint[])
    GROUP BY m.day, (
      SELECT s.store_id
      FROM campaign s
      WHERE s.group_id = $2::bigint AND s.project_id = ANY ($3::bigint[]) AND s.id = m.campaign_id
    ), m.currency
  ) t1
  LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
  OFFSET 0
) AS made
