// A handoff in words: what happens now, and when, as far as it is known.

import type { Payloads } from "./events";
import { long, say } from "./format";
import { texts, when } from "./texts";

export function handoffWords(handoff: Payloads["handoff"]): string {
  if (handoff.state === "joined") return say(texts.handoffJoined, { name: handoff.name ?? texts.somebody });
  if (handoff.state === "ended") return texts.handoffEnded;
  const words = [handoff.state === "requested" ? texts.handoffRequested : texts.handoffQueued];
  if (handoff.team) words.push(say(texts.handoffTeam, { team: handoff.team }));
  if (handoff.hours === "closed") {
    words.push(handoff.opens_at ? say(texts.handoffClosed, { when: when(handoff.opens_at) }) : texts.handoffClosedPlain, texts.handoffStay);
  } else if (handoff.hours === "open" || handoff.state === "queued") {
    words.push(handoff.eta_s == null ? texts.handoffNoEta : say(texts.handoffEta, { eta: long(handoff.eta_s) }), texts.handoffStay);
  }
  return words.join(" ");
}
