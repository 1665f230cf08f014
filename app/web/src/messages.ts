// One message as an article: what was said, its sources, its files, and whether it helped.

import { base, help } from "./base";
import { button, fill, h, icon, logo } from "./dom";
import type { Attachment, Message, Source } from "./events";
import { date, say, size, time } from "./format";
import { render, renderLine } from "./markdown";
import { reason } from "./refusals";
import { texts } from "./texts";
import type { UnsentFile } from "./who";

export interface Reach {
  /** The bytes of a file that came with a message. */
  file(id: string): Promise<Blob>;
  feedback(message: string, helped: boolean): Promise<void>;
}

export function customer(text: string, at: string, ...files: (Node | null)[]): HTMLElement {
  return h(
    "article",
    { class: "message customer", part: "message customer", "aria-label": `${texts.you}, ${time(at)}`, tabindex: "-1" },
    ...files,
    text ? h("div", { class: "bubble", dir: "auto" }, text) : null,
    h("p", { class: "by" }, h("time", { datetime: at }, time(at))),
  );
}

export function said(message: Message, reach: Reach): HTMLElement {
  const files = message.attachments?.length ? attached(message.attachments, reach) : null;
  return message.role === "customer" ? customer(message.text, message.at, files) : ours(message, files, reach);
}

function ours(message: Message, files: Node | null, reach: Reach): HTMLElement {
  const bot = message.role === "bot";
  const name = bot ? texts.name : (message.name ?? texts.agent);
  const sources = new Sources(message.id, message.citations);
  const body = h("div", { class: "bubble", dir: "auto" });
  const linked = new Set<string>();
  const link = (address: string): string | null => {
    const leads = allowed(address, message);
    if (leads) linked.add(leads);
    return leads;
  };
  fill(body, ...render(message.text, (n) => sources.mark(n), link));
  sources.list(linked);
  return h(
    "article",
    { class: `message ${message.role}`, part: `message ${message.role}`, "aria-label": `${name}, ${time(message.at)}`, "data-decision": message.decision, tabindex: "-1" },
    h("p", { class: "by" }, bot ? logo("face") : h("span", { class: "face" }, icon("person")), h("strong", {}, name), h("time", { datetime: message.at }, time(message.at))),
    message.text ? body : null,
    files,
    sources.element,
    bot ? opinion(message.id, reach) : null,
  );
}

// --- sources ---

const WEB = /^https?:\/\//i;

function addressOf(cited: Source): string | null {
  const page = cited.url?.startsWith("/") && !cited.url.startsWith("//") ? base + cited.url : cited.url;
  return page && WEB.test(page) ? page : null;
}

