// Signing in: with a one-time link, or with the company's accounts; in a frame, in a window of ours.

import { button, h } from "../dom";
import { pass, Refused, signIn } from "./api";
import { framed } from "./frame";
import { doing, reason } from "./parts";
import { t, word } from "./texts";
import type { Me } from "./wire";

const OIDC = ["not_listed", "not_verified", "expired", "failed"];
const POPUP = "stepfour.sign-in-window";

/** The code of a one-time link, or why a sign-in failed; taken off the address before anything else happens. */
export function takeCode(): { code: string | null; why: string } {
  const [hash, query] = [new URLSearchParams(location.hash.slice(1)), new URLSearchParams(location.search)];
  const taken = (name: string): string | null => hash.get(name) ?? query.get(name);
  const [code, error] = [taken("code"), taken("refused")];
  if (location.hash === "#window") remember();
  if (code || error || location.hash === "#window") history.replaceState(null, "", location.pathname);
  return { code, why: error ? word("oidc", OIDC.includes(error) ? error : "failed") : "" };
}

function remember(): void {
  try {
    sessionStorage.setItem(POPUP, "1");
  } catch {
    // Then this window just goes on to the cases.
  }
}

function isWindow(): boolean {
  try {
    return window.opener !== null && sessionStorage.getItem(POPUP) === "1";
  } catch {
    return false;
  }
}

/** In the window a frame has opened: hands the sign-in over to it. False where this is no such window. */
export async function handOver(): Promise<boolean> {
  if (!isWindow()) return false;
  sessionStorage.removeItem(POPUP);
  const { code } = await pass();
  // Only a page of our own origin gets it.
  (window.opener as Window).postMessage({ v: 1, type: "signed-in", code }, location.origin);
  setTimeout(() => window.close(), 600);
  return true;
}

export function signInPage(me: Me, code: string | null, why: string, done: () => void): HTMLElement {
  const page = h("main", { class: "sign-in", id: "sign-in" }, h("img", { src: "/assets/mark.svg", alt: "", width: "40", height: "40" }), h("h1", {}, t("app")), h("p", {}, framed ? t("framedLead") : t("signInLead")));
  if (why) page.append(h("p", { class: "warning", role: "alert" }, why));
  const refused = h("p", { class: "warning", role: "alert", hidden: true });
  const enter = async (one: string): Promise<void> => {
    try {
      await signIn(one);
    } catch (error) {
      // Only what was looked up and not found is a link that holds no more.
      const over = error instanceof Refused && [401, 404, 410, 422].includes(error.status);
      refused.textContent = over ? t("linkUsed") : reason(error);
      refused.hidden = false;
      return;
    }
    done();
  };

  if (framed) {
    page.append(h("div", { class: "buttons" }, button(t("openWindow"), "strong", () => openWindow(enter, done))));
  } else if (code) {
    // A press, not the mere opening: whoever previews links for you must not use it up.
    const press: HTMLButtonElement = button(t("signIn"), "strong", () => void doing(press, () => enter(code)));
    page.append(h("p", {}, t("linkReady")), h("div", { class: "buttons" }, press));
  }
  if (me.oidc && !framed) {
    const provider = me.provider || t("company");
    page.append(h("div", { class: "buttons" }, h("a", { class: "button strong", href: "/assist/oidc/start" }, t("withProvider", { provider }))));
  }
  if (!code || framed) page.append(pasteCode(enter));
  page.append(refused);
  return page;
}

function pasteCode(enter: (code: string) => Promise<void>): HTMLElement {
  const box = h("input", { type: "text", autocomplete: "one-time-code", spellcheck: "false", required: true });
  const form = h("form", { class: "ask" }, h("label", {}, h("span", {}, t("codeLabel")), box), h("div", { class: "buttons" }, h("button", { type: "submit" }, t("signIn"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void enter(/[#?&]code=([\w.-]+)/.exec(box.value)?.[1] ?? box.value.trim());
  });
  return form;
}

function openWindow(enter: (code: string) => Promise<void>, done: () => void): void {
  const opened = window.open("/assist/sign-in#window", "_blank", "popup,width=480,height=640");
  window.addEventListener("message", function heard(event: MessageEvent<{ v?: unknown; type?: unknown; code?: unknown } | null>) {
    if (!opened || event.source !== opened || event.origin !== location.origin) return;
    if (event.data?.v !== 1 || event.data.type !== "signed-in") return;
    window.removeEventListener("message", heard);
    if (typeof event.data.code === "string") void enter(event.data.code);
    else done();
  });
}
