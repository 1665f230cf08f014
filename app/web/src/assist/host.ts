// An example desk: its own page at its own origin, with the agents' page in a frame, spoken to by `triage-assist/1`.
// It reads `desk.json` beside it:
//   {"app": origin of Stepfour, "ticket": one-time ticket made by the desk's server at each reading, or null,
//    "agent": "Bea", "reply": true where POST reply {conversation, text} sends,
//    "conversations": [{"id", "customer", "channel", "title", "messages": [{"by", "text"}]}]}

import { button, fill, h } from "../dom";

interface Talk {
  id: string;
  customer: string;
  channel: string;
  title: string;
  messages: { by: string; text: string }[];
}

interface Desk {
  app: string;
  ticket: string | null;
  agent: string;
  reply?: boolean;
  conversations: Talk[];
}

type Bag = Record<string, unknown>;
const CAPS = ["context", "reply.insert", "nav"];

async function readDesk(): Promise<Desk> {
  return (await (await fetch("desk.json", { cache: "no-store" })).json()) as Desk;
}

async function start(): Promise<void> {
  const desk = await readDesk();
  const origin = new URL(desk.app).origin;
  const frame = h("iframe", { title: "Stepfour", allow: "clipboard-write", referrerpolicy: "strict-origin" });
  const log = h("div", { class: "desk-log" });
  const box = h("textarea", { id: "reply", rows: "5" });
  const list = h("ul", { class: "desk-list" });
  const badge = h("span", { class: "desk-badge", hidden: true });
  const told = h("p", { class: "desk-told", role: "status" });
  let talk = desk.conversations[0];
  let suggestion: string | null = null;
  let port: MessagePort | null = null;
  const tell = (message: Bag): void => port?.postMessage(message);

  const draw = (): void => {
    fill(
      list,
      ...desk.conversations.map((one) => {
        const pick = button(one.customer, "", () => {
          talk = one;
          suggestion = null;
          box.value = "";
          draw();
          context();
        });
        pick.append(h("small", {}, one.title));
        if (one === talk) pick.setAttribute("aria-current", "true");
        return h("li", {}, pick);
      }),
    );
    fill(log, ...(talk?.messages ?? []).map((said) => h("p", {}, h("strong", {}, said.by), h("span", {}, said.text))));
  };
  const context = (): void => {
    if (talk) tell({ type: "context", conversation: { id: talk.id, channel: talk.channel, status: "open" }, contact: { id: talk.customer }, agent: { id: desk.agent } });
  };

  const hear = (said: Bag | null): void => {
    switch (said?.["type"]) {
      case "reply.insert": {
        const text = said["text"];
        const fits = typeof text === "string" && talk !== undefined;
        if (fits) {
          box.value = said["mode"] === "append" && box.value ? `${box.value}\n${text}` : text;
          suggestion = typeof said["suggestion"] === "string" ? said["suggestion"] : null;
          box.focus();
        }
        tell(fits ? { type: "ok", id: said["id"] } : { type: "err", id: said["id"], code: "no_conversation" });
        break;
      }
      case "badge":
        badge.hidden = !said["count"];
        badge.textContent = String(Number(said["count"]) || 0);
        break;
      case "nav":
        go(said["url"]);
        break;
      case "resize":
        frame.dataset["height"] = String(Number(said["height"]) || 0);
        break;
      case "leave":
        box.focus();
    }
  };
  const go = (url: unknown): void => {
    if (typeof url !== "string" || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return;
    // The desk decides: here, only pages of Stepfour's own origin.
    if (new URL(url).origin === origin) window.open(url, "_blank", "noopener");
    else told.textContent = `Not opened: ${url}`;
  };

  window.addEventListener("message", (event: MessageEvent<Bag | null>) => {
    if (event.source !== frame.contentWindow || event.origin !== origin) return;
    if (event.data?.["v"] !== 1 || event.data["type"] !== "ready" || event.data["app"] !== "triage-assist") return;
    void shake();
  });
  const shake = async (): Promise<void> => {
    // A ticket counts once: a frame that was loaded again needs another.
    const { ticket } = port ? await readDesk() : desk;
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = (said: MessageEvent<Bag | null>) => hear(said.data);
    const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const init = { v: 1, type: "init", host: "example-desk", ticket, caps: CAPS, theme, locale: navigator.language };
    frame.contentWindow!.postMessage(init, origin, [channel.port2]);
    context();
  };

  const send = button("Send", "strong", () => void sendReply());
  const sendReply = async (): Promise<void> => {
    const text = box.value.trim();
    if (!text || !talk) return;
    if (desk.reply) {
      const body = JSON.stringify({ conversation: talk.id, text });
      const response = await fetch("reply", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => null);
      if (!response?.ok) {
        told.textContent = "Not sent. Try again.";
        return;
      }
    }
    talk.messages.push({ by: desk.agent, text });
    box.value = "";
    draw();
    if (suggestion) tell({ type: "reply.sent", suggestion, final_text: text });
    suggestion = null;
    tell({ type: "conversation.changed", id: talk.id, reason: "message" });
  };

  draw();
  document.body.replaceChildren(
    h("nav", { "aria-label": "Conversations" }, h("h1", {}, "Example desk ", badge), list),
    h("main", {}, log, h("label", { for: "reply" }, "Reply"), box, h("div", {}, send, told)),
    h("aside", { "aria-label": "Stepfour" }, frame),
  );
  frame.src = `${origin}/assist`;
}

void start();
