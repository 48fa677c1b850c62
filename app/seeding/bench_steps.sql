-- The bench size, a group at a time: set-wise, deterministic, in an order that foreign keys accept.
-- Parameters are named: :group_id, :campaigns (how many), :today (the day after the last metrics), :number (of the group).
-- Steps are separated by lines that start with "-- step:".

-- step: group
INSERT INTO customer_group (id, name, currency, time_zone)
VALUES (:group_id::bigint, 'Bench Group № ' || :number::int,
        (ARRAY['EUR', 'USD', 'JPY', 'GBP'])[1 + :number::int % 4],
        (ARRAY['Europe/Paris', 'America/New_York', 'Asia/Tokyo', 'Europe/London'])[1 + :number::int % 4])

-- step: stores
INSERT INTO store (group_id, name, beacon_key, is_default, created_at)
SELECT :group_id::bigint,
       (ARRAY['Halles', 'Quai d’Été', 'Passage "Vert"', 'L''Atelier', '渋谷店'])[n] || ' ' || :number::int,
       'bench-' || :number::int || '-' || n, n = 1, :today::date - interval '2 years' + n * interval '1 hour'
  FROM generate_series(1, 5) AS n

-- step: partners
INSERT INTO partner (group_id, name, created_at)
SELECT :group_id::bigint, (ARRAY['Café Ñandú', 'O''Brien & Sons', 'Zażółć Foods', 'Blå Bølge'])[n],
       :today::date - interval '2 years' + n * interval '1 hour'
  FROM generate_series(1, 4) AS n

-- step: partnerships
INSERT INTO partnership (group_id, name, partner_id, store_id)
SELECT :group_id::bigint, p.name || ' × ' || s.name, p.id, s.id
  FROM partner p CROSS JOIN store s
 WHERE p.group_id = :group_id::bigint AND s.group_id = :group_id::bigint AND s.is_default

-- step: projects
WITH made AS (
  INSERT INTO project (group_id, name, slug, is_internal, store_id)
  SELECT :group_id::bigint, 'Tracking ' || :number::int, :slug::text, false, id
    FROM store WHERE group_id = :group_id::bigint AND is_default
  RETURNING group_id, id, slug)
INSERT INTO project_slug (slug, group_id, project_id) SELECT slug, group_id, id FROM made

-- step: integrations
INSERT INTO integration (group_id, name, project_id, kind, wmkt_id, currency)
SELECT p.group_id, 'Custom ads', p.id, 'custom_ads', 'wmkt-bench-' || :number::int, g.currency
  FROM project p JOIN customer_group g ON g.id = p.group_id WHERE p.group_id = :group_id::bigint

-- step: segments
INSERT INTO segment (group_id, name, type, criteria, size, sized_at)
SELECT :group_id::bigint, (ARRAY['Fidèles « or »', 'Dormants', 'VIP', 'New – 30 days', 'Big spenders'])[n],
       (ARRAY['static', 'dynamic', 'dynamic', 'dynamic', 'imported'])[n],
       json_build_object('order_count', json_build_object('gte', n)), n * 1234, :today::date
  FROM generate_series(1, 5) AS n

-- step: customers
INSERT INTO customer (group_id, name, email, email_key, store_id, created_at)
SELECT :group_id::bigint,
       (ARRAY['Zoë', 'Łukasz', 'Noël', 'Siobhán', 'Jürgen', 'Anaïs', '健太', 'Olga'])[1 + n % 8] || ' '
         || (ARRAY['O''Neil', 'Müller', 'García', 'd’Ornano', 'Sørensen', '田中'])[1 + n % 6] || ' ' || n,
       'customer' || n || '@bench' || :number::int || '.example',
       'customer' || n || '@bench' || :number::int || '.example', s.id,
       :today::date - n * interval '3 hours'
  FROM generate_series(1, 500) AS n
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM store WHERE group_id = :group_id::bigint) s
    ON s.place = 1 + n % 5

-- step: campaigns
-- Most are running; every 5th is over, every 10th paused, every 20th a draft and every 25th scheduled again.
-- One of the integration's is implicit: there is never another.
INSERT INTO campaign (group_id, name, description, status, type, objective, channels, store_id, project_id,
  segment_id, starts_at, ends_at, budget_total, currency, subject, body, integration_id, slug, is_explicit,
  reward_type, partner_id, partnership_id, total_rewards, is_template, created_at, activated_at, updated_at)
