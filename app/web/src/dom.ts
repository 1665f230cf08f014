// Makes DOM nodes. Text is always a text node: what people and models write can never become markup.

export type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | boolean | null | undefined>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

export function add(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child) parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
}

export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  add(parent, children);
}

export function button(label: string, kind: string, press: () => void, icon?: Node): HTMLButtonElement {
  const made = h("button", { type: "button", class: kind }, icon, h("span", {}, label));
  made.addEventListener("click", () => made.getAttribute("aria-disabled") !== "true" && press());
  return made;
}

/** Disabled for a while, and still where the focus is: a disabled button would lose it. */
export function rest(on: boolean, ...buttons: Iterable<Element>[]): void {
  for (const some of buttons) for (const each of some) each.setAttribute("aria-disabled", String(on));
}

/** Fills a part again; if the focus was in it, it goes to `next`. */
export function refill(part: HTMLElement, next: HTMLElement, ...children: Child[]): void {
  const held = part.contains((part.getRootNode() as ShadowRoot).activeElement);
  fill(part, ...children);
  if (!held) return;
  if (next.tabIndex < 0) next.tabIndex = -1;
  next.focus();
}

const PATHS = {
  checked: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm-1.300 14.500-4-4 1.600-1.600 2.400 2.400 5.200-5.200 1.600 1.600Z",
  told: "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-8l-5 4.500V17H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm3 5v2h10V8Zm0 3.800v2h6v-2Z",
  shown: "M12 5C6.500 5 2.700 9.300 1.500 12c1.200 2.700 5 7 10.500 7s9.300-4.300 10.500-7C21.300 9.300 17.500 5 12 5Zm0 11.500a4.500 4.500 0 1 1 0-9 4.500 4.500 0 0 1 0 9Zm0-2.200a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600Z",
  wrong: "M12 2 .8 21.500h22.400ZM11 9h2v6h-2Zm0 7.500h2v2h-2Z",
  missing: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 2.200a7.800 7.800 0 1 1 0 15.600 7.800 7.800 0 0 1 0-15.600ZM7.500 11v2.200h9V11Z",
  unknown: "M12 2a10 10 0 0 0-2.700.37l.6 2.120A7.800 7.800 0 0 1 12 4.200Zm2.700.37-.6 2.120a7.800 7.800 0 0 1 3.400 1.960l1.550-1.550A10 10 0 0 0 14.700 2.370ZM4.950 4.950A10 10 0 0 0 2.370 9.300l2.120.6A7.800 7.800 0 0 1 6.500 6.500ZM21.630 9.300l-2.120.6a7.800 7.800 0 0 1 0 4.200l2.120.6a10 10 0 0 0 0-5.400ZM2.370 14.700a10 10 0 0 0 2.580 4.350L6.500 17.500a7.800 7.800 0 0 1-2.010-3.400Zm15.130 2.800a7.800 7.800 0 0 1-3.400 2.010l.6 2.120a10 10 0 0 0 4.350-2.580ZM9.900 19.510l-.6 2.120A10 10 0 0 0 12 22v-2.200a7.800 7.800 0 0 1-2.100-.29Z",
  watching: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 2.200a7.800 7.800 0 1 1 0 15.600 7.800 7.800 0 0 1 0-15.600ZM11 6.500v6.100l4.300 2.600 1.100-1.900-3.200-1.900V6.500Z",
  skipped: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 2.200a7.800 7.800 0 0 1 4.700 1.600L5.800 16.700A7.800 7.800 0 0 1 12 4.200Zm6.200 3.100a7.800 7.800 0 0 1-10.900 10.900Z",
  send: "M2.500 3 22.500 12l-20 9 2.300-7.700L14 12 4.800 10.700Z",
  person: "M12 2.500a4.750 4.750 0 1 1 0 9.500 4.750 4.750 0 0 1 0-9.500ZM3.500 21.500c0-4.700 3.800-7.700 8.500-7.700s8.500 3 8.500 7.700Z",
  fold: "m5.500 8.200 6.500 6.500 6.500-6.500 1.600 1.600-8.100 8.100-8.100-8.100Z",
  close: "m5.600 4 6.400 6.400L18.400 4 20 5.600 13.600 12l6.400 6.400-1.600 1.600-6.400-6.400L5.600 20 4 18.400l6.400-6.400L4 5.600Z",
  clip: "M17.500 6.500v10a5.500 5.500 0 0 1-11 0V6a4 4 0 0 1 8 0v9.500a2.500 2.500 0 0 1-5 0V7h2v8.500a.5.5 0 0 0 1 0V6a2 2 0 0 0-4 0v10.500a3.500 3.500 0 0 0 7 0v-10Z",
  file: "M6 2h8l5 5v13a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2Zm7 1.800V8h4.200Z",
  again: "M12 4a8 8 0 1 1-7.700 5.800h2.150A6 6 0 1 0 12 6v3L7.500 5 12 1Z",
  out: "M13 3h8v8h-2V6.400l-8.300 8.300-1.400-1.400L17.600 5H13ZM5 5h5v2H5v12h12v-5h2v5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2Z",
  up: "M2 10h4v11H2Zm6 10V10l4.500-8c1.400 0 2.500 1.100 2.500 2.500V9h5a2 2 0 0 1 2 2.400l-1.500 8A2 2 0 0 1 18.500 21H10a2 2 0 0 1-2-1Z",
  down: "M22 14h-4V3h4ZM16 4v10l-4.500 8A2.500 2.500 0 0 1 9 19.500V15H4a2 2 0 0 1-2-2.400l1.500-8A2 2 0 0 1 5.500 3H14a2 2 0 0 1 2 1Z",
  plus: "M11 4h2v7h7v2h-7v7h-2v-7H4v-2h7Z",
  bolt: "M13.500 1.500 4 14h6.500L9 22.500 20 9.500h-7Z",
} as const;
export type Icon = keyof typeof PATHS;

const SPACE = "http://www.w3.org/2000/svg";

function svg(tag: string, attributes: Record<string, string>, ...children: Node[]): SVGElement {
  const made = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function icon(name: Icon): SVGElement {
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" }, svg("path", { d: PATHS[name] }));
}

const BARS = [[6, 21, 5], [11.5, 17, 9], [17, 12.5, 13.5], [22.5, 7, 19]] as const; // prettier-ignore

/** Our sign: four steps, up. */
export function logo(kind: string): SVGElement {
  const bars = BARS.map(([x, y, height], n) =>
    svg("rect", { x: `${x}`, y: `${y}`, width: "4", height: `${height}`, rx: "1", opacity: `${0.55 + n * 0.15}` }),
  );
  return svg("svg", { viewBox: "0 0 32 32", "aria-hidden": "true", class: kind }, svg("rect", { width: "32", height: "32", rx: "8", class: "plate" }), ...bars);
}
