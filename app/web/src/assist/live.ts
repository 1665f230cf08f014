// Follows the agents' log: tells what is new, and comes back by number when the connection is lost.

import type { News } from "./wire";

const TYPES = ["agent.case", "agent.suggestion", "agent.request", "agent.handoff"] as const;

/** Returns what ends it. `lost` hears whether the connection is away. */
export function follow(after: number, see: (news: News) => void, lost: (away: boolean) => void): () => void {
  let stopped = false;
  let timer = 0;
  let source: EventSource;
  const open = (): void => {
    source = new EventSource(`/v1/agent/events?after=${after}`, { withCredentials: false });
    source.onopen = () => lost(false);
    source.onerror = () => {
      lost(true);
      // The browser comes back by itself unless the server answered with an error.
      if (source.readyState === EventSource.CLOSED && !stopped) timer = window.setTimeout(open, 5000);
    };
    for (const type of TYPES) {
      source.addEventListener(type, (event) => {
        const message = event as MessageEvent<string>;
        after = Math.max(after, Number(message.lastEventId) || 0);
        see(JSON.parse(message.data) as News);
      });
    }
  };
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source.close();
  };
}
