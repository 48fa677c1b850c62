SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"totalCount":' || (
          SELECT count(*)::text
          FROM campaign t2
          WHERE t2.group_id = $2::bigint AND t2.deleted_at IS NULL
        ) || ',"pageInfo":{"hasNextPage":' || (count(*) > $3::bigint)::text ||
        ',"hasPreviousPage":' || 'true' || ',"startCursor":' ||
        coalesce(
          (
            array_agg(
              (
                '"' || translate(
                  encode(
                    convert_to(
                      (
                        '["CREATED_AT:DESC,id:DESC",' || left(to_json(t1.created_at)::text, -7) ||
                        'Z",' || t1.id::text || ']'
                      ), 'UTF8'
                    ), 'base64'
                  ), E'+/=\n', '-_'
                ) || '"'
              ) ORDER BY t1.rn
            ) FILTER (WHERE t1.rn <= $3::bigint)
          )[1], 'null'
        ) || ',"endCursor":' || coalesce(
          (
            array_agg(
              (
                '"' || translate(
                  encode(
                    convert_to(
                      (
                        '["CREATED_AT:DESC,id:DESC",' || left(to_json(t1.created_at)::text, -7) ||
                        'Z",' || t1.id::text || ']'
                      ), 'UTF8'
                    ), 'base64'
                  ), E'+/=\n', '-_'
                ) || '"'
              ) ORDER BY t1.rn DESC
            ) FILTER (WHERE t1.rn <= $3::bigint)
          )[1], 'null'
        ) || '},"edges":[' || coalesce(
          string_agg(
            (
              '{"cursor":"' || translate(
                encode(
                  convert_to(
                    (
                      '["CREATED_AT:DESC,id:DESC",' || left(to_json(t1.created_at)::text, -7) ||
                      'Z",' || t1.id::text || ']'
                    ), 'UTF8'
                  ), 'base64'
                ), E'+/=\n', '-_'
              ) || '","node":{"id":"camp_' || t1.id::text ||
              '"}}'
            ), ',' ORDER BY t1.rn
          ) FILTER (WHERE t1.rn <= $3::bigint), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, row_number() OVER (ORDER BY t1.created_at DESC, t1.id DESC) AS rn
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL AND (t1.created_at, t1.id) < ($4::timestamptz, $5::bigint)
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $3::bigint + 1
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
