"use strict";
// Talks to the host of a chat: MCP Apps, protocol 2026-01-26 (io.modelcontextprotocol/ui), JSON-RPC over postMessage.
(() => {
  const VERSION = "2026-01-26";
  const VIEW = "autoresearch/view";
  const AGAIN_MS = 4000;
  const host = window.parent;
  const waiting = new Map();
  let asked = 0;
  let repo = "";
  let timer = 0;
  let shown = "";

  const send = (message) => host.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const tell = (method, params = {}) => send({ method, params });
  const ask = (method, params) => new Promise((resolve, reject) => {
    asked += 1;
    waiting.set(asked, { resolve, reject });
    send({ id: asked, method, params });
  });

  function dress(context = {}) {
    const root = document.documentElement;
    if (context.theme) root.style.colorScheme = context.theme;
    const variables = (context.styles && context.styles.variables) || {};
    for (const [name, value] of Object.entries(variables)) if (/^--font-/.test(name) && value) root.style.setProperty(name, value);
  }

  function show(result = {}) {
    const view = (result._meta || {})[VIEW];
    const words = (result.content || []).filter((part) => part.type === "text").map((part) => part.text).join("\n");
    if (view && view.parts && JSON.stringify(view.parts) !== shown) {
      shown = JSON.stringify(view.parts);
      window.autoresearch.take({ parts: view.parts });
    } else if (!view && !shown) {
      const note = document.createElement("pre");
      note.textContent = words;
      document.querySelector('[data-part="head"]').replaceChildren(note);
    }
    return view ? view.open : false;
  }

  // While the session is open and somebody can see it, the host is asked for its status now and then.
  function again(open) {
    clearTimeout(timer);
    if (open) timer = setTimeout(look, AGAIN_MS);
  }

  async function look() {
    if (document.visibilityState !== "visible") return again(true);
    try {
      again(show(await ask("tools/call", { name: "status", arguments: repo ? { repo } : {} })));
    } catch {
      clearTimeout(timer);  // the host does not pass calls on: what is shown stays
    }
  }

  const heard = {
    "ui/notifications/tool-input": (params) => { repo = (params.arguments && params.arguments.repo) || ""; },
    "ui/notifications/tool-result": (params) => again(show(params)),
    "ui/notifications/host-context-changed": dress,
  };

  addEventListener("message", ({ data, source }) => {
    if (source !== host || !data || data.jsonrpc !== "2.0") return;
    if (data.method === undefined) {
      const { resolve, reject } = waiting.get(data.id) || {};
      waiting.delete(data.id);
      if (data.error && reject) reject(new Error(data.error.message));
      else if (resolve) resolve(data.result);
    } else if (data.id !== undefined) {
      if (data.method === "ui/resource-teardown") clearTimeout(timer);
      const known = ["ui/resource-teardown", "ping"].includes(data.method);
      send(known ? { id: data.id, result: {} } : { id: data.id, error: { code: -32601, message: "Method not found" } });
    } else if (heard[data.method]) heard[data.method](data.params || {});
  });

  let size = "";
  new ResizeObserver(() => {
    const { scrollWidth: width } = document.documentElement, height = Math.ceil(document.body.getBoundingClientRect().height);
    if (size === `${width} ${height}`) return;
    size = `${width} ${height}`;
    tell("ui/notifications/size-changed", { width, height });
  }).observe(document.body);

  ask("ui/initialize", {
    protocolVersion: VERSION,
    appInfo: { name: "autoresearch-session", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  }).then((result) => {
    dress(result && result.hostContext);
    tell("ui/notifications/initialized");
  });
})();
