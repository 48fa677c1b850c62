import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import { useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './page.css';

const place = document.getElementById('graphiql');
const asked = new URLSearchParams(location.search);
const base = place.dataset.static;

globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    const name = label === 'json' || label === 'graphql' ? label : 'editor';
    return new Worker(`${base}/${name}.worker.js`);
  },
};

const url = new URL(place.dataset.endpoint, location.href);
const socket = new URL(url);
socket.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

/** The headers editor's JSON; null while somebody is still typing in it. */
function headersFrom(text) {
  try {
    return text?.trim() ? JSON.parse(text) : {};
  } catch {
    return null;
  }
}

let headers = headersFrom(place.dataset.headers) ?? {};
const ask = createGraphiQLFetcher({
  url: url.href,
  // A browser cannot set headers on a WebSocket: the credential travels in connection_init instead.
  wsClient: createClient({ url: socket.href, lazy: true, connectionParams: () => headers }),
});

// The schema is asked for before the headers editor exists, and with nothing but its own headers.
const fetcher = (operation, options) =>
  operation.operationName === 'IntrospectionQuery' ? ask(operation, { ...options, headers }) : ask(operation, options);

/** Says where the key goes, and reads the schema again as soon as there is one. */
function KeyHint() {
  const { introspect } = useGraphiQLActions();
  const editor = useGraphiQL((state) => state.headerEditor);
  const schema = useGraphiQL((state) => state.schema);
  const waiting = useRef(null);
  useEffect(() => {
    const listening = editor?.onDidChangeModelContent(() => {
      clearTimeout(waiting.current);
      waiting.current = setTimeout(() => {
        const found = headersFrom(editor.getValue());
        if (found === null || JSON.stringify(found) === JSON.stringify(headers)) return;
        headers = found;
        introspect();
      }, 600);
    });
    return () => listening?.dispose();
  }, [editor, introspect]);
  if (schema) return null;
  return (
    <p className="key-hint">
      Every answer belongs to one customer group, so the gateway asks who you are. Open <b>Headers</b> and paste an
      API key, <code>{'{"X-API-KEY": "…"}'}</code>, or a token, <code>{'{"Authorization": "Bearer …"}'}</code>; the
      documentation appears as soon as it is accepted. <code>gateway keys create</code> makes a key.
    </p>
  );
}

createRoot(place).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={place.dataset.query}
    initialQuery={asked.get('query') ?? undefined}
    initialVariables={asked.get('variables') ?? undefined}
    initialHeaders={place.dataset.headers || undefined}
    defaultHeaders={place.dataset.headers || undefined}
    defaultEditorToolsVisibility="headers"
    isHeadersEditorEnabled
    // A key is a secret: it stays in this page and is gone when the tab closes.
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>
      <b>Campaign Gateway</b>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <KeyHint />
    </GraphiQL.Footer>
  </GraphiQL>,
);
