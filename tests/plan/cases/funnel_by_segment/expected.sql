SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"funnelCustom":[' || coalesce(
      string_agg(
        (
          '{"segment":' || CASE WHEN t2.id IS NULL THEN 'null' ELSE ('{"name":' || to_json(t2.name)::text || '}') END ||
          ',"stages":[' || (
            SELECT coalesce(string_agg(('{"count":' || t3.count::text || '}'), ',' ORDER BY t3.place), '')
            FROM unnest(t1.step_stage, t1.step_count) WITH ORDINALITY t3(stage, count, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT s.dim AS segment_id, '{awareness}'::text[] AS step_stage, ARRAY[s.n0]::bigint[] AS step_count, - s.n0 AS sort_1, s.dim AS sort_2
    FROM (
      SELECT c.n0, c.dim, coalesce(round(100.0 * c.n0 / nullif(c.n0, 0), 1), 0) AS p0
      FROM (
        SELECT count(w.t0) AS n0, w.dim
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
                WHERE zs.group_id = $2::bigint AND zs.id = $3::bigint AND zs.time_zone IS NOT NULL
              )
            ) z
            CROSS JOIN LATERAL (
              SELECT $4::text::date::timestamp AT TIME ZONE z.name AS since, ($5::text::date + 1)::timestamp AT TIME ZONE z.name AS until
              FROM (
                SELECT z.zone AS name
              ) z
            ) x
          ) SELECT r.*, m.segment_id AS dim FROM (
            SELECT customer_id, min(at) FILTER (WHERE place = 0) AS t0
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
                  SELECT $4::text::date::timestamp AT TIME ZONE z.name AS since, ($5::text::date + 1)::timestamp AT TIME ZONE z.name AS until
                  FROM (
                    SELECT coalesce(
                      (
                        SELECT zs.time_zone
                        FROM customer zo JOIN store zs ON zs.group_id = $2::bigint AND zs.id = $3::bigint AND zs.id = zo.store_id
                        WHERE zo.group_id = $2::bigint AND zo.store_id = $3::bigint AND false AND zo.id = t.customer_id
                      ), (
                        SELECT zg.time_zone
                        FROM customer_group zg
                        WHERE zg.id = $2::bigint
                      )
                    ) AS name
                  ) z
                ) own
              ) END = 0 THEN 0 END END AS place
              FROM funnel_touch t
              WHERE t.group_id = $2::bigint AND EXISTS (
                SELECT 1
                FROM customer t_up
                WHERE t_up.group_id = $2::bigint AND t_up.id = t.customer_id AND t_up.store_id = $3::bigint
              ) AND EXISTS (
                SELECT 1
                FROM customer t_up
                WHERE t_up.group_id = $2::bigint AND t_up.id = t.customer_id AND false
              ) AND t.stage = ANY ('{awareness}') AND CASE WHEN t.occurred_at >= (
                SELECT s0
                FROM edges
              ) THEN true ELSE false END
            ) touched
            GROUP BY customer_id
          ) r JOIN segment_member m ON m.group_id = $2::bigint AND m.customer_id = r.customer_id
        ) w
        GROUP BY w.dim
      ) c
    ) s
  ) t1
  LEFT JOIN segment t2 ON t2.group_id = $2::bigint AND t2.id = t1.segment_id
  OFFSET 0
) AS made
