// The dashboard page of the local Chatwoot. What people wrote is put in as text, never as HTML.
"use strict";
const config = JSON.parse(document.body.dataset.config);
const byId = (id) => document.getElementById(id);
let state = { conversations: [], agent: {} };
let current = config.conversation;
let visitor = 0;
let drawn = "";

const call = async (move, body) =>
  (await fetch(`/_desk/${move}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();
const chat = () => state.conversations.find((c) => c.id === current);

// Links and bold of a message's Markdown, made as nodes.
function words(text) {
  const made = document.createDocumentFragment();
  let rest = text;
  const pattern = /\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)|\*\*([^*]+)\*\*/;
  for (let hit = pattern.exec(rest); hit; hit = pattern.exec(rest)) {
    made.append(rest.slice(0, hit.index));
    const node = document.createElement(hit[2] ? "a" : "strong");
    node.textContent = hit[1] ?? hit[3];
    if (hit[2]) Object.assign(node, { href: hit[2], target: "_blank", rel: "noopener noreferrer" });
    made.append(node);
    rest = rest.slice(hit.index + hit[0].length);
  }
  made.append(rest);
  return made;
}

const KINDS = ["incoming", "outgoing", "activity", "template"];
function line(message, forCustomer) {
  const kind = KINDS[message.message_type];
  const item = document.createElement("li");
  const own = forCustomer ? kind === "incoming" : kind !== "incoming";
  item.className = message.private ? "note" : kind === "activity" ? "activity" : own ? "own" : "";
  item.dataset.message = message.id;
  const name = document.createElement("small");
  name.textContent = message.sender ? message.sender.name : "";
  item.append(name, words(message.content ?? ""));
  for (const file of message.attachments ?? []) {
    const link = document.createElement("a");
    Object.assign(link, { href: file.data_url, textContent: "file", target: "_blank" });
    item.append(link);
  }
  const answer = message.content_attributes.submitted_values;
  for (const option of message.content_type === "input_select" ? message.content_attributes.items : []) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: option.title, disabled: !forCustomer || Boolean(answer) });
    button.onclick = () => call("choose", { conversation: current, message: message.id, value: option.value });
    item.append(button);
  }
  if (answer) {
    const chosen = document.createElement("strong");
    chosen.textContent = answer[0].title;
    item.append(chosen);
  }
  return item;
}

function fill(list, messages, forCustomer) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.replaceChildren(...messages.map((m) => line(m, forCustomer)));
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function draw() {
  if (!chat() && state.conversations.length) current = state.conversations.at(-1).id;
  const shown = chat();
  byId("conversations").replaceChildren(
    ...state.conversations.map((c) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `#${c.id} ${c.meta.sender.name} (${c.status})`;
      button.setAttribute("aria-current", String(c.id === current));
      button.onclick = () => { current = c.id; visitor = c.visitor; drawn = ""; frameShown(true); refresh(); };
      item.append(button);
      return item;
    }),
  );
  if (!shown) return;
  visitor ||= shown.visitor;
  byId("who").textContent = `${shown.meta.sender.name} · #${shown.id}`;
  byId("status").textContent = shown.status;
  byId("assignee").textContent = shown.assigned_to ? `Assigned to ${shown.assigned_to}` : "Nobody assigned";
  fill(byId("messages"), shown.messages, false);
  const theirs = state.conversations.filter((c) => c.visitor === visitor).at(-1);
  fill(byId("widget"), (theirs?.messages ?? []).filter((m) => !m.private && m.message_type !== 2), true);
}

async function refresh() {
  const text = await (await fetch("/_desk/state")).text();
  if (text === drawn) return;
  drawn = text;
  state = JSON.parse(text);
  draw();
}

// --- the dashboard app's frame, as in Frame.vue ---
let frame = null;
function told() {
  const shown = chat();
  const data = { conversation: shown, contact: shown?.meta.sender, currentAgent: state.agent };
  frame.contentWindow.postMessage(JSON.stringify({ event: "appContext", data }), "*");
}
window.onmessage = (event) => {
  if (typeof event.data !== "string" || event.data !== "chatwoot-dashboard-app:fetch-info") return;
  if (frame) told();
};
function frameShown(again) {
  if (byId("app-panel").hidden || !config.app) return;
  if (frame && again) { frame.remove(); frame = null; }
  if (frame) return;
  frame = document.createElement("iframe");
  frame.id = "dashboard-app--frame-1-0";
  frame.title = "Stepfour";
  frame.onload = told;
  frame.src = config.app;
  byId("app-panel").append(frame);
}

for (const name of ["messages", "app"]) {
  byId(`tab-${name}`).onclick = () => {
    for (const other of ["messages", "app"]) {
      byId(`tab-${other}`).setAttribute("aria-selected", String(other === name));
      byId(`${other}-panel`).hidden = other !== name;
    }
    frameShown(false);
  };
}
for (const button of document.querySelectorAll("[data-status]")) {
  button.onclick = () => call("status", { conversation: current, status: button.dataset.status });
}
byId("reply").onsubmit = async (event) => {
  event.preventDefault();
  await call("reply", { conversation: current, text: byId("reply-text").value, private: byId("private").checked });
  byId("reply-text").value = "";
};
byId("customer").onsubmit = async (event) => {
  event.preventDefault();
  const sent = await call("customer", { text: byId("customer-text").value, visitor, identifier: byId("identifier").value });
  current = sent.conversation;
  visitor = sent.visitor;
  byId("customer-text").value = "";
  drawn = "";
  await refresh();
};
byId("somebody-new").onclick = () => { visitor = -1; byId("widget").replaceChildren(); };
setInterval(refresh, 400);
refresh();
