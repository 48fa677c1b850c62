SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"pageInfo":{"hasPreviousPage":' || (count(*) > $2::bigint)::text ||
        ',"startCursor":' || coalesce(
          (
            array_agg(
              (
                '"' || translate(
                  encode(
                    convert_to(
                      (
                        '["NAME:ASC,CREATED_AT:DESC,id:DESC",' || to_json(t1.name)::text ||
                        ',' || left(to_json(t1.created_at)::text, -7) ||
                        'Z",' || t1.id::text || ']'
                      ), 'UTF8'
                    ), 'base64'
                  ), E'+/=\n', '-_'
                ) || '"'
              ) ORDER BY t1.rn DESC
            ) FILTER (WHERE t1.rn <= $2::bigint)
          )[1], 'null'
        ) || '},"nodes":[' || coalesce(
          string_agg(('{"name":' || to_json(t1.name)::text || '}'), ',' ORDER BY t1.rn DESC) FILTER (WHERE t1.rn <= $2::bigint), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.name, row_number() OVER (ORDER BY t1.name DESC, t1.created_at, t1.id) AS rn
        FROM campaign t1
        WHERE t1.group_id = $3::bigint AND t1.deleted_at IS NULL AND (
          (t1.name < $4::text) OR (t1.name = $4::text AND t1.created_at > $5::timestamptz) OR (t1.name = $4::text AND t1.created_at = $5::timestamptz AND t1.id > $6::bigint)
        )
        ORDER BY t1.name DESC, t1.created_at, t1.id
        LIMIT $2::bigint + 1
      ) t1
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
