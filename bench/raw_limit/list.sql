-- $1 group
SELECT convert_to('{"data":{"campaigns":{"nodes":[' || coalesce(string_agg(
         '{"id":"camp_' || c.id || '","name":' || to_json(c.name)::text
         || ',"status":"' || upper(c.status) || '","type":"' || upper(c.type)
         || '","channels":' || array_to_json(c.channels)::text
         || ',"startsAt":' || coalesce(left(to_json(c.starts_at)::text, -7) || 'Z"', 'null')
         || ',"endsAt":' || coalesce(left(to_json(c.ends_at)::text, -7) || 'Z"', 'null')
         || ',"budget":' || coalesce('{"amount":"' || round(c.budget_total, greatest(min_scale(c.budget_total), digits(c.currency)))
                                     || '","currency":"' || c.currency || '"}', 'null')
         || ',"store":{"id":"store_' || s.id || '","name":' || to_json(s.name)::text || '}}',
         ',' ORDER BY c.created_at DESC, c.id DESC), '') || ']}}}', 'UTF8')
  FROM (SELECT id, name, status, type, channels, starts_at, ends_at, budget_total, currency, store_id, created_at
          FROM campaign
         WHERE group_id = $1::bigint AND deleted_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT 50) c
  JOIN store s ON s.group_id = $1::bigint AND s.id = c.store_id
