// A small part of Markdown as DOM nodes: paragraphs, bold, code, lists, quotes and [n] marks.
// Images from text are never made. A link is one only where the caller allows its address; else its words are shown.

import { type Child, h } from "./dom";

export type Mark = (n: number) => Node | null;
/** Where a link of the text may lead; null for nowhere. */
export type Link = (address: string) => string | null;
interface Makes {
  mark: Mark;
  link: Link;
}

const ITEM = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const FENCE = /^\s*(```+|~~~+)/;

export function render(text: string, mark: Mark, link: Link = () => null): Node[] {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), { mark, link }, 0);
}

/** One sentence: bold and code only. */
export function renderLine(text: string): Child[] {
  return inline(text, { mark: () => null, link: () => null });
}

function blocks(lines: string[], makes: Makes, depth: number): Node[] {
  const out: Node[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i]!;
    const fence = FENCE.exec(line);
    if (!line.trim()) {
      i++;
    } else if (fence) {
      let end = i + 1;
      while (end < lines.length && !lines[end]!.trimStart().startsWith(fence[1]!)) end++;
      out.push(h("pre", { tabindex: "0" }, h("code", {}, unindented(lines.slice(i + 1, end)))));
      i = end + 1;
    } else if (ITEM.test(line) && depth < 5) {
      const end = endOfList(lines, i);
      out.push(list(lines.slice(i, end), makes, depth));
      i = end;
    } else if (/^\s*>/.test(line) && depth < 5) {
      let end = i;
      while (end < lines.length && /^\s*>/.test(lines[end]!)) end++;
      const quoted = lines.slice(i, end).map((l) => l.replace(/^\s*> ?/, ""));
      out.push(h("blockquote", {}, ...blocks(quoted, makes, depth + 1)));
      i = end;
    } else {
      let end = i + 1;
      while (end < lines.length && lines[end]!.trim() && !starts(lines[end]!)) end++;
      out.push(paragraph(lines.slice(i, end), makes));
      i = end;
    }
  }
  return out;
}

function starts(line: string): boolean {
  return FENCE.test(line) || ITEM.test(line) || /^\s*(>|#{1,6}\s)/.test(line);
}

function paragraph(lines: string[], makes: Makes): Node {
  const heading = /^\s*#{1,6}\s+(.*?)(?:\s*\{#[\w-]+\})?\s*$/.exec(lines[0]!);
  if (heading) {
    const rest = lines.slice(1);
    const title = h("h3", { class: "heading" }, ...inline(heading[1]!, makes));
    return rest.length ? h("div", {}, title, paragraph(rest, makes)) : title;
  }
  const children: Child[] = [];
  lines.forEach((line, n) => {
    if (n) children.push(h("br"));
    children.push(...inline(line.trim(), makes));
  });
  return h("p", {}, ...children);
}

function endOfList(lines: string[], from: number): number {
  const indent = ITEM.exec(lines[from]!)![1]!.length;
  let end = from + 1;
  while (end < lines.length) {
    const line = lines[end]!;
    const next = lines.slice(end).find((l) => l.trim());
    if (!next) break;
    const belongs = ITEM.test(next) ? depthOf(next) >= indent : depthOf(next) > indent;
    const lazy = line.trim() !== "" && lines[end - 1]!.trim() !== "" && !starts(line);
    if (!belongs && !lazy) break;
    end++;
  }
  return end;
}

function list(lines: string[], makes: Makes, depth: number): Node {
  const first = ITEM.exec(lines[0]!)!;
  const indent = first[1]!.length;
  const items: string[][] = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1]!.length <= indent) items.push([item[3]!]);
    else items.at(-1)!.push(line);
  }
  const nodes = items.map((item) => {
    const rest = item.slice(1);
    const room = Math.min(...rest.filter((l) => l.trim()).map(depthOf), 99);
    const body = blocks([item[0]!, ...rest.map((l) => l.slice(Math.min(room, depthOf(l))))], makes, depth + 1);
    const lead = body[0];
    const tight = lead instanceof HTMLParagraphElement ? [...lead.childNodes, ...body.slice(1)] : body;
    return h("li", {}, ...tight);
  });
  const start = first[2];
  return start ? h("ol", { start: start === "1" ? null : start }, ...nodes) : h("ul", {}, ...nodes);
}

function depthOf(line: string): number {
  return line.length - line.trimStart().length;
}

function unindented(lines: string[]): string {
  const room = Math.min(...lines.filter((l) => l.trim()).map(depthOf), 99);
  return lines.map((l) => l.slice(Math.min(room, depthOf(l)))).join("\n");
}

const INLINE = /`([^`]+)`|\*\*(?=\S)(.+?)\*\*|!?\[([^\][]*)\]\(([^()\s]*)[^()]*\)|\[(\d{1,3})\]|\\([\\`*_[\]{}()#+.!>-])/;

function inline(text: string, makes: Makes): Child[] {
  const out: Child[] = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [all, code, bold, label, address, n, escaped] = found;
    out.push(rest.slice(0, found.index));
    if (code !== undefined) out.push(h("code", {}, code));
    else if (bold !== undefined) out.push(h("strong", {}, ...inline(bold, makes)));
    else if (label !== undefined) out.push(linked(label, address!, makes.link));
    else if (n !== undefined) out.push(makes.mark(Number(n)) ?? all);
    else out.push(escaped!);
    rest = rest.slice(found.index + all.length);
  }
  out.push(rest);
  return out;
}

function linked(label: string, address: string, link: Link): Child {
  const to = link(address);
  if (to) return h("a", { href: to, target: "_blank", rel: "noopener noreferrer" }, label || to);
  return /^https?:/i.test(address) ? `${label} (${address})` : label;
}
