// Mercurius with graphql-jit and loaders, on the `postgres` driver: the gateway's documents, the gateway's answers.
//
// One statement per root field and one per relation and level, each naming the group on every table it reads.
// Loaders run without Mercurius' per-request cache: its key is the whole parent as JSON, which costs more than it
// saves here; they drop doubled keys themselves. PEER_ROLLUP=1: group metrics are read from the rollup.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { GraphQLScalarType } from "graphql";
import mercurius from "mercurius";
import postgres from "postgres";
import { money } from "./money.mjs";

const digest = (key) => createHash("sha256").update(key).digest("base64");
const groups = new Map(
  JSON.parse(readFileSync(process.env.BENCH_KEYS)).map(([group, key]) => [digest(key), group]),
);

const INT8 = 20;
const DATE = 1082;
const TIMESTAMPTZ = 1184;
const url = new URL(process.env.DATABASE_URL.replace("@/", "@socket/"));
const db = postgres({
  path: `${url.searchParams.get("host")}/.s.PGSQL.5432`,
  user: url.username,
  database: url.pathname.slice(1),
  // As the gateway reads: measured with 4, 10 and 16 connections and both plan modes, nothing is faster here.
  max: Number(process.env.PEER_CONNECTIONS),
  connection: { role: "gateway_reader", TimeZone: "UTC", jit: "off", plan_cache_mode: "force_generic_plan" },
  types: {
    // Every count and id of the tables has 53 bits at most.
    long: { to: INT8, from: [INT8], serialize: String, parse: Number },
    day: { to: DATE, from: [DATE], serialize: String, parse: (text) => text },
    // "2026-06-01 08:00:00+00"
    instant: {
      to: TIMESTAMPTZ,
      from: [TIMESTAMPTZ],
      serialize: String,
      parse: (text) => `${text.slice(0, 10)}T${text.slice(11, -3)}Z`,
    },
  },
});

const METRIC_ROWS = db(process.env.PEER_ROLLUP === "1" ? "metric_rollup" : "campaign_metric");

const resolvers = {
  JSON: new GraphQLScalarType({ name: "JSON", serialize: (value) => value }),
  Query: {
    campaigns: async (_, { first }, { group }) => {
      const nodes = await db`
        SELECT id AS key, 'camp_' || id AS id, name, upper(status) AS status, upper(type) AS type, channels,
               starts_at AS "startsAt", ends_at AS "endsAt", budget_total AS budget, currency, store_id AS "storeId"
          FROM campaign WHERE group_id = ${group} AND deleted_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT ${first}`;
      for (const node of nodes) node.budget = money(node.budget, node.currency);
      return { nodes };
    },
    campaign: async (_, { id }, { group }) => {
      const [row] = await db`
        SELECT id AS key, 'camp_' || id AS id, name, description, upper(status) AS status, upper(type) AS type,
               upper(objective) AS objective, channels, starts_at AS "startsAt", ends_at AS "endsAt",
               budget_total AS budget, currency, is_template AS "isTemplate", created_at AS "createdAt",
               updated_at AS "updatedAt", activated_at AS "activatedAt", subject, body, cta_text AS "ctaText",
               cta_url AS "ctaUrl", slug, is_explicit AS "isExplicit", reward_type AS "typeCode",
               total_rewards AS "totalRewards", store_id AS "storeId", project_id AS "projectId",
               segment_id AS "segmentId", integration_id AS "integrationId", partner_id AS "partnerId",
               partnership_id AS "partnershipId"
          FROM campaign WHERE group_id = ${group} AND id = ${id.slice("camp_".length)} AND deleted_at IS NULL`;
      if (row === undefined) return null;
      row.budget = money(row.budget, row.currency);
      // These objects are the same row, seen from another side.
      row.content = row.subject ?? row.body ?? row.ctaText ?? row.ctaUrl ? row : null;
      row.tracking = row.integrationId === null ? null : row;
      row.rewards = row.typeCode === null ? null : row;
      return row;
    },
    figures: async (_, __, { group }) => {
      const rows = await db`
        SELECT day AS period, channel, currency, sum(impressions)::bigint AS impressions,
               sum(clicks)::bigint AS clicks, sum(conversions)::bigint AS conversions, sum(spend) AS spend
          FROM ${METRIC_ROWS} WHERE group_id = ${group}
         GROUP BY day, channel, currency ORDER BY day, channel, currency`;
      for (const row of rows) row.spend = money(row.spend, row.currency);
      return rows;
    },
  },
};

// A relation to one row: the parents' keys without doubles, then each parent's row.
function one(key, select) {
  const loader = async (queries, { group }) => {
    const ids = [...new Set(queries.map(({ obj }) => obj[key]).filter((id) => id !== null))];
    const rows = ids.length ? await select(group, ids) : [];
    const found = new Map(rows.map((row) => [row.key, row]));
    return queries.map(({ obj }) => found.get(obj[key]) ?? null);
  };
  return { loader, opts: { cache: false } };
}

// A relation to many rows, which come in order and say whose they are in `of`.
function many(select, { finish = () => {}, wrap = (rows) => rows } = {}) {
  const loader = async (queries, { group }) => {
    const found = new Map(queries.map(({ obj }) => [obj.key, []]));
    for (const row of await select(group, [...found.keys()], queries[0].params)) {
      finish(row);
      found.get(row.of).push(row);
    }
    return queries.map(({ obj }) => wrap(found.get(obj.key)));
  };
  return { loader, opts: { cache: false } };
}

