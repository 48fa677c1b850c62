// PostGraphile 5 over the bench's tables, as its documentation sets it up for production.
//
// PEER_RLS=1: every request runs in a transaction with the role and the group set, so the row-level policies apply.
// Otherwise it reads as a role whose policies are simply true, and the queries bring the group as a condition;
// relations carry it along, since every foreign key starts with group_id.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const behindPolicies = process.env.PEER_RLS === "1";
const digest = (key) => createHash("sha256").update(key).digest("base64");
const groups = new Map(
  JSON.parse(readFileSync(process.env.BENCH_KEYS)).map(([group, key]) => [digest(key), String(group)]),
);

const url = new URL(process.env.DATABASE_URL.replace("@/", "@socket/"));
// As the gateway reads: measured with 4, 10 and 16 connections and both plan modes, nothing is faster here.
const startup = ["timezone=UTC", "jit=off", "plan_cache_mode=force_generic_plan", ...(behindPolicies ? [] : ["role=gateway_reader"])];
const pool = new pg.Pool({
  host: url.searchParams.get("host"),
  user: url.username,
  database: url.pathname.slice(1),
  max: Number(process.env.PEER_CONNECTIONS),
  options: startup.map((setting) => `-c ${setting}`).join(" "),
});

function settingsOf(request) {
  const group = groups.get(digest(request.headers["x-api-key"] ?? ""));
  if (group === undefined) throw new Error("unknown key");
  if (!behindPolicies) return undefined;
  return { role: "gateway_guarded_reader", "app.group_id": group, "app.group_ids": group };
}

// The condition of `flow` would be called as the table `flow_condition` is.
const ConditionNames = {
  name: "ConditionNames",
  version: "1.0.0",
  inflection: { replace: { conditionType: (_previous, _preset, typeName) => `${typeName}Where` } },
};

const preset = {
  plugins: [ConditionNames],
  extends: [PostGraphileAmberPreset, PgAggregatesPreset],
  // Conditions and orders are allowed on every column, not on indexed ones alone: the queries need them.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  gather: { installWatchFixtures: false },
  schema: { defaultBehavior: "+list +connection -insert -update -delete" },
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  grafast: { context: ({ node }) => ({ pgSettings: settingsOf(node.req) }) },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
};

const instance = postgraphile(preset);
if (process.argv[2] === "--schema") {
  const { printSchema } = await import("graphql");
  console.log(printSchema(await instance.getSchema()));
  process.exit(0);
}
const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
