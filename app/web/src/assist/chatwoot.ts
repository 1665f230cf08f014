// The dashboard app for Chatwoot. What Chatwoot's page says names a conversation; the server looks it up itself.

import { h } from "../dom";
import { inChatwoot, Refused } from "./api";
import { type App, run, signedIn, whoIsHere } from "./app";
import { framed, fromHost, targets } from "./frame";
import { complain, reason } from "./parts";
import { chooseLanguage, t } from "./texts";
import { followTheme } from "./theme";
import type { Me } from "./wire";

const ASK = "chatwoot-dashboard-app:fetch-info";
/** It answers only one of several such apps at a time, and only once it is there: so it is asked again. */
const ASK_AFTER_MS = [0, 250, 1000, 3000];

interface Named {
  account: number;
  conversation: number;
}

/** Two numbers out of `appContext`, or nothing. */
export function named(data: unknown): Named | null {
  if (typeof data !== "string" || data.length > 5_000_000) return null;
  let said: unknown;
  try {
    said = JSON.parse(data);
  } catch {
    return null;
  }
  const context = said as { event?: unknown; data?: { conversation?: { id?: unknown; account_id?: unknown } | null } | null } | null;
  if (context?.event !== "appContext") return null;
  const account = context.data?.conversation?.account_id;
  const conversation = context.data?.conversation?.id;
  return whole(account) && whole(conversation) ? { account, conversation } : null;
}

const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

function listen(me: Me, hear: (one: Named) => void): void {
  let heard = false;
  window.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (!fromHost(event, me.hosts)) return;
    const one = named(event.data);
    if (!one) return;
    heard = true;
    hear(one);
  });
  const ask = (): void => {
    if (heard || !framed) return;
    for (const origin of targets(me.hosts)) window.parent.postMessage(ASK, origin);
  };
  for (const later of ASK_AFTER_MS) setTimeout(ask, later);
}

async function start(): Promise<void> {
  followTheme(null);
  chooseLanguage(null);
  const me = await whoIsHere();
  const place = h("div", { class: "pick" }, h("h2", {}, t("openFromConversation")), h("p", {}, t("openFromConversationMore")));
  const not = (key: "openFromConversation" | "unknownConversation"): void =>
    place.replaceChildren(h("h2", {}, t(key)), ...(key === "openFromConversation" ? [h("p", {}, t("openFromConversationMore"))] : []));
  let app: App | null = null;
  let last: Named | null = null;
  const show = async (one: Named): Promise<void> => {
    try {
      const { conversation } = await inChatwoot(one.account, one.conversation);
      if (one === last) app?.open(conversation);
    } catch (error) {
      if (one !== last) return;
      if (error instanceof Refused && error.status === 404) not("unknownConversation");
      else complain(reason(error));
    }
  };
  listen(me, (one) => {
    last = one;
    if (app) void show(one);
  });
  signedIn(me, null, "", (now) => {
    app = run(now, place);
    if (last) void show(last);
  });
}

void start();
