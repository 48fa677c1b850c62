// Mercurius with graphql-jit and loaders, on the `postgres` driver.
//
// One statement per root field and one per relation and level, each naming the group on every table it reads.
// Loaders run without Mercurius' per-request cache: its key is the whole parent as JSON, which costs more than it
// saves here; they drop doubled keys themselves.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { GraphQLScalarType } from "graphql";
import mercurius from "mercurius";
import postgres from "postgres";

const digest = (key) => createHash("sha256").update(key).digest("base64");
const groups = new Map(
  JSON.parse(readFileSync(process.env.BENCH_KEYS)).map(([group, key]) => [digest(key), group]),
);

const INT8 = 20;
const TEXTUAL = { date: 1082, timestamptz: 1184 };
const url = new URL(process.env.DATABASE_URL.replace("@/", "@socket/"));
const db = postgres({
  path: `${url.searchParams.get("host")}/.s.PGSQL.5432`,
  user: url.username,
  database: url.pathname.slice(1),
  max: Number(process.env.PEER_CONNECTIONS ?? 10),
  connection: { role: "gateway_reader", TimeZone: "UTC", jit: "off" },
  types: {
    // Every count and id of the tables has 53 bits at most.
    long: { to: INT8, from: [INT8], serialize: String, parse: Number },
    day: { to: TEXTUAL.date, from: [TEXTUAL.date], serialize: String, parse: (text) => text },
    instant: {
      to: TEXTUAL.timestamptz,
      from: [TEXTUAL.timestamptz],
      serialize: String,
      // "2026-06-01 08:00:00+00"
      parse: (text) => `${text.slice(0, 10)}T${text.slice(11, -3)}Z`,
    },
  },
});

const groupOf = (context) => context.group;

const resolvers = {
  JSON: new GraphQLScalarType({ name: "JSON", serialize: (value) => value }),
  Query: {
    campaigns: (_, { first }, context) => db`
      SELECT id, name, status, type, channels, starts_at AS "startsAt", ends_at AS "endsAt", budget_total AS budget,
             currency, store_id AS "storeId"
        FROM campaign WHERE group_id = ${groupOf(context)} AND deleted_at IS NULL
       ORDER BY created_at DESC, id DESC LIMIT ${first}`,
    campaign: async (_, { id }, context) => {
      const [found] = await db`
        SELECT id, name, description, status, type, objective, channels, starts_at AS "startsAt", ends_at AS "endsAt",
               budget_total AS budget, currency, is_template AS "isTemplate", created_at AS "createdAt",
               updated_at AS "updatedAt", activated_at AS "activatedAt", subject, body, cta_text AS "ctaText",
               cta_url AS "ctaUrl", slug, is_explicit AS "isExplicit", reward_type AS "rewardType",
               total_rewards AS "totalRewards", store_id AS "storeId", project_id AS "projectId",
               segment_id AS "segmentId", integration_id AS "integrationId", partner_id AS "partnerId",
               partnership_id AS "partnershipId"
          FROM campaign WHERE group_id = ${groupOf(context)} AND id = ${id} AND deleted_at IS NULL`;
      return found ?? null;
    },
    metricSeries: (_, __, context) => db`
      SELECT day AS period, channel, currency, sum(impressions)::bigint AS impressions, sum(clicks)::bigint AS clicks,
             sum(conversions)::bigint AS conversions, sum(spend) AS spend
        FROM campaign_metric WHERE group_id = ${groupOf(context)}
       GROUP BY day, channel, currency ORDER BY day, channel, currency`,
    metricSeriesFromRollup: (_, __, context) => db`
      SELECT day AS period, channel, currency, sum(impressions)::bigint AS impressions, sum(clicks)::bigint AS clicks,
             sum(conversions)::bigint AS conversions, sum(spend) AS spend
        FROM metric_rollup WHERE group_id = ${groupOf(context)}
       GROUP BY day, channel, currency ORDER BY day, channel, currency`,
  },
};

// A relation to one row: the parents' keys without doubles, then each parent's row.
function one(key, select) {
  const loader = async (queries, context) => {
    const ids = [...new Set(queries.map(({ obj }) => obj[key]).filter((id) => id !== null))];
    const rows = ids.length ? await select(groupOf(context), ids) : [];
    const found = new Map(rows.map((row) => [row.id, row]));
    return queries.map(({ obj }) => found.get(obj[key]) ?? null);
  };
  return { loader, opts: { cache: false } };
}

// A relation to many rows, which come in order and say whose they are in `_of`.
function many(select) {
  const loader = async (queries, context) => {
    const found = new Map(queries.map(({ obj }) => [obj.id, []]));
    for (const row of await select(groupOf(context), [...found.keys()], queries[0].params)) {
      found.get(row._of).push(row);
    }
    return queries.map(({ obj }) => found.get(obj.id));
  };
  return { loader, opts: { cache: false } };
}

