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
          WITH edges AS MATERIALIZED (
            SELECT min(x.since) AS s0, max(x.since) AS s1, min(x.until) AS e0, max(x.until) AS e1
            FROM (
              (
                SELECT zg.time_zone AS zone
                FROM customer_group zg
                WHERE zg.id = $4::bigint
              ) UNION (
                SELECT zs.time_zone
                FROM store zs
                WHERE zs.group_id = $4::bigint AND zs.id = $5::bigint AND zs.time_zone IS NOT NULL
              )
            ) z
            CROSS JOIN LATERAL (
              SELECT $2::text::date::timestamp AT TIME ZONE z.name AS since, ($3::text::date + 1)::timestamp AT TIME ZONE z.name AS until
              FROM (
                SELECT z.zone AS name
              ) z
            ) x
          ), whole AS MATERIALIZED (
            SELECT s0, date_trunc('day', s1 + (interval '1 day' - interval '1 microsecond'), 'UTC') AS s1, date_trunc('day', e0, 'UTC') AS e0, date_trunc('day', e1 + (interval '1 day' - interval '1 microsecond'), 'UTC') AS e1
            FROM edges
          ) SELECT p.inside, p.inside || p.later AS path FROM (
            SELECT coalesce(b.head, '') || coalesce(d.inside, '') ||
            coalesce(b.tail, '') AS inside, coalesce(b.later, '') ||
            coalesce(d.later, '') AS later
            FROM (
              SELECT d.customer_id AS customer_id, string_agg(d.path, '' ORDER BY d.day) FILTER (
                WHERE d.day < (
                  SELECT e0::date
                  FROM whole
                )
              ) AS inside, string_agg(d.path, '' ORDER BY d.day) FILTER (
                WHERE d.day >= (
                  SELECT e1::date
                  FROM whole
                )
              ) AS later
              FROM funnel_day d
              WHERE d.group_id = $4::bigint AND EXISTS (
                SELECT 1
                FROM customer d_up
                WHERE d_up.group_id = $4::bigint AND d_up.id = d.customer_id AND d_up.store_id = $5::bigint
              ) AND CASE WHEN d.day >= (
                SELECT s1::date
                FROM whole
              ) THEN (
                d.day < (
                  SELECT e0::date
                  FROM whole
                ) OR d.day >= (
                  SELECT e1::date
                  FROM whole
                )
              ) ELSE false END
              GROUP BY d.customer_id
            ) d FULL JOIN (
              SELECT b.customer_id, string_agg(b.letter, '' ORDER BY b.at, b.letter) FILTER (WHERE b.side = 0 AND b.at < b.s1) AS head, string_agg(b.letter, '' ORDER BY b.at, b.letter) FILTER (WHERE b.side = 0 AND b.at >= b.s1) AS tail, string_agg(b.letter, '' ORDER BY b.at, b.letter) FILTER (WHERE b.side = 1) AS later
              FROM (
                SELECT t.customer_id AS customer_id, t.occurred_at AS at, CASE t.stage WHEN 'awareness' THEN 'a' WHEN 'interest' THEN 'b' WHEN 'consideration' THEN 'c' WHEN 'intent' THEN 'd' WHEN 'evaluation' THEN 'e' WHEN 'purchase' THEN 'f' WHEN 'onboarding' THEN 'g' WHEN 'activation' THEN 'h' WHEN 'retention' THEN 'i' WHEN 'advocacy' THEN 'j' END AS letter, CASE WHEN t.occurred_at >= (
                  SELECT s1
                  FROM edges
                ) AND t.occurred_at < (
                  SELECT e0
                  FROM edges
                ) THEN 0 WHEN t.occurred_at < (
                  SELECT s0
                  FROM edges
                ) THEN -1 WHEN t.occurred_at >= (
                  SELECT e1
                  FROM edges
                ) THEN 1 ELSE (
                  SELECT CASE WHEN t.occurred_at < own.since THEN -1 WHEN t.occurred_at < own.until THEN 0 ELSE 1 END
                  FROM (
                    SELECT $2::text::date::timestamp AT TIME ZONE z.name AS since, ($3::text::date + 1)::timestamp AT TIME ZONE z.name AS until
                    FROM (
                      SELECT coalesce(
                        (
                          SELECT zs.time_zone
                          FROM customer zo JOIN store zs ON zs.group_id = $4::bigint AND zs.id = $5::bigint AND zs.id = zo.store_id
                          WHERE zo.group_id = $4::bigint AND zo.store_id = $5::bigint AND zo.id = t.customer_id
                        ), (
                          SELECT zg.time_zone
                          FROM customer_group zg
                          WHERE zg.id = $4::bigint
                        )
                      ) AS name
                    ) z
                  ) own
                ) END AS side, whole.s1
                FROM whole
                CROSS JOIN LATERAL (VALUES (whole.s0, whole.s1), (greatest(whole.s1, whole.e0), whole.e1)) r(since, until) JOIN funnel_touch t ON t.group_id = $4::bigint AND EXISTS (
                  SELECT 1
                  FROM customer t_up
                  WHERE t_up.group_id = $4::bigint AND t_up.id = t.customer_id AND t_up.store_id = $5::bigint
                ) AND t.occurred_at >= r.since AND t.occurred_at < r.until
              ) b
              GROUP BY b.customer_id
            ) b ON b.customer_id = d.customer_id
          ) p
        ) w
        WHERE w.inside LIKE '%a%'
      ) c
    ) s
  ) t1
  OFFSET 0
) AS made
