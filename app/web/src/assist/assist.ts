// The agents' page by itself, or in the frame of a desk that speaks `triage-assist/1`.

import { dismiss, signIn } from "./api";
import { type App, run, signedIn, whoIsHere } from "./app";
import { connect, framed, type Init } from "./frame";
import { takeCode } from "./signin";
import { chooseLanguage } from "./texts";
import { followTheme } from "./theme";
import type { Me } from "./wire";

const PATIENCE_MS = 1500;

/** What the desk has named so far, and the page once it is there. */
interface Here {
  conversation: string | null;
  app: App | null;
}

/** Shakes hands with the desk around us: what it says first counts before anything is drawn. */
async function greet(me: Me, here: Here): Promise<void> {
  let ticket: string | null = null;
  await new Promise<void>((resolve) => {
    setTimeout(resolve, PATIENCE_MS);
    connect(me.hosts, {
      init(init: Init) {
        if (init.theme) followTheme(init.theme);
        if (!here.app) chooseLanguage(init.locale);
        ticket = init.ticket;
        resolve();
      },
      conversation(id) {
        here.conversation = id;
        here.app?.open(id);
      },
      changed: (id) => here.app?.refresh(id),
      // The desk has sent it by itself: here it only must not be offered again.
      sent: (suggestion) => void dismiss(suggestion, "").catch(() => {}),
    });
  });
  const opened = ticket ? await signIn(ticket).catch(() => null) : null;
  here.conversation ??= opened?.conversation ?? null;
}

async function start(): Promise<void> {
  followTheme(null);
  chooseLanguage(null);
  const { code, why } = takeCode();
  let me = await whoIsHere();
  const here: Here = { conversation: null, app: null };
  if (framed) {
    await greet(me, here);
    if (me.name === null) me = await whoIsHere();
  }
  signedIn(me, code, why, (now) => {
    if (location.pathname !== "/assist") history.replaceState(null, "", "/assist");
    here.app = run(now, null);
    if (here.conversation) here.app.open(here.conversation);
  });
}

void start();
