SELECT CASE WHEN octet_length(made.answer) <= $1::int THEN convert_to(made.answer, 'UTF8') ELSE '' END
FROM (
  SELECT (
    '{"data":{"campaigns":' || (
      SELECT (
        '{"nodes":[' || coalesce(
          string_agg(
            (
              '{"name":' || to_json(t1.name)::text || ',"flows":[' ||
              (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"trigger":"' || CASE WHEN t2.trigger_code IS NOT NULL THEN CASE t2.trigger_code WHEN 1 THEN 'SPEND' WHEN 2 THEN 'REGISTRATION' WHEN 3 THEN 'REFERRAL' WHEN 4 THEN 'CUSTOM' ELSE 'UNRECOGNIZED' END END ||
                      '","actions":[' || (
                        SELECT coalesce(
                          string_agg(
                            (
                              '{"actionCode":' || t3.action_code::text || ',"baseReward":' ||
                              t3.base_reward::text || ',"partner":{"name":' ||
                              to_json(t4.name)::text || '}}'
                            ), ',' ORDER BY t3.position, t3.id
                          ), ''
                        )
                        FROM flow_action t3
                        LEFT JOIN partner t4 ON t4.group_id = $2::bigint AND t4.id = t3.partner_id
                        WHERE t3.group_id = $2::bigint AND t3.flow_id = t2.id
                      ) || '],"conditions":[' || (
                        SELECT coalesce(
                          string_agg(
                            (
                              '{"operator":"' || CASE WHEN t5.operator_code IS NOT NULL THEN CASE t5.operator_code WHEN 1 THEN 'EQUALS' WHEN 2 THEN 'LESS_THAN' WHEN 3 THEN 'GREATER_THAN' WHEN 4 THEN 'LESS_THAN_OR_EQUAL' WHEN 5 THEN 'GREATER_THAN_OR_EQUAL' ELSE 'UNRECOGNIZED' END END ||
                              '","value":' || coalesce(t5.value::text, 'null') ||
                              '}'
                            ), ',' ORDER BY t5.position, t5.id
                          ), ''
                        )
                        FROM flow_condition t5
                        WHERE t5.group_id = $2::bigint AND t5.flow_id = t2.id
                      ) || '],"multipliers":[' || (
                        SELECT coalesce(
                          string_agg(('{"amount":"' || trim_scale(t6.amount)::text || '"}'), ',' ORDER BY t6.position, t6.id), ''
                        )
                        FROM flow_multiplier t6
                        WHERE t6.group_id = $2::bigint AND t6.flow_id = t2.id
                      ) || ']}'
                    ), ',' ORDER BY t2.position, t2.id
                  ), ''
                )
                FROM flow t2
                WHERE t2.group_id = $2::bigint AND t2.campaign_id = t1.id AND t2.deleted_at IS NULL
              ) || '],"goals":[' || (
                SELECT coalesce(
                  string_agg(
                    (
                      '{"type":"' || CASE WHEN t7.type_code IS NOT NULL THEN CASE t7.type_code WHEN 1 THEN 'PARTICIPATION' WHEN 2 THEN 'REWARD_AMOUNT' WHEN 3 THEN 'TRANSACTION_COUNT' WHEN 4 THEN 'REVENUE' ELSE 'UNRECOGNIZED' END END ||
                      '","value":' || t7.value::text || ',"partner":{"name":' ||
                      to_json(t8.name)::text || '}}'
                    ), ',' ORDER BY t7.position, t7.id
                  ), ''
                )
                FROM goal t7
                LEFT JOIN partner t8 ON t8.group_id = $2::bigint AND t8.id = t7.partner_id
                WHERE t7.group_id = $2::bigint AND t7.campaign_id = t1.id
              ) || '],"spendLimit":' || CASE WHEN t9.id IS NULL THEN 'null' ELSE (
                '{"type":"' || upper(t9.type) || '","amount":' ||
                CASE WHEN t9.amount IS NOT NULL THEN (
                  '{"amount":"' || round(
                    t9.amount, greatest(
                      min_scale(t9.amount), CASE WHEN t9.currency = ANY ('{EUR,USD,GBP}') THEN 2 WHEN t9.currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XOF,XPF}') THEN 0 WHEN t9.currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3 ELSE 2 END
                    )
                  )::text || '","currency":"' || t9.currency || '"}'
                ) ELSE 'null' END || '}'
              ) END || '}'
            ), ',' ORDER BY t1.created_at DESC, t1.id DESC
          ), ''
        ) || ']}'
      )
      FROM (
        SELECT t1.created_at, t1.id, t1.name
        FROM campaign t1
        WHERE t1.group_id = $2::bigint AND t1.deleted_at IS NULL
        ORDER BY t1.created_at DESC, t1.id DESC
        LIMIT $3::bigint
      ) t1
      LEFT JOIN spend_limit t9 ON t9.group_id = $2::bigint AND t9.campaign_id = t1.id
    ) || '}}'
  ) AS answer
  OFFSET 0
) AS made