const store = one("storeId", (group, ids) => db`
  SELECT id, name, beacon_key AS "beaconKey", time_zone AS "timeZone"
    FROM store WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`);

const partner = one("partnerId", (group, ids) => db`
  SELECT id, name FROM partner WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`);

const flows = many((group, ids) => db`
  SELECT campaign_id AS _of, id, trigger_code AS "triggerCode", custom_trigger_id AS "customTriggerId",
         is_active AS "isActive"
    FROM flow WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[]) AND deleted_at IS NULL
   ORDER BY campaign_id, position, id`);

const outlays = many((group, ids, { first }) => db`
  SELECT parent.id AS _of, o.* FROM unnest(${ids}::bigint[]) AS parent(id) CROSS JOIN LATERAL (
    SELECT id, amount, currency, starts_at AS "startsAt", ends_at AS "endsAt", country, region,
           created_at AS "createdAt"
      FROM outlay WHERE group_id = ${group} AND campaign_id = parent.id AND deleted_at IS NULL
     ORDER BY starts_at, id LIMIT ${first}) o`);

const promos = many((group, ids, { first }) => db`
  SELECT parent.id AS _of, p.* FROM unnest(${ids}::bigint[]) AS parent(id) CROSS JOIN LATERAL (
    SELECT id, code, type, value, used, usage_limit AS "usageLimit", per_customer_limit AS "perCustomerLimit",
           valid_from AS "validFrom", valid_until AS "validUntil", applies_to AS "appliesTo"
      FROM promo WHERE group_id = ${group} AND campaign_id = parent.id AND deleted_at IS NULL
     ORDER BY created_at DESC, id DESC LIMIT ${first}) p`);

const loaders = {
  Campaign: { store, flows, outlays, promos },
  CampaignDetail: {
    store,
    partner,
    flows,
    outlays,
    promos,
    integration: one("integrationId", (group, ids) => db`
      SELECT id, name, wmkt_id AS "wmktId" FROM integration
       WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
    partnership: one("partnershipId", (group, ids) => db`
      SELECT id, name FROM partnership WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
    project: one("projectId", (group, ids) => db`
      SELECT id, name, slug FROM project WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
    segment: one("segmentId", (group, ids) => db`
      SELECT id, name, type, size, sized_at AS "sizedAt" FROM segment
       WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
    spendLimit: {
      loader: async (queries, context) => {
        const ids = queries.map(({ obj }) => obj.id);
        const rows = await db`
          SELECT campaign_id AS _of, id, type, renewal, amount, currency FROM spend_limit
           WHERE group_id = ${groupOf(context)} AND campaign_id = ANY (${ids}::bigint[])`;
        const found = new Map(rows.map((row) => [row._of, row]));
        return ids.map((id) => found.get(id) ?? null);
      },
      opts: { cache: false },
    },
    goals: many((group, ids) => db`
      SELECT campaign_id AS _of, id, type_code AS "typeCode", operator_code AS "operatorCode", value,
             partner_id AS "partnerId"
        FROM goal WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[])
       ORDER BY campaign_id, position, id`),
    metricSeries: many((group, ids) => db`
      SELECT campaign_id AS _of, day AS period, channel, impressions, clicks, conversions, sent, delivered, opened,
             spend, revenue, currency
        FROM campaign_metric WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[])
       ORDER BY campaign_id, day, channel`),
  },
  Flow: {
    actions: many((group, ids) => db`
      SELECT flow_id AS _of, id, action_code AS "actionCode", base_reward AS "baseReward", extra_data AS "extraData",
             partner_id AS "partnerId"
        FROM flow_action WHERE group_id = ${group} AND flow_id = ANY (${ids}::bigint[])
       ORDER BY flow_id, position, id`),
    conditions: many((group, ids) => db`
      SELECT flow_id AS _of, id, type_code AS "typeCode", operator_code AS "operatorCode",
             joiner_code AS "joinerCode", attribute, value, partner_id AS "partnerId"
        FROM flow_condition WHERE group_id = ${group} AND flow_id = ANY (${ids}::bigint[])
       ORDER BY flow_id, position, id`),
    multipliers: many((group, ids) => db`
      SELECT flow_id AS _of, id, type_code AS "typeCode", attribute, amount, value, partner_id AS "partnerId"
        FROM flow_multiplier WHERE group_id = ${group} AND flow_id = ANY (${ids}::bigint[])
       ORDER BY flow_id, position, id`),
  },
  Goal: { partner },
  FlowAction: { partner },
  FlowCondition: { partner },
  FlowMultiplier: { partner },
};

const app = Fastify();
app.register(mercurius, {
  schema: readFileSync(new URL("schema.graphql", import.meta.url), "utf8"),
  resolvers,
  loaders,
  jit: 1,
  context: (request) => {
    const group = groups.get(digest(request.headers["x-api-key"] ?? ""));
    if (group === undefined) throw new Error("unknown key");
    return { group };
  },
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
process.on("SIGTERM", () => process.exit(0));
