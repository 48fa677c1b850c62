SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"funnelCustom":[' || coalesce(
      string_agg(
        (
          '{"channel":' || coalesce(to_json(t1.channel)::text, 'null') ||
          ',"stages":[' || (
            SELECT coalesce(
              string_agg(
                (
                  '{"count":' || t2.count::text || ',"medianSeconds":' ||
                  coalesce(t2.median_seconds::text, 'null') || '}'
                ), ',' ORDER BY t2.place
              ), ''
            )
            FROM unnest(t1.step_stage, t1.step_count, t1.step_median_seconds) WITH ORDINALITY t2(stage, count, median_seconds, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT s.dim AS channel, '{awareness,purchase}'::text[] AS step_stage, ARRAY[s.n0, s.n1]::bigint[] AS step_count, ARRAY[NULL, s.m1]::bigint[] AS step_median_seconds, - s.n0 AS sort_1, s.dim AS sort_2
    FROM (
      SELECT c.n0, c.n1, c.m1, c.dim, coalesce(round(100.0 * c.n0 / nullif(c.n0, 0), 1), 0) AS p0, coalesce(round(100.0 * c.n1 / nullif(c.n0, 0), 1), 0) AS p1
      FROM (
        SELECT count(w.t0) AS n0, count(w.t1) AS n1, round(
          (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM w.t1 - w.t0)::float8))::numeric
        )::bigint AS m1, w.dim
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
          ) SELECT customer_id, min(at) FILTER (WHERE place = 0) AS t0, min(at) FILTER (WHERE place = 1 AND b0 IS NOT NULL) AS t1, (array_agg(dim ORDER BY at, id) FILTER (WHERE place = 0))[1] AS dim FROM (
            SELECT customer_id, at, place, dim, id, max(CASE WHEN place = 0 THEN at END) OVER (PARTITION BY customer_id ORDER BY at, place ROWS UNBOUNDED PRECEDING) AS b0
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
              ) END = 0 THEN 0 END WHEN 'purchase' THEN 1 END AS place, t.channel AS dim, t.id
              FROM funnel_touch t
              WHERE t.group_id = $2::bigint AND t.stage = ANY ('{awareness,purchase}') AND CASE WHEN t.occurred_at >= (
                SELECT s0
                FROM edges
              ) THEN true ELSE false END
            ) l0
          ) touched GROUP BY customer_id
        ) w
        WHERE w.t0 IS NOT NULL
        GROUP BY w.dim
      ) c
    ) s
  ) t1
  OFFSET 0
) AS made
