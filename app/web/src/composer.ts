// Where the customer writes: text, and files that are picked, dropped or pasted and go up while they write.

import { Refused } from "./api";
import { button, fill, h, icon } from "./dom";
import { dropBytes, keepBytes, MOST_BYTES, MOST_FILES, slim, TAKEN } from "./files";
import { say, size } from "./format";
import { reason } from "./refusals";
import { texts } from "./texts";
import { newId, type UnsentFile } from "./who";

export interface Sends {
  send(text: string, files: UnsentFile[]): void;
  upload(name: string, file: Blob, progress: (share: number) => void): Promise<string>;
  editLast(): void;
  announce(text: string): void;
}

interface Picked extends UnsentFile {
  row: HTMLElement;
  content: Blob;
  /** Uploaded, or given up on for now. */
  settled: Promise<void>;
  /** Refused for good: only taking it out helps. */
  bad?: boolean;
}

export class Composer {
  readonly input = h("textarea", { id: "compose", rows: "1", placeholder: texts.placeholder, "aria-describedby": "compose-keys", enterkeyhint: "send" });
  readonly element: HTMLElement;
  private readonly tray = h("ul", { class: "tray", "aria-label": texts.files, hidden: true });
  private readonly note = h("p", { class: "tray-note", hidden: true });
  private readonly pick = h("input", { type: "file", multiple: true, accept: TAKEN, class: "hidden", tabindex: "-1", "aria-hidden": "true" });
  private readonly form: HTMLFormElement;
  private picked: Picked[] = [];
  private waiting = false;

  constructor(private readonly sends: Sends) {
    const clip = h("button", { type: "button", class: "clip", "aria-label": texts.attach, title: texts.attach }, icon("clip"));
    clip.addEventListener("click", () => this.pick.click());
    this.pick.addEventListener("change", () => {
      this.add([...(this.pick.files ?? [])]);
      this.pick.value = "";
    });
    this.form = h(
      "form",
      { class: "composer", part: "composer" },
      clip,
      this.pick,
      h("label", { for: "compose", class: "hidden" }, texts.compose),
      this.input,
      h("button", { type: "submit", class: "send", "aria-label": texts.send }, icon("send")),
    );
    this.element = h("div", { class: "compose" }, this.tray, this.note, this.form);
    this.listen();
  }

  get value(): string {
    return this.input.value;
  }

  set value(text: string) {
    this.input.value = text;
    this.grow();
  }

  /** Read-only: who speaks is not known any more. */
  lock(on: boolean): void {
    for (const each of this.form.querySelectorAll<HTMLButtonElement>("button, textarea")) each.disabled = on;
  }

  /** Files dropped anywhere on `area` are taken. */
  takeDrops(area: HTMLElement): void {
    const veil = h("div", { class: "veil", hidden: true, "aria-hidden": "true" }, texts.drop);
    area.append(veil);
    const files = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    area.addEventListener("dragover", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      veil.hidden = false;
    });
    area.addEventListener("dragleave", (event) => {
      if (!area.contains(event.relatedTarget as Node | null)) veil.hidden = true;
    });
    area.addEventListener("drop", (event) => {
      veil.hidden = true;
      if (!files(event)) return;
      event.preventDefault();
      this.add([...event.dataTransfer!.files]);
    });
  }

  add(files: File[]): void {
    const room = MOST_FILES - this.picked.length;
    if (files.length > room) this.say(texts.tooMany);
    for (const file of files.slice(0, room)) this.take(file);
  }

  private listen(): void {
    this.input.addEventListener("input", () => this.grow());
    this.input.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      this.add(files);
    });
    this.input.addEventListener("keydown", (key) => {
      // While an input method composes a character, Enter belongs to it.
      if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
        key.preventDefault();
        this.form.requestSubmit();
      } else if (key.key === "ArrowUp" && (key.ctrlKey || key.metaKey) && !this.value) {
        key.preventDefault();
        this.sends.editLast();
      }
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
  }

  /** Waits for files on their way up: a message goes with all of its files, or with those that failed kept. */
  private async submit(): Promise<void> {
    if (this.waiting) return;
    this.waiting = true;
    await Promise.all(this.picked.map((file) => file.settled));
    this.waiting = false;
    const text = this.value.trim();
    const files = this.picked.filter((file) => !file.bad);
    if (!text && !files.length) return;
    this.value = "";
    this.picked = [];
    fill(this.tray);
    this.show();
    this.sends.send(text, files.map(({ key, name, type, size, id }) => ({ key, name, type, size, ...(id ? { id } : {}) })));
  }

  private take(file: File): void {
    const name = file.name || "image.png";
    const one: Picked = { key: newId(), name, type: file.type, size: file.size, content: file, row: h("li"), settled: Promise.resolve() };
    this.picked.push(one); // in the order they were picked, however long each takes
    this.tray.append(one.row);
    this.show();
    one.settled = this.prepare(one, file);
  }

  private async prepare(one: Picked, file: File): Promise<void> {
    one.content = await slim(file);
    one.size = one.content.size;
    if (one.size > MOST_BYTES) {
      this.remove(one);
      return this.say(say(texts.tooLarge, { name: one.name }));
    }
    await keepBytes(one.key, one.content);
    if (this.picked.includes(one)) await this.upload(one);
  }

  private async upload(one: Picked): Promise<void> {
    this.draw(one, say(texts.uploading, { percent: 0 }));
    try {
      one.id = await this.sends.upload(one.name, one.content, (share) =>
        this.draw(one, say(texts.uploading, { percent: Math.round(share * 100) }), share),
      );
      this.draw(one, texts.uploaded);
      this.sends.announce(`${one.name}: ${texts.uploaded}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      one.bad = [413, 415, 422].includes(error.status);
      const why = this.why(error, one);
      this.draw(one, why, 0, true);
      this.sends.announce(`${one.name}: ${why}`);
    }
  }

  private why(error: Refused, one: Picked): string {
    if (error.status === 413) return say(texts.tooLarge, { name: one.name });
    return one.bad || error.status === 429 ? reason(error, texts.badFile) : texts.uploadFailed;
  }

  private draw(one: Picked, state: string, share = 1, failed = false): void {
    const remove = h("button", { type: "button", class: "plain", "aria-label": say(texts.remove, { name: one.name }) }, icon("close"));
    remove.addEventListener("click", () => {
      this.remove(one);
      this.input.focus();
    });
    const again = failed && !one.bad ? button(texts.retry, "small", () => (one.settled = this.upload(one))) : null;
    again?.setAttribute("aria-label", say(texts.uploadAgain, { name: one.name }));
    const meter = one.id || failed ? null : h("progress", { max: "1", value: String(share), "aria-label": one.name });
    fill(
      one.row,
      icon(failed ? "wrong" : "file"),
      h("span", { class: "tray-name" }, one.name, h("small", { "data-tone": failed ? "bad" : null }, `${size(one.size)} · ${state}`), meter),
      again,
      remove,
    );
  }

  private remove(one: Picked): void {
    this.picked = this.picked.filter((other) => other !== one);
    one.row.remove();
    void dropBytes(one.key);
    this.show();
  }

  private show(): void {
    this.tray.hidden = !this.picked.length;
    this.note.hidden = !this.picked.some((file) => file.type.startsWith("image/"));
    this.note.textContent = texts.attachNote;
  }

  private say(text: string): void {
    this.note.hidden = false;
    this.note.textContent = text;
    this.sends.announce(text);
  }

  private grow(): void {
    this.input.rows = 1;
    this.input.rows = Math.min(8, Math.max(1, Math.floor(this.input.scrollHeight / 24)));
  }
}
