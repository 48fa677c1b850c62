SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"webhookProviders":[' || coalesce(
      string_agg(
        (
          '{"id":' || to_json(t1.provider)::text || ',"status":"' ||
          upper(t1.status) || '","eventsReceived":' || coalesce(t1.events_received::text, 'null') ||
          ',"lastEvent":' || coalesce((left(to_json(t1.last_event_at)::text, -7) || 'Z"'), 'null') ||
          '}'
        ), ',' ORDER BY t1.sort_1
      ), ''
    ) || ']}}'
  ) AS answer
  FROM (
    SELECT known.provider, CASE WHEN coalesce(p.connections, 0) > 0 THEN 'connected' ELSE 'disconnected' END AS status, CASE WHEN coalesce(p.connections, 0) > 0 THEN p.events_received END AS events_received, CASE WHEN coalesce(p.connections, 0) > 0 THEN p.last_event_at END AS last_event_at, known.place AS sort_1
    FROM (
      VALUES (
        0, 'sendgrid', 'SendGrid', ARRAY['delivered', 'opened', 'clicked', 'bounced', 'unsubscribed']
      ), (1, 'twilio', 'Twilio', ARRAY['delivered', 'failed']), (2, 'mailchimp', 'Mailchimp', ARRAY['subscribed', 'unsubscribed', 'campaign_sent']), (3, 'hubspot', 'HubSpot', ARRAY['contact_created', 'form_submitted'])
    ) AS known(place, provider, name, events)
    LEFT JOIN webhook_provider p ON p.group_id = $2::bigint AND p.provider = known.provider
  ) t1
  OFFSET 0
) AS made