SELECT :group_id::bigint,
       (ARRAY['Soldes d’été', 'Black "Friday"', 'Fête des Mères 💐', 'L''heure du thé', '東京 Launch',
              'Back\Slash Deals', 'Welcome Aboard!', 'Größer & Besser'])[1 + n % 8] || ' – ' || n,
       CASE WHEN n % 3 > 0 THEN 'Targets the ' || n || 'th audience; "quoted", line one' || E'\n' || 'line two' END,
       CASE WHEN n % 25 = 0 THEN 'scheduled' WHEN n % 20 = 0 THEN 'draft' WHEN n % 10 = 0 THEN 'paused'
            WHEN n % 5 = 0 THEN 'completed' ELSE 'active' END,
       (ARRAY['onboarding', 'reengagement', 'promotion', 'newsletter', 'transactional', 'loyalty'])[1 + n % 6],
       (ARRAY['acquisition', 'retention', 'unspecified'])[1 + n % 3],
       string_to_array((ARRAY['google_ads,meta_ads', 'email,push', 'email,sms', 'tiktok_ads,google_ads'])[1 + n % 4],
                       ','),
       s.id, CASE WHEN n % 2 = 0 THEN p.id END, CASE WHEN n % 3 = 0 THEN g.id END,
       CASE WHEN n % 25 = 0 THEN :today::date + (1 + n % 30) ELSE :today::date - (40 + n % 300) END::timestamptz,
       CASE WHEN n % 25 = 0 THEN :today::date + 60 WHEN n % 5 = 0 AND n % 10 > 0 THEN :today::date
            ELSE :today::date + (7 + n % 200) END::timestamptz,
       round(500 + (n * 7919 % 100000) / 10.0, 2), c.currency, 'Subject “' || n || '”', 'Bonjour {{ name }},',
       CASE WHEN n % 2 = 0 THEN i.id END, CASE WHEN n % 2 = 0 THEN 'c-' || n END, n <> 14,
       CASE WHEN n % 4 = 0 THEN 1 + n % 3 END, CASE WHEN n % 4 = 0 THEN ps.partner_id END,
       CASE WHEN n % 4 = 0 THEN ps.id END, CASE WHEN n % 4 = 0 THEN n * 100 ELSE 0 END, false,
       :today::date - (60 + n % 300) + n * interval '1 second',
       CASE WHEN n % 20 > 0 THEN :today::date - (40 + n % 300) END,
       :today::date - n % 30 + n * interval '1 second'
  FROM generate_series(1, :campaigns::int) AS n
  JOIN customer_group c ON c.id = :group_id::bigint
  JOIN project p ON p.group_id = c.id
  JOIN integration i ON i.group_id = c.id
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM store WHERE group_id = :group_id::bigint) s
    ON s.place = 1 + n % 5
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM segment WHERE group_id = :group_id::bigint) g
    ON g.place = 1 + n % 5
  JOIN (SELECT id, partner_id, row_number() OVER (ORDER BY id) AS place
          FROM partnership WHERE group_id = :group_id::bigint) ps
    ON ps.place = 1 + n % 4
 ORDER BY n

-- step: flows
INSERT INTO flow (group_id, campaign_id, position, trigger_code, custom_trigger_id, is_active)
SELECT group_id, id, n, CASE WHEN n = 2 THEN 4 ELSE 1 + n % 3 END, CASE WHEN n = 2 THEN id % 1000 END, id % 11 > 0
  FROM campaign CROSS JOIN generate_series(0, 2) AS n WHERE group_id = :group_id::bigint ORDER BY id, n

-- step: flow actions
INSERT INTO flow_action (group_id, flow_id, position, action_code, partner_id, base_reward, extra_data)
SELECT f.group_id, f.id, n, 1 + n, p.id, 50 + f.id % 500, json_build_object('note', 'reward “' || n || '”')
  FROM flow f CROSS JOIN generate_series(0, 1) AS n
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM partner WHERE group_id = :group_id::bigint) p
    ON p.place = 1 + f.id % 4
 WHERE f.group_id = :group_id::bigint ORDER BY f.id, n

-- step: flow conditions
INSERT INTO flow_condition (group_id, flow_id, position, partner_id, type_code, operator_code, joiner_code,
  attribute, value)
SELECT f.group_id, f.id, n, p.id, 1 + n, 1 + (f.id + n) % 5, 1 + n % 2, 1 + n, to_json(f.id % 5000)
  FROM flow f CROSS JOIN generate_series(0, 1) AS n
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM partner WHERE group_id = :group_id::bigint) p
    ON p.place = 1 + f.id % 4
 WHERE f.group_id = :group_id::bigint ORDER BY f.id, n

-- step: flow multipliers
INSERT INTO flow_multiplier (group_id, flow_id, position, partner_id, type_code, attribute, amount, value)
SELECT f.group_id, f.id, 0, p.id, 1 + f.id % 4, 1, 1 + (f.id % 8) / 4.0, to_json(f.id % 100)
  FROM flow f
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM partner WHERE group_id = :group_id::bigint) p
    ON p.place = 1 + f.id % 4
 WHERE f.group_id = :group_id::bigint ORDER BY f.id

-- step: goals
INSERT INTO goal (group_id, campaign_id, position, partner_id, type_code, value, operator_code)
SELECT group_id, id, 0, partner_id, 1 + id % 4, 1000 + id % 90000, 1 + id % 3
  FROM campaign WHERE group_id = :group_id::bigint AND partner_id IS NOT NULL ORDER BY id

