SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"funnel":{"type":"' || (
      upper(t1.type) || '","since":"' || t1.since::text ||
      '","until":"' || t1.until::text || '","stages":[' ||
      (
        SELECT coalesce(
          string_agg(
            (
              '{"stage":"' || upper(t2.stage) || '","count":' ||
              t2.count::text || ',"percentage":' || trim_scale(round(t2.percentage, 1))::text ||
              ',"dropOff":' || coalesce(trim_scale(round(t2.drop_off, 1))::text, 'null') ||
              '}'
            ), ',' ORDER BY t2.place
          ), ''
        )
        FROM unnest(t1.step_stage, t1.step_count, t1.step_percentage, t1.step_drop_off) WITH ORDINALITY t2(stage, count, percentage, drop_off, place)
      ) || '],"overallConversion":' || trim_scale(round(t1.overall, 1))::text
    ) || '}}}'
  ) AS answer
  FROM (
    SELECT 'purchase' AS type, $2::text::date AS since, $3::text::date AS until, '{awareness,interest,consideration,intent,evaluation,purchase}'::text[] AS step_stage, ARRAY[s.n0, s.n1, s.n2, s.n3, s.n4, s.n5]::bigint[] AS step_count, ARRAY[s.p0, s.p1, s.p2, s.p3, s.p4, s.p5]::numeric[] AS step_percentage, ARRAY[NULL, s.p0 - s.p1, s.p1 - s.p2, s.p2 - s.p3, s.p3 - s.p4, s.p4 - s.p5]::numeric[] AS step_drop_off, s.p5 AS overall
    FROM (
      SELECT c.n0, c.n1, c.n2, c.n3, c.n4, c.n5, coalesce(round(100.0 * c.n0 / nullif(c.n0, 0), 1), 0) AS p0, coalesce(round(100.0 * c.n1 / nullif(c.n0, 0), 1), 0) AS p1, coalesce(round(100.0 * c.n2 / nullif(c.n0, 0), 1), 0) AS p2, coalesce(round(100.0 * c.n3 / nullif(c.n0, 0), 1), 0) AS p3, coalesce(round(100.0 * c.n4 / nullif(c.n0, 0), 1), 0) AS p4, coalesce(round(100.0 * c.n5 / nullif(c.n0, 0), 1), 0) AS p5
      FROM (
        SELECT count(*) FILTER (WHERE w.path LIKE '%a%') AS n0, count(*) FILTER (WHERE w.path LIKE '%a%b%') AS n1, count(*) FILTER (WHERE w.path LIKE '%a%b%c%') AS n2, count(*) FILTER (WHERE w.path LIKE '%a%b%c%d%') AS n3, count(*) FILTER (WHERE w.path LIKE '%a%b%c%d%e%') AS n4, count(*) FILTER (WHERE w.path LIKE '%a%b%c%d%e%f%') AS n5
        FROM (
          SELECT string_agg(d.path, '' ORDER BY d.day) AS path
          FROM funnel_day d
          WHERE d.group_id = $4::bigint AND EXISTS (
            SELECT 1
            FROM customer d_up
            WHERE d_up.group_id = $4::bigint AND d_up.id = d.customer_id AND d_up.store_id = $5::bigint
          ) AND CASE WHEN d.day >= $6::date THEN d.day <= $7::date ELSE false END
          GROUP BY d.customer_id
        ) w
      ) c
    ) s
  ) t1
  OFFSET 0
) AS made
