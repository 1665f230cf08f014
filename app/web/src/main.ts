// The chat page: wires the log, the checklist, the composer and the event stream together.

import { askForPerson, openConversation, readConversation, readEvents, Refused } from "./api";
import { button, fill, h, icon } from "./dom";
import type { Event, Payloads } from "./events";
import { conversation, keepConversation, keepVisitor, signed, signOut, takeTokenFromAddress } from "./identity";
import { Log } from "./log";
import { Outbox } from "./outbox";
import { Checklist } from "./steps";
import { language, say, texts } from "./texts";

takeTokenFromAddress();
addEventListener("hashchange", () => takeTokenFromAddress() && location.reload());
document.documentElement.lang = language;
document.title = texts.name;

// --- the page ---

const status = h("p", { class: "status" }, texts.open);
const person = button(texts.person, "person", () => void wantPerson(), icon("person"));
const announcer = h("p", { class: "hidden", role: "status" });
const announce = (text: string): void => {
  announcer.textContent = text;
};
const log = new Log((message) => {
  outbox.take(message.id);
  log.forget(message.id);
  input.value = message.text;
  grow();
  input.focus();
});
const checklist = new Checklist(announce);
const working = h("p", { class: "working", hidden: true, "aria-hidden": "true" });
const scroller = h("div", { class: "scroller" }, log.element, log.draft, working);
const banner = h("div", { class: "banner", role: "alert", hidden: true });
const input = h("textarea", {
  id: "compose",
  rows: "1",
  placeholder: texts.placeholder,
  "aria-describedby": "compose-keys",
  enterkeyhint: "send",
});
const composer = h(
  "form",
  { class: "composer" },
  h("label", { for: "compose", class: "hidden" }, texts.compose),
  input,
  h("button", { type: "submit", class: "send", "aria-label": texts.send }, icon("send")),
);
document.body.append(
  h(
    "header",
    {},
    h("img", { src: "/assets/mark.svg", alt: "", width: "36", height: "36" }),
    h("div", { class: "title" }, h("h1", {}, texts.name), status),
    person,
  ),
  h(
    "main",
    {},
    scroller,
    checklist.element,
    h("div", { class: "foot" }, banner, composer, h("p", { class: "keys", id: "compose-keys" }, texts.keys), h("p", { class: "keys" }, texts.disclosure)),
  ),
  announcer,
);

// --- writing ---

const grow = (): void => {
  input.rows = 1;
  input.rows = Math.min(8, Math.max(1, Math.floor(input.scrollHeight / 24)));
};
input.addEventListener("input", grow);
input.addEventListener("keydown", (key) => {
  // While an input method composes a character, Enter belongs to it.
  if (key.key !== "Enter" || key.shiftKey || key.isComposing) return;
  key.preventDefault();
  composer.requestSubmit();
});
composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  grow();
  outbox.put(text);
  scrollDown(true);
});

const outbox: Outbox = new Outbox({
  opened: (id) => follow(id),
  changed: (message) => log.showUnsent(message),
  sent: (id) => log.sent(id),
  flowing: () => {
    restarts = 0;
    warn(null);
  },
  stuck: (waiting, error, id) => {
    log.keepWaiting(waiting);
    stuck(error, id, () => outbox.retry());
  },
});

async function wantPerson(): Promise<void> {
  person.disabled = true;
  let id: string | null = null;
  try {
    id = await openConversation();
    follow(id);
    await askForPerson(id);
    warn(null);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    stuck(error, id, () => void wantPerson());
  } finally {
    person.disabled = false;
  }
}

let restarts = 0;

/** What to do about a refusal: go on as somebody new, sign in again, or try again. */
function stuck(error: Refused, id: string | null, retry: () => void): void {
  if (error.status === 401 && signed()) {
    warn(texts.signedOut, texts.goOn, () => {
      signOut();
      location.reload();
    });
  } else if ([401, 404].includes(error.status) && restarts < 3) {
    // The visitor or the conversation is no longer known. Somebody else here may have begun anew already.
    if (conversation() === id) startAnew(error.status === 401);
    retry();
  } else {
    warn(error.status === 0 ? texts.offline : texts.failed, texts.retry, retry);
  }
}

function startAnew(visitorToo: boolean): void {
  restarts++;
  if (visitorToo) keepVisitor(null);
  keepConversation(null);
  following?.abort();
  following = null;
}

function warn(text: string | null, label = "", press: () => void = () => undefined): void {
  banner.hidden = text === null;
  if (text === null) return fill(banner);
  fill(banner, icon("wrong"), h("span", {}, text), label ? button(label, "quiet", press) : null);
}

// --- following the conversation ---

let following: AbortController | null = null;

