SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"title":' || to_json(t1.name)::text || ',"name":' ||
              to_json(t1.name)::text || ',"store":{"name":' ||
              to_json(t2.name)::text || '},"id":"camp_' || t1.id::text ||
              '","budget":' || CASE WHEN t1.budget_total IS NOT NULL THEN (
                '{"amount":"' || round(
                  t1.budget_total, greatest(
                    min_scale(t1.budget_total), CASE WHEN t1.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t1.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t1.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                  )
                )::text || '","currency":"' || t1.currency || '"}'
              ) ELSE 'null' END || '}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.budget_total, t1.created_at, t1.currency, t1.id, t1.name, t1.store_id
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $3::bigint
      ) t1
      LEFT JOIN store t2 ON t2.group_id = $2::bigint AND t2.id = t1.store_id
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