-- step: spend limits
INSERT INTO spend_limit (group_id, campaign_id, type, renewal, amount, currency)
SELECT group_id, id, CASE WHEN id % 3 > 0 THEN 'capped' ELSE 'uncapped' END,
       CASE WHEN id % 3 > 0 THEN (ARRAY['daily', 'monthly', 'lifetime'])[1 + id % 3] END,
       CASE WHEN id % 3 > 0 THEN 100 + id % 900 END, currency
  FROM campaign WHERE group_id = :group_id::bigint ORDER BY id

-- step: promos
INSERT INTO promo (group_id, code, code_key, type, value, currency, usage_limit, per_customer_limit, used, valid_from,
  valid_until, applies_to, campaign_id, segment_id)
SELECT group_id, 'BENCH' || id || chr((65 + n)::int), 'BENCH' || id || chr((65 + n)::int), CASE n WHEN 0 THEN 'percentage' ELSE 'fixed_amount' END,
       5 + id % 40, currency, 100, 1, id % 100, starts_at, ends_at, '{"all_items": true}', id, segment_id
  FROM campaign CROSS JOIN generate_series(0, 1) AS n WHERE group_id = :group_id::bigint ORDER BY id, n

-- step: promos of campaigns
INSERT INTO promo_campaign (group_id, promo_id, campaign_id)
SELECT group_id, id, campaign_id FROM promo WHERE group_id = :group_id::bigint ORDER BY id

-- step: outlays
-- Ten stretches of three days, end to end over the last thirty days.
INSERT INTO outlay (group_id, campaign_id, integration_id, amount, currency, starts_at, ends_at, country)
SELECT group_id, id, integration_id, 3 * (1 + (id * 31 + n) % 200), currency,
       (:today::date - 30 + 3 * n)::timestamptz, (:today::date - 27 + 3 * n)::timestamptz,
       (ARRAY['FR', 'US', 'JP'])[1 + id % 3]
  FROM campaign CROSS JOIN generate_series(0, 9) AS n WHERE group_id = :group_id::bigint ORDER BY id, n

-- step: the ledger, outlays
INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
SELECT o.group_id, o.campaign_id, 'outlay', o.id || '/' || d.day, d.day, c.channels[1], o.amount / 3, o.currency
  FROM outlay o JOIN campaign c ON c.group_id = o.group_id AND c.id = o.campaign_id
 CROSS JOIN LATERAL (SELECT o.starts_at::date + n AS day FROM generate_series(0, 2) AS n) d
 WHERE o.group_id = :group_id::bigint ORDER BY o.campaign_id, d.day

-- step: the ledger, reported spend
INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
SELECT group_id, id, 'reported:' || channels[2], id || '/' || (:today::date - n) || '/' || channels[2],
       :today::date - n,
       channels[2], (1 + (id * 17 + n) % 9000) / 100.0, currency
  FROM campaign CROSS JOIN generate_series(1, 30) AS n WHERE group_id = :group_id::bigint ORDER BY id, n DESC

-- step: facts of spend
INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, spend)
SELECT group_id, campaign_id, day, channel, source, currency, sum(amount)
  FROM spend_entry WHERE group_id = :group_id::bigint AND source NOT LIKE 'reported:%'
 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2, 3, 4

-- step: facts of orders
INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, conversions, revenue)
SELECT group_id, campaign_id, day, channel, 'orders', currency, 1, round(sum(amount) * 3.5, 2)
  FROM spend_entry WHERE group_id = :group_id::bigint GROUP BY 1, 2, 3, 4, 6 ORDER BY 2, 3, 4

-- step: facts of reports
INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, impressions, clicks, conversions,
  sent, delivered, opened, clicked, unsubscribed, spend, extra)
SELECT group_id, campaign_id, day, channel, 'reported:' || channel, currency, shown, shown / 20, shown / 400,
       CASE WHEN channel IN ('email', 'push', 'sms') THEN shown END,
       CASE WHEN channel IN ('email', 'push', 'sms') THEN shown * 97 / 100 END,
       CASE WHEN channel IN ('email', 'push', 'sms') THEN shown * 2 / 5 END,
       CASE WHEN channel IN ('email', 'push', 'sms') THEN shown / 25 END,
       CASE WHEN channel IN ('email', 'push', 'sms') THEN shown / 900 END,
       amount, '{}'
  FROM (SELECT *, 500 + (campaign_id * 37 + day_number * 101) % 20000 AS shown
          FROM (SELECT group_id, campaign_id, day, channel, currency,
                       coalesce(sum(amount) FILTER (WHERE source LIKE 'reported:%'), 0) AS amount,
                       day - date '2000-01-01' AS day_number
                  FROM spend_entry WHERE group_id = :group_id::bigint GROUP BY 1, 2, 3, 4, 5) ledger) numbers
 ORDER BY campaign_id, day, channel
