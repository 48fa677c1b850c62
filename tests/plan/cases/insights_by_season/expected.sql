SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"insights":[' || coalesce(
      string_agg(
        (
          '{"period":' || to_json(t1.period)::text || ',"values":[' ||
          (
            SELECT coalesce(
              string_agg(
                (
                  '{"metric":' || to_json(t2.metric)::text || ',"value":"' ||
                  trim_scale(t2.value)::text || '"}'
                ), ',' ORDER BY t2.place
              ), ''
            )
            FROM unnest(t1.value_metric, t1.value_value) WITH ORDINALITY t2(metric, value, place)
          ) || ']}'
        ), ',' ORDER BY t1.sort_1, t1.sort_2
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT i.label AS period, $2::text[] AS value_metric, i.sums AS value_value, i.bucket AS sort_1, i.reference AS sort_2
    FROM (
      WITH facts AS MATERIALIZED (
        SELECT extract(isodow FROM (s.at AT TIME ZONE $3::text))::int AS bucket, 0::bigint AS part, s.key, sum(s.value) AS value
        FROM (
          SELECT r.hour AS at, r.event_type_id AS type_id, r.key, r.value
          FROM event_rollup r
          WHERE r.group_id = $4::bigint AND r.project_id = (
            SELECT pr.id
            FROM project pr
            WHERE pr.group_id = $4::bigint AND pr.id = ANY ($5::bigint[]) AND (pr.slug = $6::text OR pr.id = $7::bigint)
            LIMIT 1
          ) AND r.key COLLATE "C" = ANY ($2::text[]) AND (
            r.hour >= $8::text::timestamptz OR (
              extract(isodow FROM (r.hour AT TIME ZONE $3::text))::int = extract(
                isodow FROM ((r.hour + interval '1 hour' - interval '1 microsecond') AT TIME ZONE $3::text)
              )::int
            )
          ) UNION ALL SELECT v.at, v.type_id, 'event-count', 1
          FROM (
            SELECT DISTINCT b.hour AS lo, b.hour + interval '1 hour' AS hi
            FROM event_rollup b
            WHERE b.group_id = $4::bigint AND b.project_id = (
              SELECT pb.id
              FROM project pb
              WHERE pb.group_id = $4::bigint AND pb.id = ANY ($5::bigint[]) AND (pb.slug = $6::text OR pb.id = $7::bigint)
              LIMIT 1
            ) AND b.key COLLATE "C" = 'event-count' AND b.hour < $8::text::timestamptz AND NOT (
              extract(isodow FROM (b.hour AT TIME ZONE $3::text))::int = extract(
                isodow FROM ((b.hour + interval '1 hour' - interval '1 microsecond') AT TIME ZONE $3::text)
              )::int
            )
          ) x
          CROSS JOIN LATERAL (
            SELECT e.occurred_at AS at, e.event_type_id AS type_id
            FROM event_type t JOIN event e ON e.group_id = $4::bigint AND e.event_type_id = t.id AND e.occurred_at >= x.lo AND e.occurred_at < x.hi AND e.status = 'processed'
            WHERE t.group_id = $4::bigint AND t.project_id = (
              SELECT pr.id
              FROM project pr
              WHERE pr.group_id = $4::bigint AND pr.id = ANY ($5::bigint[]) AND (pr.slug = $6::text OR pr.id = $7::bigint)
              LIMIT 1
            )
            OFFSET 0
          ) v
          WHERE 'event-count' = ANY ($2::text[]) UNION ALL SELECT v.at, v.type_id, k.key, v.value
          FROM (
            SELECT DISTINCT b.hour AS lo, b.hour + interval '1 hour' AS hi
            FROM event_rollup b
            WHERE b.group_id = $4::bigint AND b.project_id = (
              SELECT pb.id
              FROM project pb
              WHERE pb.group_id = $4::bigint AND pb.id = ANY ($5::bigint[]) AND (pb.slug = $6::text OR pb.id = $7::bigint)
              LIMIT 1
            ) AND b.key COLLATE "C" = 'event-count' AND b.hour < $8::text::timestamptz AND NOT (
              extract(isodow FROM (b.hour AT TIME ZONE $3::text))::int = extract(
                isodow FROM ((b.hour + interval '1 hour' - interval '1 microsecond') AT TIME ZONE $3::text)
              )::int
            )
          ) x
          CROSS JOIN unnest($2::text[]) k(key)
          CROSS JOIN LATERAL (
            SELECT m.occurred_at AS at, e.event_type_id AS type_id, m.value
            FROM event_metric m JOIN event e ON e.group_id = $4::bigint AND e.id = m.event_id AND e.event_type_id IS NOT NULL AND e.status = 'processed'
            WHERE m.group_id = $4::bigint AND m.project_id = (
              SELECT pr.id
              FROM project pr
              WHERE pr.group_id = $4::bigint AND pr.id = ANY ($5::bigint[]) AND (pr.slug = $6::text OR pr.id = $7::bigint)
              LIMIT 1
            ) AND m.storage_key = k.key AND m.occurred_at >= x.lo AND m.occurred_at < x.hi
            OFFSET 0
          ) v
        ) s
        GROUP BY 1, 2, 3
      ) SELECT b.bucket, b.bucket::text AS label, ty.reference, coalesce(array_agg(coalesce(f.value, 0) ORDER BY k.place) FILTER (WHERE k.key IS NOT NULL), '{}') AS sums FROM (
        SELECT generate_series(1, 7) AS bucket
      ) b CROSS JOIN (
        SELECT 0::bigint AS part, NULL::text AS reference
        FROM project p
        WHERE p.group_id = $4::bigint AND p.id = ANY ($5::bigint[]) AND p.id = (
          SELECT pr.id
          FROM project pr
          WHERE pr.group_id = $4::bigint AND pr.id = ANY ($5::bigint[]) AND (pr.slug = $6::text OR pr.id = $7::bigint)
          LIMIT 1
        )
      ) ty LEFT JOIN unnest($2::text[]) WITH ORDINALITY k(key, place) ON true LEFT JOIN facts f ON f.bucket = b.bucket AND f.part = ty.part AND f.key = k.key GROUP BY b.bucket, ty.part, ty.reference
    ) i
  ) t1
  OFFSET 0
) AS made
