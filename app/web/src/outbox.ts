// What was written and not yet acknowledged: kept across reloads, sent in order, each once by its own id.
// The kept queue is the truth, so that two tabs show and send the same.

import { openConversation, Refused, sendMessage, upload } from "./api";
import { bytes, dropBytes } from "./files";
import { reason } from "./refusals";
import { texts } from "./texts";
import { conversation as talked, dropUnsent, isKept, isUnsent, keepUnsent, NEW, newId, owner, type Unsent, type UnsentFile, unsent } from "./who";

const PAUSES_S = [1, 2, 4, 8, 15];

interface Hears {
  opened(conversation: string): void;
  changed(message: Unsent): void;
  sent(id: string): void;
  gone(id: string): void;
  stuck(waiting: string[], error: Refused, conversation: string | null): void;
  flowing(): void;
}

export class Outbox {
  private running = false;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly shown = new Set<string>();
  private readonly off = new AbortController();

  constructor(
    private readonly page: () => string,
    private readonly on: Hears,
  ) {
    this.look();
    addEventListener("online", () => this.retry(), { signal: this.off.signal });
    addEventListener("storage", ({ key }) => isUnsent(key) && this.look(), {
      signal: this.off.signal,
    });
  }

  put(text: string, files: UnsentFile[]): void {
    const after = Date.parse(this.last()?.at ?? "") || 0;
    const at = new Date(Math.max(Date.now(), after + 1)).toISOString(); // they go in the order of their times
    const message: Unsent = { id: newId(), text, at, ...(files.length ? { files } : {}) };
    keepUnsent(message);
    this.look();
    this.retry();
  }

  take(id: string): void {
    dropUnsent(id);
    this.shown.delete(id);
  }

  /** The newest message that is still here, for a second thought. */
  last(): Unsent | undefined {
    return unsent().at(-1);
  }

  retry(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.send()); // not at once: it may be asked for from within `send`
  }

  close(): void {
    clearTimeout(this.timer);
    this.off.abort();
  }

  /** Shows the queue as it is kept, whichever tab changed it. */
  private look(): void {
    const queue = unsent();
    for (const message of queue) {
      this.shown.add(message.id);
      this.on.changed(message);
    }
    this.drop(queue);
  }

  /** What is not in the queue any more was sent by somebody else. What is, stays as it is shown: it was heard. */
  private drop(queue: readonly Unsent[]): void {
    for (const id of this.shown) {
      if (queue.some((message) => message.id === id)) continue;
      this.shown.delete(id);
      this.on.gone(id);
    }
  }

  private async send(): Promise<void> {
    if (this.running || this.off.signal.aborted) return;
    this.running = true;
    try {
      // One tab sends at a time. Where the browser has no locks, the ids keep twins apart.
      if (navigator.locks) await navigator.locks.request(`stepfour.outbox.${owner()}`, () => this.sendAll());
      else await this.sendAll();
    } finally {
      this.running = false;
    }
  }

  private async sendAll(): Promise<void> {
    let conversation: string | null = null;
    const whose = owner();
    this.drop(unsent()); // whoever had the turn before us may have sent some
    try {
      for (let next = this.next(); next && !this.off.signal.aborted; next = this.next()) {
        conversation = await openConversation(this.page());
        // Somebody signed in meanwhile: what was written waits for its writer, and for the outbox of now.
        if (this.off.signal.aborted || owner() !== whose) return;
        this.on.opened(conversation);
        await this.sendOne(conversation, next);
        this.tries = 0;
        this.on.flowing();
      }
      const begun = talked();
      if (!conversation && begun && begun !== NEW && !this.off.signal.aborted) this.on.opened(begun); // and begun the conversation
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.passing) {
        const pause = Math.max(PAUSES_S[Math.min(this.tries++, PAUSES_S.length - 1)]! * (0.75 + Math.random() / 2), error.retryAfterS);
        this.timer = setTimeout(() => void this.send(), pause * 1000);
      }
      this.on.stuck(unsent().filter((m) => !m.refused).map((m) => m.id), error, conversation);
    }
  }

  private async sendOne(conversation: string, message: Unsent): Promise<void> {
    try {
      const attachments = await this.uploaded(conversation, message);
      const page = this.page().slice(0, 2000);
      await sendMessage(conversation, {
        client_message_id: message.id,
        text: message.text,
        ...(page ? { page } : {}),
        ...(attachments.length ? { attachments } : {}),
      });
      this.take(message.id);
      for (const file of message.files ?? []) void dropBytes(file.key);
      this.on.sent(message.id);
    } catch (error) {
      if (!(error instanceof Refused) || ![409, 413, 415, 422].includes(error.status)) throw error;
      // Sending the same again would be refused again: the writer decides what to do.
      const tooLong = error.code === "too_long" && !message.files;
      const why = tooLong ? texts.tooLong : reason(error, error.status === 415 ? texts.badFile : texts.notUsable);
      this.change({ ...message, refused: why });
    }
  }

  /** Ids of its files; those that never arrived are uploaded now. */
  private async uploaded(conversation: string, message: Unsent): Promise<string[]> {
    const files: UnsentFile[] = [];
    for (const file of message.files ?? []) {
      if (file.id) files.push(file);
      else {
        const kept = await bytes(file.key);
        if (kept) files.push({ ...file, id: (await upload(conversation, file.name, kept, () => undefined)).id });
      }
    }
    if (message.files) this.change({ ...message, files }, false);
    return files.map((file) => file.id!);
  }

  private change(message: Unsent, show = true): void {
    if (!isKept(message.id)) return; // taken out meanwhile
    keepUnsent(message);
    if (show) this.on.changed(message);
  }

  private next(): Unsent | undefined {
    return unsent().find((message) => !message.refused);
  }
}
