// What of the conversation is in view: who reads further up is left there.

import { h } from "./dom";

export class View {
  readonly element: HTMLElement;
  /** Where we scrolled to ourselves. */
  private placed = -1;
  private atEnd = false;
  // What was the end stays in view when something below takes room.
  private readonly room = new ResizeObserver(() => this.atEnd && this.unmoved() && this.toEnd());

  constructor(...inner: Node[]) {
    this.element = h("div", { class: "scroller" }, ...inner);
    this.room.observe(this.element);
  }

  close(): void {
    this.room.disconnect();
  }

  follows(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 80 || this.unmoved();
  }

  toEnd(): void {
    this.to(this.element.scrollHeight);
    this.atEnd = true;
  }

  /** What is taller than the view is read from its first line. */
  toNews(news: Element | null): void {
    if (!news || news.clientHeight <= this.element.clientHeight - 40) return this.toEnd();
    const above = news.getBoundingClientRect().top - this.element.getBoundingClientRect().top;
    this.to(this.element.scrollTop + above - 8);
    this.atEnd = false;
  }

  private unmoved(): boolean {
    return Math.abs(this.element.scrollTop - this.placed) < 2;
  }

  private to(top: number): void {
    this.element.scrollTop = top;
    this.placed = this.element.scrollTop;
  }
}
