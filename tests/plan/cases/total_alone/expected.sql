SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":{"totalCount":' || (
      SELECT count(*)::text
      FROM campaign t2
      WHERE t2.group_id = $2::bigint AND t2.deleted_at IS NULL
    ) || '},"stores":{"__typename":"StoreConnection"}}}'
  ) AS answer
  OFFSET 0
) AS made
