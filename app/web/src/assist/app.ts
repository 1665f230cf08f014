// The whole page: the list, the case, what is new, and the keys.

import { button, fill, h, icon } from "../dom";
import { cases, me as readMe, Refused, signOut, view as readView, whenSignedOut } from "./api";
import { casePage, type CasePage } from "./case";
import { waitsForAgent } from "./action";
import { badge, framed, leave, resize } from "./frame";
import { type Keys, type Shortcut, shortcuts } from "./keys";
import { caseList, isReady, type List } from "./list";
import { follow } from "./live";
import { complain, doing, reason, tell, toasts } from "./parts";
import { handOver, signInPage } from "./signin";
import { switchBoard } from "./switches";
import { t, tick } from "./texts";
import type { CaseRow, Me, News, View } from "./wire";

export interface App {
  /** Shows one conversation, whoever asks for it. */
  open(conversation: string): void;
  /** Reads again what is shown. */
  refresh(conversation?: string): void;
}

/** Nobody is signed in, and no origin is known, until the server says so. */
export async function whoIsHere(): Promise<Me> {
  return readMe().catch((error: unknown) => {
    if (error instanceof Refused && error.status === 0) complain(t("unreachable"));
    return { name: null, oidc: false, hosts: [] };
  });
}

/** Signs in where needed, then runs `ready` with who it is. */
export function signedIn(me: Me, code: string | null, why: string, ready: (me: Me) => void): void {
  const go = (now: Me): void => {
    handOver()
      .then((handed) => (handed ? done() : ready(now)))
      .catch(() => ready(now));
  };
  if (me.name !== null && !code) return go(me);
  const page = signInPage(me, code, why, () => void whoIsHere().then((now) => (now.name === null ? signedIn(now, null, t("linkUsed"), ready) : go(now))));
  document.body.replaceChildren(page, toasts);
}

function done(): void {
  document.body.replaceChildren(h("main", { class: "sign-in" }, h("h1", {}, t("app")), h("p", { role: "status" }, t("windowDone"))));
}

