"""The root of writing. Each field is a transaction of its own, done in the order they are asked for."""

from app.graph.declaring.described import object_type
from app.graph.mutations import access as keys
from app.graph.mutations import ad_campaigns as ads
from app.graph.mutations import (
    assets,
    campaigns,
    channels,
    contacts,
    deliveries,
    erasing,
    event_metrics,
    event_types,
    events,
    exchange_rates,
    external_ids,
    flows,
    imports,
    interactions,
    metrics,
    outlays,
    partners,
    projects,
    promos,
    rewards,
    segments,
    touches,
    webhooks,
)
from app.graph.mutations import custom_campaigns as custom_campaigns_custom_ads
from app.graph.mutations import customers as customers_customers
from app.graph.mutations import groups as groups_stores
from app.graph.mutations import integrations as integrations_custom_ads
from app.graph.mutations import message_campaigns as messages
from app.graph.mutations import orders as orders_customers
from app.graph.mutations import stores as stores_stores


@object_type
class Mutation:
    """Everything that can be written. Each mutation is done as a whole or not at all; several in one request are done
    one after the other.
    """

    campaign_create = campaigns.create
    campaign_update = campaigns.update
    campaign_delete = campaigns.delete
    campaign_clone = campaigns.clone
    campaign_move = campaigns.move
    media_campaign_create = campaigns.create_media
    message_campaign_create = messages.create
    ad_campaign_create = ads.create
    ad_campaigns_update = ads.update_many
    store_create = stores_stores.create
    store_update = stores_stores.update
    store_delete = stores_stores.delete
    store_restore = stores_stores.restore
    group_create = groups_stores.create_group
    group_update = groups_stores.update_group
    project_create = projects.create
    project_update = projects.update
    project_archive = projects.archive
    project_restore = projects.restore
    partner_create = partners.create
    partner_update = partners.update
    partner_archive = partners.archive
    partner_restore = partners.restore
    partnership_create = partners.create_partnership
    partnership_rename = partners.rename_partnership
    partnership_archive = partners.archive_partnership
    partnership_restore = partners.restore_partnership
    flows_save = flows.save
    goals_save = flows.save_goals
    reward_process = rewards.reward
    reward_reverse = rewards.take_back
    reward_tiers_save = rewards.save_tiers
    rewards_reevaluate = rewards.reevaluate
    reward_attribute_create = rewards.create_attribute
    integration_create = integrations_custom_ads.create_integration
    integration_update = integrations_custom_ads.update_integration
    integration_archive = integrations_custom_ads.archive_integration
    integration_restore = integrations_custom_ads.restore_integration
    custom_campaign_create = custom_campaigns_custom_ads.create_campaign
    custom_campaign_update = custom_campaigns_custom_ads.update_campaign
    outlay_create = outlays.create
    outlay_update = outlays.update
    outlay_delete = outlays.delete
    interaction_record = interactions.record
    interaction_record_offline = interactions.record_offline
    metrics_record = metrics.record
    exchange_rates_upsert = exchange_rates.upsert
    channel_rules_set = channels.set_rules
    channels_retell = channels.retell
    external_ids_record = external_ids.record
    customers_upsert = customers_customers.upsert
    customer_erase = erasing.erase_one
    customer_merge = customers_customers.merge
    customer_split = customers_customers.split
    contact_consent_set = contacts.set_consent
    contact_suppress = contacts.suppress
    contact_unsuppress = contacts.unsuppress
    orders_record = orders_customers.record_many
    order_refund = orders_customers.refund
    order_cancel = orders_customers.cancel
    order_delete = orders_customers.delete
    segment_create = segments.create
    segment_update = segments.update
    segment_delete = segments.delete
    segment_members_add = segments.add_members
    segment_members_remove = segments.remove_members
    promo_create = promos.create
    promo_update = promos.update
    promo_delete = promos.delete
    promo_campaign_add = promos.campaign_add
    promo_campaign_remove = promos.campaign_remove
    promo_codes_generate = promos.codes_generate
    promo_codes_disable = promos.codes_disable
    promo_redeem = promos.redeem
    promo_release = promos.release
    event_type_create = event_types.create
    event_type_update = event_types.update
    event_type_archive = event_types.archive
    event_type_restore = event_types.restore
    event_send = events.send
    event_send_now = events.send_now
    event_replay = events.replay_trash
    event_state_set = event_metrics.set_state
    event_statistic_set = event_metrics.set_statistic
    event_state_backdate = event_metrics.backdate_state
    event_statistic_backdate = event_metrics.backdate_statistic
    touches_record = touches.record
    assets_add = assets.add
    asset_remove = assets.remove
    import_start = imports.start
    import_cancel = imports.cancel
    api_key_create = keys.create
    api_key_rotate = keys.rotate
    api_key_revoke = keys.revoke
    token_revoke = keys.revoke_one_token
    webhook_endpoint_create = webhooks.create
    webhook_endpoint_rotate = webhooks.rotate
    webhook_endpoint_update = webhooks.update
    webhook_endpoint_disconnect = webhooks.disconnect
    webhook_ingest = deliveries.take_in
    webhook_refusals_take = deliveries.take_refused
