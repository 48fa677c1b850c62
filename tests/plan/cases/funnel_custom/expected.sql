SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"funnelCustom":[' || coalesce(
      string_agg(
        (
          '{"stages":[' || (
            SELECT coalesce(
              string_agg(
                (
                  '{"stage":"' || upper(t2.stage) || '","count":' ||
                  t2.count::text || ',"percentage":' || trim_scale(round(t2.percentage, 1))::text ||
                  ',"dropOff":' || coalesce(trim_scale(round(t2.drop_off, 1))::text, 'null') ||
                  ',"medianSeconds":' || coalesce(t2.median_seconds::text, 'null') ||
                  '}'
                ), ',' ORDER BY t2.place
              ), ''
            )
            FROM unnest(t1.step_stage, t1.step_count, t1.step_percentage, t1.step_drop_off, t1.step_median_seconds) WITH ORDINALITY t2(stage, count, percentage, drop_off, median_seconds, place)
          ) || '],"overallConversion":' || trim_scale(round(t1.overall, 1))::text ||
          '}'
        ), ','
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT '{awareness,consideration,purchase}'::text[] AS step_stage, ARRAY[s.n0, s.n1, s.n2]::bigint[] AS step_count, ARRAY[s.p0, s.p1, s.p2]::numeric[] AS step_percentage, ARRAY[NULL, s.p0 - s.p1, s.p1 - s.p2]::numeric[] AS step_drop_off, ARRAY[NULL, s.m1, s.m2]::bigint[] AS step_median_seconds, s.p2 AS overall
    FROM (
      SELECT c.n0, c.n1, c.n2, c.m1, c.m2, coalesce(round(100.0 * c.n0 / nullif(c.n0, 0), 1), 0) AS p0, coalesce(round(100.0 * c.n1 / nullif(c.n0, 0), 1), 0) AS p1, coalesce(round(100.0 * c.n2 / nullif(c.n0, 0), 1), 0) AS p2
      FROM (
        SELECT count(w.t0) AS n0, count(w.t1) AS n1, count(w.t2) AS n2, round(
          (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM w.t1 - w.t0)::float8))::numeric
        )::bigint AS m1, round(
          (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM w.t2 - w.t1)::float8))::numeric
        )::bigint AS m2
        FROM (
          WITH edges AS MATERIALIZED (
            SELECT min(x.since) AS s0, max(x.since) AS s1, min(x.until) AS e0, max(x.until) AS e1
            FROM (
              (
                SELECT zg.time_zone AS zone
                FROM customer_group zg
                WHERE zg.id = $2::bigint
              ) UNION (
                SELECT zs.time_zone
                FROM store zs
                WHERE zs.group_id = $2::bigint AND zs.time_zone IS NOT NULL
              )
            ) z
            CROSS JOIN LATERAL (
              SELECT $3::text::date::timestamp AT TIME ZONE z.name AS since, ($4::text::date + 1)::timestamp AT TIME ZONE z.name AS until
              FROM (
                SELECT z.zone AS name
              ) z
            ) x
          ) SELECT customer_id, min(at) FILTER (WHERE place = 0) AS t0, min(at) FILTER (WHERE place = 1 AND at - b0 <= make_interval(hours = > $5::int)) AS t1, min(at) FILTER (WHERE place = 2 AND at - b1 <= make_interval(hours = > $5::int)) AS t2 FROM (
            SELECT customer_id, at, place, b0, max(CASE WHEN place = 1 AND at - b0 <= make_interval(hours = > $5::int) THEN b0 END) OVER (PARTITION BY customer_id ORDER BY at, place ROWS UNBOUNDED PRECEDING) AS b1
            FROM (
              SELECT customer_id, at, place, max(CASE WHEN place = 0 THEN at END) OVER (PARTITION BY customer_id ORDER BY at, place ROWS UNBOUNDED PRECEDING) AS b0
              FROM (
                SELECT t.customer_id, t.occurred_at AS at, CASE t.stage WHEN 'awareness' THEN CASE WHEN CASE WHEN t.occurred_at >= (
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
                    SELECT $3::text::date::timestamp AT TIME ZONE z.name AS since, ($4::text::date + 1)::timestamp AT TIME ZONE z.name AS until
                    FROM (
                      SELECT coalesce(
                        (
                          SELECT zs.time_zone
                          FROM customer zo JOIN store zs ON zs.group_id = $2::bigint AND zs.id = zo.store_id
                          WHERE zo.group_id = $2::bigint AND zo.id = t.customer_id
                        ), (
                          SELECT zg.time_zone
                          FROM customer_group zg
                          WHERE zg.id = $2::bigint
                        )
                      ) AS name
                    ) z
                  ) own
                ) END = 0 THEN 0 END WHEN 'consideration' THEN 1 WHEN 'purchase' THEN 2 END AS place
                FROM funnel_touch t
                WHERE t.group_id = $2::bigint AND t.stage = ANY ('{awareness,consideration,purchase}') AND CASE WHEN t.occurred_at >= (
                  SELECT s0
                  FROM edges
                ) THEN t.occurred_at < (
                  SELECT e1 + make_interval(hours = > $5::int)
                  FROM edges
                ) ELSE false END
              ) l0
            ) l1
          ) touched GROUP BY customer_id
        ) w
      ) c
    ) s
  ) t1
  OFFSET 0
) AS made