/** A link of a text leads to our help pages, to what is cited and where the server says, and nowhere else. */
function allowed(address: string, { citations, links }: Message): string | null {
  if (links?.includes(address) && WEB.test(address)) return address;
  let url: URL;
  try {
    url = new URL(address, help);
  } catch {
    return null;
  }
  if (!WEB.test(url.href) || url.username || url.search) return null;
  const page = url.href.replace(/#.*/, "");
  const known = page.startsWith(help) || citations.some((one) => addressOf(one)?.replace(/#.*/, "") === page);
  return known ? url.href : null;
}

/** The numbers in a text, and the card that opens from them. */
class Sources {
  readonly element: HTMLElement | null;
  private readonly card: HTMLElement;
  private readonly openers = new Map<HTMLButtonElement, Source>();
  private readonly marked = new Set<number>();
  private shown: HTMLButtonElement | null = null;

  constructor(
    message: string,
    private readonly all: Source[],
  ) {
    this.card = h("div", { class: "source", id: `source-${message}`, role: "group", hidden: true });
    this.element = all.length ? h("div", { class: "cited" }, this.card) : null;
    this.element?.addEventListener("keydown", (key) => this.escape(key));
  }

  mark(n: number): Node | null {
    const cited = this.all.find((one) => one.n === n);
    if (cited) this.marked.add(n);
    return cited ? this.opener(cited, String(n)) : null;
  }

  /** What the text itself numbers and leads to is not listed a second time. */
  list(linked: ReadonlySet<string>): void {
    const told = (cited: Source): boolean => this.marked.has(cited.n) && linked.has(new URL(addressOf(cited) ?? "", help).href);
    const left = this.all.filter((cited) => !told(cited));
    if (!left.length) return;
    const list = h("ul", { class: "sources", "aria-label": texts.sources });
    for (const cited of left) list.append(h("li", {}, this.opener(cited, h("span", { class: "n" }, String(cited.n)), h("span", {}, cited.title))));
    this.element!.prepend(list);
  }

  private opener(cited: Source, ...inner: (Node | string)[]): HTMLButtonElement {
    const opener = h(
      "button",
      { type: "button", class: inner.length > 1 ? "source-open" : "mark", "aria-expanded": "false", "aria-controls": this.card.id },
      ...inner,
    );
    opener.setAttribute("aria-label", say(texts.source, { n: cited.n, title: cited.title }));
    this.openers.set(opener, cited);
    opener.addEventListener("click", () => this.show(this.shown === opener ? null : opener));
    opener.addEventListener("keydown", (key) => this.escape(key));
    return opener;
  }

  private escape(key: KeyboardEvent): void {
    if (key.key !== "Escape" || !this.shown) return;
    key.stopPropagation(); // Escape closes one thing at a time
    this.shown.focus();
    this.show(null);
  }

  private show(opener: HTMLButtonElement | null): void {
    this.shown = opener;
    for (const each of this.openers.keys()) each.setAttribute("aria-expanded", String(each === opener));
    this.card.hidden = !opener;
    if (!opener) return;
    const cited = this.openers.get(opener)!;
    this.card.setAttribute("aria-label", opener.getAttribute("aria-label")!);
    fill(this.card, ...sourceCard(cited));
    this.card.scrollIntoView({ block: "nearest" });
  }
}

function sourceCard(cited: Source): Node[] {
  const gone = cited.became === "gone" || cited.became === "erased";
  const address = gone ? null : addressOf(cited);
  const path = cited.now_at ?? cited.path;
  const place = cited.anchor ? `${path}#${cited.anchor}` : path;
  const now = cited.now_at ? ` ${say(texts.nowAt, { path })}` : "";
  const title = address
    ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, cited.title, icon("out"), h("span", { class: "hidden" }, ` (${texts.newTab})`))
    : cited.title;
  return [
    h("p", { class: "source-title" }, h("cite", {}, title)),
    ...(cited.became === "erased" ? [] : [h("blockquote", { lang: cited.lang, dir: "auto" }, ...renderLine(cited.quote))]),
    ...(cited.became ? [h("p", { class: "source-became" }, texts.became[cited.became] + now)] : []),
    h("p", { class: "source-place" }, say(texts.updated, { date: date(cited.updated_at) }), ...(address ? [] : [" · ", place])),
  ];
}

// --- files ---

export function attached(files: Attachment[], reach: Reach): HTMLElement {
  return h("ul", { class: "files" }, ...files.map((file) => h("li", {}, file.image ? picture(file, reach) : chip(file, reach))));
}

export function waitingFiles(files: UnsentFile[]): HTMLElement {
  return h("ul", { class: "files" }, ...files.map((file) => h("li", {}, h("span", { class: "chip" }, icon("file"), h("span", {}, file.name)))));
}

function chip(file: Attachment, reach: Reach): HTMLElement {
  const made: HTMLButtonElement = button(file.name, "chip", () => void save(file, reach, made), icon("file"));
  made.append(h("small", {}, size(file.size)));
  return made;
}

async function save(file: Attachment, reach: Reach, made: HTMLButtonElement): Promise<void> {
  made.disabled = true;
  const content = await reach.file(file.id).catch((error: unknown) => reason(error, texts.gone));
  made.disabled = content === texts.gone;
  made.querySelector(".problem")?.remove();
  if (typeof content === "string") return void made.append(h("small", { class: "problem", role: "status" }, content));
  const address = URL.createObjectURL(content);
  h("a", { href: address, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Fetched with the token once it comes into view; shown large in a tab of its own. */
function picture(file: Attachment, reach: Reach): HTMLElement {
  const link = h("a", { class: "thumb", target: "_blank", rel: "noopener", "aria-label": say(texts.openFile, { name: file.name }) });
  const eye = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    eye.disconnect();
    const content = await reach.file(file.id).catch((error: unknown) => reason(error, texts.gone));
    if (typeof content === "string") return fill(link, h("small", {}, `${file.name}: ${content}`));
    const address = URL.createObjectURL(content);
    link.href = address;
    fill(link, h("img", { src: address, alt: file.name }));
  });
  eye.observe(link);
  return link;
}

// --- did it help? ---

function opinion(message: string, reach: Reach): HTMLElement {
  const row = h("div", { class: "opinion" });
  for (const helped of [true, false]) {
    const label = helped ? texts.helped : texts.notHelped;
    const press = async (): Promise<void> => {
      const before = row.querySelector('[aria-pressed="true"]');
      showOpinion(row, helped);
      try {
        await reach.feedback(message, helped);
      } catch {
        showOpinion(row, before ? before.classList.contains("yes") : null);
      }
    };
    const made = button(label, helped ? "yes" : "no", () => void press(), icon(helped ? "up" : "down"));
    made.setAttribute("aria-pressed", "false");
    row.append(made);
  }
  return row;
}

export function showOpinion(article: Element, helped: boolean | null): void {
  for (const each of article.querySelectorAll("[aria-pressed]")) {
    each.setAttribute("aria-pressed", String(helped !== null && each.classList.contains(helped ? "yes" : "no")));
  }
}
