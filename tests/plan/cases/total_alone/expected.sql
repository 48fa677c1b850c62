SELECT convert_to(
  (
    '{"data":{"campaigns":{"totalCount":' || (
      SELECT count(*)::text
      FROM campaign t2
      WHERE t2.group_id = $1::bigint AND t2.deleted_at IS NULL
    ) || '},"stores":{"__typename":"StoreConnection"}}}'
  ), 'UTF8'
)
