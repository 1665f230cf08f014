// The line that says what is being done right now, from the moment of sending on.

import { fill, h } from "./dom";
import type { Payloads } from "./events";
import { texts } from "./texts";

const PATIENCE_MS = 20_000;

export class Working {
  readonly element = h("p", { class: "working", hidden: true, "aria-hidden": "true" });
  private readonly tasks = new Map<string, string>();
  private working = false;
  private sending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  get shown(): boolean {
    return !this.element.hidden;
  }

  /** Something was sent, and nothing is heard of it yet. */
  sent(on: boolean): void {
    this.sending = on;
    clearTimeout(this.timer);
    if (on) this.timer = setTimeout(() => this.sent(false), PATIENCE_MS);
    this.draw();
  }

  busy(on: boolean): void {
    this.working = on;
    if (!on) this.tasks.clear();
    this.sent(false);
  }

  answered(): void {
    this.tasks.clear();
    this.sent(false);
  }

  task(task: Payloads["task"], live: boolean): void {
    const key = `${task.turn} ${task.task}`;
    if (task.state === "in_progress") this.tasks.set(key, task.title);
    else this.tasks.delete(key);
    if (live) this.draw();
  }

  private draw(): void {
    const title = [...this.tasks.values()].at(-1);
    this.element.hidden = !this.working && !this.sending && !title;
    if (!this.element.hidden) fill(this.element, h("span", { class: "dots" }, h("i"), h("i"), h("i")), title ?? texts.working);
  }
}