/** `alone`: without the list, one case at a time, as the desk around us says. */
export function run(me: Me, alone: HTMLElement | null): App {
  const list = caseList();
  const empty = alone ?? h("p", { class: "pick" }, t("pick"));
  const place = h("div", { class: "place", id: "case", tabindex: "-1" }, empty);
  const banner = h("p", { class: "banner", role: "status", hidden: true });
  const board = switchBoard(() => state.view && state.page?.action.update(state.view));
  const back = h("a", { class: "back", href: "#/" }, icon("fold"), h("span", {}, t("back")));
  const shell = h("main", { class: "shell" }, alone ? null : list.element, h("div", { class: "right" }, alone ? null : back, place));
  const state = { rows: [] as readonly CaseRow[], current: "", page: null as CasePage | null, view: null as View | null };

  const step = (by: 1 | -1): void => {
    const ready = state.rows.filter(isReady);
    if (!ready.length) return tell(t("noReply"));
    const at = ready.findIndex((row) => row.conversation === state.current);
    go(ready[(at + by + ready.length + (at < 0 && by < 0 ? 1 : 0)) % ready.length]!.conversation);
  };
  const keys = shortcuts(commands(() => state.page, step, () => keys.show(), () => (framed ? leave() : go(""))), [
    ["Mod+Enter", t("key.send")],
  ]);
  document.body.replaceChildren(...(alone ? [] : [skips(list, place)]), header(me, keys, alone || framed ? null : board.open, alone !== null), banner, board.banner, shell, toasts, keys.dialog, board.dialog);

  const show = async (id: string): Promise<void> => {
    let view: View;
    try {
      view = await readView(id);
    } catch (error) {
      if (id !== state.current) return;
      if (error instanceof Refused && error.status === 404) gone();
      else complain(reason(error));
      return;
    }
    if (id !== state.current) return;
    if (!state.page) {
      state.page = casePage(step);
      place.replaceChildren(state.page.element);
    }
    announce(state.view, view, state.page);
    state.view = view;
    state.page.update(view);
    state.page.ready(state.rows.filter(isReady).length);
  };
  const gone = (): void => {
    state.page = state.view = null;
    fill(place, h("p", { class: "pick" }, t(alone ? "unknownConversation" : "gone")));
  };
  const open = async (id: string, focus: boolean): Promise<void> => {
    if (id !== state.current) state.view = null;
    state.current = id;
    shell.dataset["view"] = id || alone ? "case" : "list";
    list.update(state.rows, id);
    if (!id) {
      state.page = null;
      place.replaceChildren(empty);
      if (focus) list.element.focus();
      return;
    }
    await show(id);
    if (focus && id === state.current) state.page?.head.focus();
  };
  const readRows = async (): Promise<number> => {
    const got = await cases();
    state.rows = got.cases;
    board.hear(got.off ?? []);
    list.update(state.rows, state.current);
    const ready = state.rows.filter(isReady).length;
    document.title = ready ? `(${ready}) ${t("app")}` : t("app");
    badge(ready);
    state.page?.ready(ready);
    return got.seq ?? 0;
  };

  const route = (focus: boolean): void => {
    const [, id = "", then] = /^#\/c\/([^/]+)(?:\/(\w+))?$/.exec(location.hash) ?? [];
    void open(decoded(id), focus).then(() => then === "approve" && state.page?.action.focus());
  };
  const go = (id: string): void => {
    location.hash = id ? `#/c/${encodeURIComponent(id)}` : "#/";
  };
  window.addEventListener("hashchange", () => route(true));

  const soon = gathered(
    () => void doing(null, readRows),
    (ids) => state.current && ids.has(state.current) && void show(state.current),
  );
  void readRows()
    .catch((error: unknown) => (complain(reason(error)), 0))
    .then((seq) => {
      const stop = follow(seq, (news: News) => soon(news.conversation ?? state.current), lost(banner));
      whenSignedOut(() => {
        stop();
        signedIn({ ...me, name: null }, null, t("signedOut"), () => location.reload());
      });
    });
  route(false);
  setInterval(() => {
    tick();
    // An approval that ran out meanwhile is drawn as such.
    if (state.view) state.page?.action.update(state.view);
  }, 15_000);
  new ResizeObserver(() => resize(document.documentElement.scrollHeight)).observe(document.body);

  return {
    open(conversation) {
      // Not a step in the history of the page around us.
      history.replaceState(null, "", `#/c/${encodeURIComponent(conversation)}`);
      void open(conversation, false);
    },
    refresh(conversation) {
      soon(conversation ?? state.current);
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Many events at once are one reading. */
function gathered(rows: () => void, views: (ids: Set<string>) => void): (conversation: string) => void {
  let ids = new Set<string>();
  let timer = 0;
  return (conversation) => {
    ids.add(conversation);
    timer ||= window.setTimeout(() => {
      timer = 0;
      rows();
      views(ids);
      ids = new Set();
    }, 250);
  };
}

function lost(banner: HTMLElement): (away: boolean) => void {
  let timer = 0;
  return (away) => {
    clearTimeout(timer);
    if (!away) banner.hidden = true;
    else {
      timer = window.setTimeout(() => {
        banner.textContent = t("lost");
        banner.hidden = false;
      }, 3000);
    }
  };
}

function announce(before: View | null, now: View, page: CasePage): void {
  if (!before || before.conversation.id !== now.conversation.id) return;
  const known = new Set(before.messages.map((said) => said.id));
  const fresh = now.messages.some((said) => said.role === "customer" && !known.has(said.id));
  const open = now.suggestion?.state === "open" && now.suggestion.id !== before.suggestion?.id;
  const waits = now.requests.some((one) => waitsForAgent(one) && !before.requests.some((old) => old.request === one.request));
  // The open log reads new messages out by itself.
  if (waits) tell(t("newAction"));
  else if (open) tell(t("newReply"));
  else if (fresh && page.talk.body.hidden) tell(t("newMessage"));
}

function skips(list: List, place: HTMLElement): HTMLElement {
  const skip = (label: string, target: HTMLElement): HTMLElement => {
    const link = h("a", { class: "skip", href: `#${target.id}` }, label);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      target.focus();
    });
    return link;
  };
  return h("div", { class: "skips" }, skip(t("skipCases"), list.element), skip(t("skipCase"), place));
}

function header(me: Me, keys: Keys, switches: HTMLElement | null, alone: boolean): HTMLElement {
  const help = button("?", "small quiet", () => keys.show());
  help.setAttribute("aria-label", t("keys"));
  help.title = t("keys");
  const out = button(t("signOut"), "small quiet", () => void doing(out, signOut).then((gone) => gone && location.assign("/assist")));
  return h(
    "header",
    { class: "bar" },
    h("img", { src: "/assets/mark.svg", alt: "", width: "22", height: "22" }),
    h("h1", {}, t("bot")),
    alone || framed ? null : documents(),
    switches,
    h("span", { class: "me", title: t("signedInAs", { name: me.name ?? "" }) }, me.name),
    help,
    alone ? null : out,
  );
}

/** The pages on documents. A desk's frame is about one conversation, and they are in no frame. */
function documents(): HTMLElement {
  const link = (page: "procedures" | "health"): HTMLElement => h("a", { class: "button small quiet", href: `/assist/${page}` }, t(page));
  return h("nav", { "aria-label": t("documents"), class: "buttons" }, link("procedures"), link("health"));
}

function commands(page: () => CasePage | null, step: (by: 1 | -1) => void, help: () => void, away: () => void): Shortcut[] {
  const names = ["panelStatus", "summary", "steps", "reply", "action", "sources", "talk"] as const;
  return [
    ...names.map((name, n) => ({
      id: `panel-${n + 1}`,
      keys: `Alt+Digit${n + 1}`,
      label: t("key.panel", { n: n + 1, name: t(name) }),
      run: () => {
        page()?.panels[n]!.open();
        page()?.panels[n]!.toggle.focus();
      },
    })),
    { id: "insert", keys: "Mod+Enter", label: t("key.insert"), run: () => page()?.reply.insert() },
    { id: "copy", keys: "Mod+Shift+KeyC", label: t("key.copy"), run: () => page()?.reply.copy() },
    { id: "checks", keys: "Alt+KeyV", label: t("key.checks"), run: () => page()?.steps.check() },
    { id: "approval", keys: "Alt+KeyA", label: t("key.approval"), run: () => page()?.action.focus() },
    { id: "take-over", keys: "Alt+KeyH", label: t("key.takeOver"), run: () => page()?.takeOver() },
    { id: "next", keys: "Alt+KeyJ", label: t("key.next"), run: () => step(1) },
    { id: "previous", keys: "Alt+KeyK", label: t("key.previous"), run: () => step(-1) },
    { id: "help", keys: "?", label: t("key.help"), run: help },
    { id: "leave", keys: "Escape", label: t("key.leave"), run: away },
  ];
}
