SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"insights":[' || coalesce(
      string_agg(
        (
          '{"period":' || to_json(t1.period)::text || ',"eventType":' ||
          coalesce(to_json(t1.event_type)::text, 'null') ||
          ',"values":[' || (
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
    SELECT i.label AS period, i.reference AS event_type, $2::text[] AS value_metric, i.sums AS value_value, i.bucket AS sort_1, i.reference AS sort_2
    FROM (
      WITH facts AS MATERIALIZED (
        SELECT date_trunc('day', (s.at AT TIME ZONE $3::text)) AS bucket, s.type_id AS part, s.key, sum(s.value) AS value
        FROM (
          SELECT r.hour AS at, r.event_type_id AS type_id, r.key, r.value
          FROM event_rollup r
          WHERE r.group_id = $4::bigint AND r.project_id = (
            SELECT pr.id
            FROM project pr
            WHERE pr.group_id = $4::bigint AND (pr.slug = $5::text OR pr.id = $6::bigint)
            LIMIT 1
          ) AND r.key COLLATE "C" = ANY ($2::text[]) AND r.hour >= date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond') AND r.hour < date_trunc('hour', ($8::text::timestamptz + interval '1 microsecond')) AND (
            r.hour >= $9::text::timestamptz OR (
              date_trunc('day', (r.hour AT TIME ZONE $3::text)) = date_trunc('day', ((r.hour + interval '1 hour' - interval '1 microsecond') AT TIME ZONE $3::text))
            )
          ) AND r.event_type_id = ANY (
            ARRAY (
              SELECT ft.id
              FROM event_type ft
              WHERE ft.group_id = $4::bigint AND ft.project_id = (
                SELECT pf.id
                FROM project pf
                WHERE pf.group_id = $4::bigint AND (pf.slug = $5::text OR pf.id = $6::bigint)
                LIMIT 1
              ) AND (cardinality($10::text[]) = 0 OR ft.reference = ANY ($10::text[]))
            )
          ) UNION ALL SELECT v.at, v.type_id, 'event-count', 1
          FROM (
            SELECT lo, hi
            FROM (
              VALUES (
                $7::text::timestamptz, least(
                  date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond'), ($8::text::timestamptz + interval '1 microsecond')
                )
              ), (
                greatest(
                  date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond'), date_trunc('hour', ($8::text::timestamptz + interval '1 microsecond'))
                ), ($8::text::timestamptz + interval '1 microsecond')
              )
            ) v(lo, hi) UNION ALL SELECT DISTINCT b.hour AS lo, b.hour + interval '1 hour' AS hi
            FROM event_rollup b
            WHERE b.group_id = $4::bigint AND b.project_id = (
              SELECT pb.id
              FROM project pb
              WHERE pb.group_id = $4::bigint AND (pb.slug = $5::text OR pb.id = $6::bigint)
              LIMIT 1
            ) AND b.key COLLATE "C" = 'event-count' AND b.hour >= date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond') AND b.hour < date_trunc('hour', ($8::text::timestamptz + interval '1 microsecond')) AND b.hour < $9::text::timestamptz AND NOT (
              date_trunc('day', (b.hour AT TIME ZONE $3::text)) = date_trunc('day', ((b.hour + interval '1 hour' - interval '1 microsecond') AT TIME ZONE $3::text))
            )
          ) x
          CROSS JOIN LATERAL (
            SELECT e.occurred_at AS at, e.event_type_id AS type_id
            FROM event_type t JOIN event e ON e.group_id = $4::bigint AND e.event_type_id = t.id AND e.occurred_at >= x.lo AND e.occurred_at < x.hi AND e.status = 'processed' AND e.event_type_id = ANY (
              ARRAY (
                SELECT ft.id
                FROM event_type ft
                WHERE ft.group_id = $4::bigint AND ft.project_id = (
                  SELECT pf.id
                  FROM project pf
                  WHERE pf.group_id = $4::bigint AND (pf.slug = $5::text OR pf.id = $6::bigint)
                  LIMIT 1
                ) AND (cardinality($10::text[]) = 0 OR ft.reference = ANY ($10::text[]))
              )
            )
            WHERE t.group_id = $4::bigint AND t.project_id = (
              SELECT pr.id
              FROM project pr
              WHERE pr.group_id = $4::bigint AND (pr.slug = $5::text OR pr.id = $6::bigint)
              LIMIT 1
            )
            OFFSET 0
          ) v
          WHERE 'event-count' = ANY ($2::text[]) UNION ALL SELECT v.at, v.type_id, k.key, v.value
          FROM (
            SELECT lo, hi
            FROM (
              VALUES (
                $7::text::timestamptz, least(
                  date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond'), ($8::text::timestamptz + interval '1 microsecond')
                )
              ), (
                greatest(
                  date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond'), date_trunc('hour', ($8::text::timestamptz + interval '1 microsecond'))
                ), ($8::text::timestamptz + interval '1 microsecond')
              )
            ) v(lo, hi) UNION ALL SELECT DISTINCT b.hour AS lo, b.hour + interval '1 hour' AS hi
            FROM event_rollup b
            WHERE b.group_id = $4::bigint AND b.project_id = (
              SELECT pb.id
              FROM project pb
              WHERE pb.group_id = $4::bigint AND (pb.slug = $5::text OR pb.id = $6::bigint)
              LIMIT 1
            ) AND b.key COLLATE "C" = 'event-count' AND b.hour >= date_trunc('hour', $7::text::timestamptz + interval '1 hour' - interval '1 microsecond') AND b.hour < date_trunc('hour', ($8::text::timestamptz + interval '1 microsecond')) AND b.hour < $9::text::timestamptz AND NOT (
              date_trunc('day', (b.hour AT TIME ZONE $3::text)) = date_trunc('day', ((b.hour + interval '1 hour' - interval '1 microsecond') AT TIME ZONE $3::text))
            )
          ) x
          CROSS JOIN unnest($2::text[]) k(key)
          CROSS JOIN LATERAL (
            SELECT m.occurred_at AS at, e.event_type_id AS type_id, m.value
            FROM event_metric m JOIN event e ON e.group_id = $4::bigint AND e.id = m.event_id AND e.event_type_id IS NOT NULL AND e.status = 'processed' AND e.event_type_id = ANY (
              ARRAY (
                SELECT ft.id
                FROM event_type ft
                WHERE ft.group_id = $4::bigint AND ft.project_id = (
                  SELECT pf.id
                  FROM project pf
                  WHERE pf.group_id = $4::bigint AND (pf.slug = $5::text OR pf.id = $6::bigint)
                  LIMIT 1
                ) AND (cardinality($10::text[]) = 0 OR ft.reference = ANY ($10::text[]))
              )
            )
            WHERE m.group_id = $4::bigint AND m.project_id = (
              SELECT pr.id
              FROM project pr
              WHERE pr.group_id = $4::bigint AND (pr.slug = $5::text OR pr.id = $6::bigint)
              LIMIT 1
            ) AND m.storage_key = k.key AND m.occurred_at >= x.lo AND m.occurred_at < x.hi
            OFFSET 0
          ) v
        ) s
        GROUP BY 1, 2, 3
      ) SELECT b.bucket, to_char(b.bucket AT TIME ZONE $3::text, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS label, ty.reference, coalesce(array_agg(coalesce(f.value, 0) ORDER BY k.place) FILTER (WHERE k.key IS NOT NULL), '{}') AS sums FROM (
        SELECT generate_series(
          date_trunc('day', ($7::text::timestamptz AT TIME ZONE $3::text)), date_trunc('day', ($8::text::timestamptz AT TIME ZONE $3::text)), interval '1 day'
        ) AS bucket
      ) b CROSS JOIN (
        SELECT t.id AS part, t.reference
        FROM event_type t
        WHERE t.group_id = $4::bigint AND t.project_id = (
          SELECT pr.id
          FROM project pr
          WHERE pr.group_id = $4::bigint AND (pr.slug = $5::text OR pr.id = $6::bigint)
          LIMIT 1
        ) AND (cardinality($10::text[]) = 0 OR t.reference = ANY ($10::text[])) AND (
          t.archived_at IS NULL OR EXISTS (
            SELECT 1
            FROM facts
            WHERE part = t.id
          )
        )
      ) ty LEFT JOIN unnest($2::text[]) WITH ORDINALITY k(key, place) ON true LEFT JOIN facts f ON f.bucket = b.bucket AND f.part = ty.part AND f.key = k.key GROUP BY b.bucket, ty.part, ty.reference
    ) i
  ) t1
  OFFSET 0
) AS made