const inNodes = (nodes) => ({ nodes });

const store = one("storeId", (group, ids) => db`
  SELECT id AS key, 'store_' || id AS id, name, beacon_key AS "beaconKey", time_zone AS "timeZone"
    FROM store WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`);

const partner = one("partnerId", (group, ids) => db`
  SELECT id AS key, 'part_' || id AS id, name
    FROM partner WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`);

const flows = many((group, ids) => db`
  SELECT campaign_id AS of, id AS key, 'flow_' || id AS id, trigger_code AS "triggerCode",
         custom_trigger_id AS "customTriggerId", is_active AS "isActive"
    FROM flow WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[]) AND deleted_at IS NULL
   ORDER BY campaign_id, position, flow.id`);

const outlays = many(
  (group, ids, { first }) => db`
    SELECT parent.id AS of, o.* FROM unnest(${ids}::bigint[]) AS parent(id) CROSS JOIN LATERAL (
      SELECT 'outlay_' || id AS id, amount, currency, starts_at AS "startsAt", ends_at AS "endsAt", country, region,
             created_at AS "createdAt"
        FROM outlay WHERE group_id = ${group} AND campaign_id = parent.id AND deleted_at IS NULL
       ORDER BY starts_at, outlay.id LIMIT ${first}) o`,
  {
    finish: (row) => {
      row.amount = money(row.amount, row.currency);
    },
    wrap: inNodes,
  },
);

const promos = many(
  (group, ids, { first }) => db`
    SELECT parent.id AS of, p.* FROM unnest(${ids}::bigint[]) AS parent(id) CROSS JOIN LATERAL (
      SELECT 'promo_' || id AS id, code, type, trim_scale(value) AS value, used, usage_limit AS "usageLimit",
             per_customer_limit AS "perCustomerLimit", valid_from AS "validFrom", valid_until AS "validUntil",
             applies_to AS "appliesTo"
        FROM promo WHERE group_id = ${group} AND campaign_id = parent.id AND deleted_at IS NULL
       ORDER BY created_at DESC, promo.id DESC LIMIT ${first}) p`,
  { wrap: inNodes },
);

const loaders = {
  Campaign: { store, flows, outlays, promos },
  Tracking: {
    integration: one("integrationId", (group, ids) => db`
      SELECT id AS key, 'intg_' || id AS id, name, wmkt_id AS "wmktId"
        FROM integration WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
  },
  Rewards: {
    partner,
    partnership: one("partnershipId", (group, ids) => db`
      SELECT id AS key, 'pship_' || id AS id, name
        FROM partnership WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
  },
  CampaignDetail: {
    store,
    flows,
    outlays,
    promos,
    project: one("projectId", (group, ids) => db`
      SELECT id AS key, 'proj_' || id AS id, name, slug
        FROM project WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
    segment: one("segmentId", (group, ids) => db`
      SELECT id AS key, 'seg_' || id AS id, name, upper(type) AS type, size, sized_at AS "sizedAt"
        FROM segment WHERE group_id = ${group} AND id = ANY (${ids}::bigint[])`),
    spendLimit: many(
      (group, ids) => db`
        SELECT campaign_id AS of, 'limit_' || id AS id, upper(type) AS type, upper(renewal) AS renewal, amount,
               currency
          FROM spend_limit WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[])`,
      {
        finish: (row) => {
          row.amount = money(row.amount, row.currency);
        },
        wrap: ([row]) => row ?? null,
      },
    ),
    goals: many((group, ids) => db`
      SELECT campaign_id AS of, 'goal_' || id AS id, type_code AS "typeCode", operator_code AS "operatorCode", value,
             partner_id AS "partnerId"
        FROM goal WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[])
       ORDER BY campaign_id, position, goal.id`),
    figures: many(
      (group, ids) => db`
        SELECT campaign_id AS of, day AS period, channel, impressions, clicks, conversions, sent, delivered, opened,
               spend, revenue, currency
          FROM campaign_metric WHERE group_id = ${group} AND campaign_id = ANY (${ids}::bigint[])
         ORDER BY campaign_id, day, channel`,
      {
        finish: (row) => {
          row.spend = money(row.spend, row.currency);
          row.revenue = money(row.revenue, row.currency);
        },
      },
    ),
  },
  Flow: {
    actions: many((group, ids) => db`
      SELECT flow_id AS of, 'act_' || id AS id, action_code AS "actionCode", base_reward AS "baseReward",
             extra_data AS "extraData", partner_id AS "partnerId"
        FROM flow_action WHERE group_id = ${group} AND flow_id = ANY (${ids}::bigint[])
       ORDER BY flow_id, position, flow_action.id`),
    conditions: many((group, ids) => db`
      SELECT flow_id AS of, 'cond_' || id AS id, type_code AS "typeCode", operator_code AS "operatorCode",
             joiner_code AS "joinerCode", attribute, value, partner_id AS "partnerId"
        FROM flow_condition WHERE group_id = ${group} AND flow_id = ANY (${ids}::bigint[])
       ORDER BY flow_id, position, flow_condition.id`),
    multipliers: many((group, ids) => db`
      SELECT flow_id AS of, 'mult_' || id AS id, type_code AS "typeCode", attribute, trim_scale(amount) AS amount,
             value, partner_id AS "partnerId"
        FROM flow_multiplier WHERE group_id = ${group} AND flow_id = ANY (${ids}::bigint[])
       ORDER BY flow_id, position, flow_multiplier.id`),
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
