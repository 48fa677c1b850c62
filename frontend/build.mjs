// Bundles GraphiQL into app/graph/http/static: the page's module with its lazily loaded pieces, one file per
// Monaco worker, one style sheet and its font. Everything is served by the gateway; nothing comes from outside.
import { build } from 'esbuild';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';

const out = new URL('../app/graph/http/static/', import.meta.url).pathname;
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const common = {
  bundle: true,
  minify: true,
  legalComments: 'linked',
  target: 'es2022',
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"' },
};

await build({
  ...common,
  entryPoints: { graphiql: 'src/main.jsx' },
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  chunkNames: 'chunks/[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.ttf': 'file', '.svg': 'file' },
  outdir: out,
});

// Workers are classic scripts, so that `worker-src 'self'` is all they need.
await build({
  ...common,
  entryPoints: {
    'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
    'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
  },
  format: 'iife',
  outdir: out,
});

await copyFile('src/icon.svg', `${out}icon.svg`);
await writeFile(`${out}BUILT`, 'made by frontend/build.mjs\n');
