-- $1 group, $2 campaign
SELECT convert_to('{"data":{"campaign":' || coalesce((
  SELECT '{"id":"camp_' || c.id || '","name":' || to_json(c.name)::text
         || ',"description":' || coalesce(to_json(c.description)::text, 'null')
         || ',"status":"' || upper(c.status) || '","type":"' || upper(c.type) || '","objective":"' || upper(c.objective)
         || '","channels":' || array_to_json(c.channels)::text
         || ',"startsAt":' || coalesce(left(to_json(c.starts_at)::text, -7) || 'Z"', 'null')
         || ',"endsAt":' || coalesce(left(to_json(c.ends_at)::text, -7) || 'Z"', 'null')
         || ',"budget":' || coalesce('{"amount":"' || round(c.budget_total, greatest(min_scale(c.budget_total), digits(c.currency)))
                                     || '","currency":"' || c.currency || '"}', 'null')
         || ',"isTemplate":' || c.is_template::text
         || ',"createdAt":' || left(to_json(c.created_at)::text, -7)
         || 'Z","updatedAt":' || left(to_json(c.updated_at)::text, -7)
         || 'Z","activatedAt":' || coalesce(left(to_json(c.activated_at)::text, -7) || 'Z"', 'null')
         || ',"content":' || CASE WHEN num_nonnulls(c.subject, c.body, c.cta_text, c.cta_url) > 0 THEN
              '{"subject":' || coalesce(to_json(c.subject)::text, 'null') || ',"body":' || coalesce(to_json(c.body)::text, 'null')
              || ',"ctaText":' || coalesce(to_json(c.cta_text)::text, 'null')
              || ',"ctaUrl":' || coalesce(to_json(c.cta_url)::text, 'null') || '}' ELSE 'null' END
         || ',"tracking":' || CASE WHEN i.id IS NOT NULL THEN
              '{"slug":' || coalesce(to_json(c.slug)::text, 'null') || ',"isExplicit":' || c.is_explicit::text
              || ',"integration":{"id":"intg_' || i.id || '","name":' || to_json(i.name)::text
              || ',"wmktId":' || to_json(i.wmkt_id)::text || '}}' ELSE 'null' END
         || ',"rewards":' || CASE WHEN c.reward_type IS NOT NULL THEN
              '{"rewardType":' || c.reward_type || ',"totalRewards":' || c.total_rewards
              || ',"partner":' || coalesce('{"id":"part_' || p.id || '","name":' || to_json(p.name)::text || '}', 'null')
              || ',"partnership":' || coalesce('{"id":"pship_' || ps.id || '","name":' || to_json(ps.name)::text || '}', 'null')
              || '}' ELSE 'null' END
         || ',"store":{"id":"store_' || s.id || '","name":' || to_json(s.name)::text || ',"beaconKey":' || to_json(s.beacon_key)::text
         || ',"timeZone":' || coalesce(to_json(s.time_zone)::text, 'null')
         || '},"project":' || coalesce('{"id":"proj_' || pr.id || '","name":' || to_json(pr.name)::text
                                      || ',"slug":' || coalesce(to_json(pr.slug)::text, 'null') || '}', 'null')
         || ',"segment":' || coalesce('{"id":"seg_' || sg.id || '","name":' || to_json(sg.name)::text || ',"type":"' || upper(sg.type)
                                     || '","size":' || sg.size
                                     || ',"sizedAt":' || coalesce(left(to_json(sg.sized_at)::text, -7) || 'Z"', 'null') || '}', 'null')
         || ',"spendLimit":' || coalesce('{"id":"limit_' || l.id || '","type":"' || upper(l.type)
                                        || '","renewal":' || coalesce('"' || upper(l.renewal) || '"', 'null')
                                        || ',"amount":' || coalesce('{"amount":"' || round(l.amount, greatest(min_scale(l.amount), digits(l.currency)))
                                                                    || '","currency":"' || l.currency || '"}', 'null') || '}', 'null')
         || ',"goals":[' || coalesce((
           SELECT string_agg('{"id":"goal_' || g.id || '","typeCode":' || g.type_code || ',"operatorCode":' || g.operator_code
                             || ',"value":' || g.value || ',"partner":{"id":"part_' || q.id || '","name":' || to_json(q.name)::text || '}}',
                             ',' ORDER BY g.position, g.id)
             FROM goal g JOIN partner q ON q.group_id = $1::bigint AND q.id = g.partner_id
            WHERE g.group_id = $1::bigint AND g.campaign_id = c.id), '')
         || '],"flows":[' || coalesce((
           SELECT string_agg(
                    '{"id":"flow_' || f.id || '","triggerCode":' || f.trigger_code
                    || ',"customTriggerId":' || coalesce(f.custom_trigger_id::text, 'null') || ',"isActive":' || f.is_active::text
                    || ',"actions":[' || coalesce((
                      SELECT string_agg('{"id":"act_' || a.id || '","actionCode":' || a.action_code || ',"baseReward":' || a.base_reward
                                        || ',"extraData":' || coalesce(a.extra_data::text, 'null')
                                        || ',"partner":{"id":"part_' || q.id || '","name":' || to_json(q.name)::text || '}}',
                                        ',' ORDER BY a.position, a.id)
                        FROM flow_action a JOIN partner q ON q.group_id = $1::bigint AND q.id = a.partner_id
                       WHERE a.group_id = $1::bigint AND a.flow_id = f.id), '')
                    || '],"conditions":[' || coalesce((
                      SELECT string_agg('{"id":"cond_' || x.id || '","typeCode":' || x.type_code || ',"operatorCode":' || x.operator_code
                                        || ',"joinerCode":' || x.joiner_code || ',"attribute":' || x.attribute
                                        || ',"value":' || coalesce(x.value::text, 'null')
                                        || ',"partner":{"id":"part_' || q.id || '","name":' || to_json(q.name)::text || '}}',
                                        ',' ORDER BY x.position, x.id)
                        FROM flow_condition x JOIN partner q ON q.group_id = $1::bigint AND q.id = x.partner_id
                       WHERE x.group_id = $1::bigint AND x.flow_id = f.id), '')
                    || '],"multipliers":[' || coalesce((
                      SELECT string_agg('{"id":"mult_' || m.id || '","typeCode":' || m.type_code || ',"attribute":' || m.attribute
                                        || ',"amount":"' || trim_scale(m.amount)
                                        || '","value":' || coalesce(m.value::text, 'null')
                                        || ',"partner":{"id":"part_' || q.id || '","name":' || to_json(q.name)::text || '}}',
                                        ',' ORDER BY m.position, m.id)
                        FROM flow_multiplier m JOIN partner q ON q.group_id = $1::bigint AND q.id = m.partner_id
                       WHERE m.group_id = $1::bigint AND m.flow_id = f.id), '')
                    || ']}', ',' ORDER BY f.position, f.id)
             FROM flow f WHERE f.group_id = $1::bigint AND f.campaign_id = c.id AND f.deleted_at IS NULL), '')
         || '],"outlays":{"nodes":[' || coalesce((
           SELECT string_agg('{"id":"outlay_' || o.id
                             || '","amount":{"amount":"' || round(o.amount, greatest(min_scale(o.amount), digits(o.currency)))
                             || '","currency":"' || o.currency
                             || '"},"startsAt":' || left(to_json(o.starts_at)::text, -7)
                             || 'Z","endsAt":' || left(to_json(o.ends_at)::text, -7)
                             || 'Z","country":' || coalesce(to_json(o.country)::text, 'null')
                             || ',"region":' || coalesce(to_json(o.region)::text, 'null')
                             || ',"createdAt":' || left(to_json(o.created_at)::text, -7) || 'Z"}', ',' ORDER BY o.starts_at, o.id)
             FROM (SELECT id, amount, currency, starts_at, ends_at, country, region, created_at FROM outlay
                    WHERE group_id = $1::bigint AND campaign_id = c.id AND deleted_at IS NULL
                    ORDER BY starts_at, id LIMIT 20) o), '')
         || ']},"promos":{"nodes":[' || coalesce((
           SELECT string_agg('{"id":"promo_' || p.id || '","code":' || to_json(p.code)::text || ',"type":' || to_json(p.type)::text
                             || ',"value":"' || trim_scale(p.value) || '","used":' || p.used
                             || ',"usageLimit":' || coalesce(p.usage_limit::text, 'null')
                             || ',"perCustomerLimit":' || coalesce(p.per_customer_limit::text, 'null')
                             || ',"validFrom":' || coalesce(left(to_json(p.valid_from)::text, -7) || 'Z"', 'null')
                             || ',"validUntil":' || coalesce(left(to_json(p.valid_until)::text, -7) || 'Z"', 'null')
                             || ',"appliesTo":' || coalesce(p.applies_to::text, 'null')
                             || '}', ',' ORDER BY p.created_at DESC, p.id DESC)
             FROM (SELECT id, code, type, value, used, usage_limit, per_customer_limit, valid_from, valid_until, applies_to, created_at
                     FROM promo
                    WHERE group_id = $1::bigint AND campaign_id = c.id AND deleted_at IS NULL
                    ORDER BY created_at DESC, id DESC LIMIT 20) p), '')
         -- A campaign has one row per day and channel, so nothing needs summing up.
         || ']},"metricSeries":[' || coalesce((
           SELECT string_agg('{"period":"' || m.day || '","channel":' || to_json(m.channel)::text || ',"impressions":' || m.impressions
                             || ',"clicks":' || m.clicks || ',"conversions":' || m.conversions || ',"sent":' || m.sent
                             || ',"delivered":' || m.delivered || ',"opened":' || m.opened
                             || ',"spend":{"amount":"' || round(m.spend, greatest(min_scale(m.spend), digits(m.currency)))
                             || '","currency":"' || m.currency
                             || '"},"revenue":{"amount":"' || round(m.revenue, greatest(min_scale(m.revenue), digits(m.currency)))
                             || '","currency":"' || m.currency || '"}}', ',' ORDER BY m.day, m.channel)
             FROM campaign_metric m WHERE m.group_id = $1::bigint AND m.campaign_id = c.id), '')
         || ']}'
    FROM campaign c
    LEFT JOIN integration i ON i.group_id = $1::bigint AND i.id = c.integration_id
    LEFT JOIN partner p ON p.group_id = $1::bigint AND p.id = c.partner_id
    LEFT JOIN partnership ps ON ps.group_id = $1::bigint AND ps.id = c.partnership_id
    JOIN store s ON s.group_id = $1::bigint AND s.id = c.store_id
    LEFT JOIN project pr ON pr.group_id = $1::bigint AND pr.id = c.project_id
    LEFT JOIN segment sg ON sg.group_id = $1::bigint AND sg.id = c.segment_id
    LEFT JOIN spend_limit l ON l.group_id = $1::bigint AND l.campaign_id = c.id
   WHERE c.group_id = $1::bigint AND c.id = $2::bigint AND c.deleted_at IS NULL), 'null') || '}}', 'UTF8')
