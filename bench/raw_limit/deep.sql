-- $1 group
SELECT convert_to('{"data":{"campaigns":{"nodes":[' || coalesce(string_agg(
         '{"id":"camp_' || c.id || '","name":' || to_json(c.name)::text || ',"status":"' || upper(c.status)
         || '","store":{"id":"store_' || s.id || '","name":' || to_json(s.name)::text || '},"flows":['
         || coalesce((
           SELECT string_agg(
                    '{"id":"flow_' || f.id || '","triggerCode":' || f.trigger_code || ',"isActive":' || f.is_active::text
                    || ',"actions":[' || coalesce((
                      SELECT string_agg('{"id":"act_' || a.id || '","actionCode":' || a.action_code || ',"baseReward":' || a.base_reward
                                        || ',"extraData":' || coalesce(a.extra_data::text, 'null') || '}', ',' ORDER BY a.position, a.id)
                        FROM flow_action a WHERE a.group_id = $1::bigint AND a.flow_id = f.id), '')
                    || '],"conditions":[' || coalesce((
                      SELECT string_agg('{"id":"cond_' || x.id || '","typeCode":' || x.type_code || ',"operatorCode":' || x.operator_code
                                        || ',"joinerCode":' || x.joiner_code || ',"attribute":' || x.attribute
                                        || ',"value":' || coalesce(x.value::text, 'null') || '}', ',' ORDER BY x.position, x.id)
                        FROM flow_condition x WHERE x.group_id = $1::bigint AND x.flow_id = f.id), '')
                    || '],"multipliers":[' || coalesce((
                      SELECT string_agg('{"id":"mult_' || m.id || '","typeCode":' || m.type_code || ',"attribute":' || m.attribute
                                        || ',"amount":"' || trim_scale(m.amount)
                                        || '","value":' || coalesce(m.value::text, 'null') || '}', ',' ORDER BY m.position, m.id)
                        FROM flow_multiplier m WHERE m.group_id = $1::bigint AND m.flow_id = f.id), '')
                    || ']}', ',' ORDER BY f.position, f.id)
             FROM flow f WHERE f.group_id = $1::bigint AND f.campaign_id = c.id AND f.deleted_at IS NULL), '')
         || '],"outlays":{"nodes":[' || coalesce((
           SELECT string_agg('{"id":"outlay_' || o.id
                             || '","amount":{"amount":"' || round(o.amount, greatest(min_scale(o.amount), digits(o.currency)))
                             || '","currency":"' || o.currency
                             || '"},"startsAt":' || left(to_json(o.starts_at)::text, -7)
                             || 'Z","endsAt":' || left(to_json(o.ends_at)::text, -7)
                             || 'Z","country":' || coalesce(to_json(o.country)::text, 'null') || '}', ',' ORDER BY o.starts_at, o.id)
             FROM (SELECT id, amount, currency, starts_at, ends_at, country FROM outlay
                    WHERE group_id = $1::bigint AND campaign_id = c.id AND deleted_at IS NULL
                    ORDER BY starts_at, id LIMIT 10) o), '')
         || ']},"promos":{"nodes":[' || coalesce((
           SELECT string_agg('{"id":"promo_' || p.id || '","code":' || to_json(p.code)::text || ',"type":' || to_json(p.type)::text
                             || ',"value":"' || trim_scale(p.value) || '","used":' || p.used
                             || ',"validFrom":' || coalesce(left(to_json(p.valid_from)::text, -7) || 'Z"', 'null')
                             || ',"validUntil":' || coalesce(left(to_json(p.valid_until)::text, -7) || 'Z"', 'null')
                             || '}', ',' ORDER BY p.created_at DESC, p.id DESC)
             FROM (SELECT id, code, type, value, used, valid_from, valid_until, created_at FROM promo
                    WHERE group_id = $1::bigint AND campaign_id = c.id AND deleted_at IS NULL
                    ORDER BY created_at DESC, id DESC LIMIT 10) p), '')
         || ']}}', ',' ORDER BY c.created_at DESC, c.id DESC), '') || ']}}}', 'UTF8')
  FROM (SELECT id, name, status, store_id, created_at
          FROM campaign
         WHERE group_id = $1::bigint AND deleted_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT 20) c
  JOIN store s ON s.group_id = $1::bigint AND s.id = c.store_id