/** `before`: what was said before this page was opened is played back first. */
function follow(id: string, before = false): void {
  if (following) return;
  following = new AbortController();
  void stream(id, before, following.signal);
}

async function stream(id: string, before: boolean, stop: AbortSignal): Promise<void> {
  let after = 0;
  let known = 0;
  let failures = 0;
  let lost: ReturnType<typeof setTimeout> | undefined;
  const connected = (): void => {
    clearTimeout(lost);
    lost = undefined;
    if (failures) warn(null);
    failures = 0;
    outbox.retry();
  };
  while (!stop.aborted) {
    try {
      if (before && !after) {
        known = (await readConversation(id)).seq;
        log.replaying(known > 0);
      }
      after = await readEvents(id, after, stop, connected, (event) => {
        see(event, event.seq > known);
        if (event.seq === known) caughtUp();
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (!error.passing) return stuck(error, id, () => outbox.retry());
    }
    if (stop.aborted) return;
    lost ??= setTimeout(() => warn(texts.lost), 5000);
    const pause = Math.min(15, 2 ** Math.min(failures++, 4)) * (500 + Math.random() * 500);
    await new Promise((done) => setTimeout(done, pause));
  }
}

function caughtUp(): void {
  log.replaying(false);
  scrollDown(true);
}

const tasks = new Map<string, string>();
let busy = false;

function see(event: Event, live: boolean): void {
  const atEnd = nearEnd();
  try {
    show(event, live);
  } catch (error) {
    console.error(error);
    log.note(texts.unreadable, "bad", "wrong");
  }
  if (live && atEnd) scrollToNews(event);
}

function show(event: Event, live: boolean): void {
  switch (event.type) {
    case "conversation.status":
      return showStatus(event.payload.status, live);
    case "task":
      return showTask(event.payload, live);
    case "message.delta":
      return log.write(event.payload);
    case "message.reset":
      return log.dropDraft(event.payload.message);
    case "message.done":
      if (event.payload.message.role !== "customer") tasks.clear();
      log.show(event.payload.message);
      return drawWorking();
    case "steps":
      return checklist.show(event.payload, live);
    case "action.proposed":
      return log.propose(event.payload);
    case "action.state":
      log.move(event.payload);
      checklist.showAction(event.payload);
      if (live) announce(`${event.payload.title}: ${texts[event.payload.state]}`);
      return;
    case "handoff":
      return showHandoff(event.payload);
    case "error":
      return log.note(event.payload.message, "bad", "wrong");
  }
}

const STATUS: Record<string, keyof typeof texts> = {
  bot_working: "working",
  awaiting_customer: "awaiting_customer",
  awaiting_approval: "awaiting_approval",
  watching: "watching",
  with_agents: "with_agents",
  human_active: "human_active",
  resolved: "resolved",
};

function showStatus(now: string, live: boolean): void {
  busy = now === "bot_working";
  if (!busy) tasks.clear();
  status.textContent = texts[STATUS[now] ?? "open"];
  status.dataset["status"] = now;
  if (live && busy) announce(texts.working);
  drawWorking();
}

function showTask(task: Payloads["task"], live: boolean): void {
  const key = `${task.turn} ${task.task}`;
  if (task.state === "in_progress") tasks.set(key, task.title);
  else tasks.delete(key);
  if (live) drawWorking();
}

function drawWorking(): void {
  const title = [...tasks.values()].at(-1);
  working.hidden = !busy && !title;
  if (!working.hidden) fill(working, h("span", { class: "dots" }, h("i"), h("i"), h("i")), title ?? texts.working);
}

function showHandoff(handoff: Payloads["handoff"]): void {
  const name = handoff.name ?? texts.somebody;
  const words = {
    requested: texts.handoffRequested,
    queued: texts.handoffQueued,
    joined: say(texts.handoffJoined, { name }),
    ended: texts.handoffEnded,
  };
  log.note(words[handoff.state], handoff.state === "ended" ? "none" : "wait", "person");
}

// --- scrolling: only who is at the end is kept there ---

const nearEnd = (): boolean => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;

function scrollDown(wanted: boolean): void {
  if (wanted) scroller.scrollTop = scroller.scrollHeight;
}

/** A reply that is taller than the view is read from its first line. */
function scrollToNews(event: Event): void {
  const last = log.element.lastElementChild;
  if (event.type === "message.done" && last && last.clientHeight > scroller.clientHeight - 40) {
    last.scrollIntoView({ block: "start" });
  } else if (event.type !== "steps" && (event.type !== "conversation.status" || busy)) {
    scrollDown(true);
  }
}

const open = conversation();
if (open) follow(open, true);
else outbox.retry();
