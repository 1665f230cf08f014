// What was written and not yet acknowledged: kept across reloads, sent in order, each once by its own id.

import { Refused, openConversation, sendMessage } from "./api";
import { keepUnsent, type Unsent, unsent } from "./identity";
import { texts } from "./texts";

const PAUSES_S = [1, 2, 4, 8, 15];

export class Outbox {
  private queue: Unsent[] = unsent();
  private running = false;
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly on: {
      opened: (conversation: string) => void;
      changed: (message: Unsent) => void;
      sent: (id: string) => void;
      stuck: (waiting: string[], error: Refused, conversation: string | null) => void;
      flowing: () => void;
    },
  ) {
    for (const message of this.queue) on.changed(message);
    addEventListener("online", () => this.retry());
  }

  put(text: string): void {
    const message = { id: newId(), text, at: new Date().toISOString() };
    this.keep([...this.queue, message]);
    this.on.changed(message);
    void this.send();
  }

  take(id: string): void {
    this.keep(this.queue.filter((message) => message.id !== id));
  }

  retry(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.send()); // not at once: it may be asked for from within `send`
  }

  private async send(): Promise<void> {
    if (this.running) return;
    this.running = true;
    let conversation: string | null = null;
    try {
      for (let next = this.next(); next; next = this.next()) {
        conversation = await openConversation();
        this.on.opened(conversation);
        await this.sendOne(conversation, next);
        this.tries = 0;
        this.on.flowing();
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.passing) {
        const pause = PAUSES_S[Math.min(this.tries++, PAUSES_S.length - 1)]! * (750 + Math.random() * 500);
        this.timer = setTimeout(() => void this.send(), pause);
      }
      this.on.stuck(this.queue.filter((m) => !m.refused).map((m) => m.id), error, conversation);
    } finally {
      this.running = false;
    }
  }

  private async sendOne(conversation: string, message: Unsent): Promise<void> {
    try {
      await sendMessage(conversation, message.id, message.text);
      this.take(message.id);
      this.on.sent(message.id);
    } catch (error) {
      if (!(error instanceof Refused) || ![409, 413, 422].includes(error.status)) throw error;
      // Sending the same again would be refused again: the writer decides what to do.
      const refused = { ...message, refused: error.code === "too_long" ? texts.tooLong : texts.notUsable };
      this.keep(this.queue.map((m) => (m.id === message.id ? refused : m)));
      this.on.changed(refused);
    }
  }

  private next(): Unsent | undefined {
    return this.queue.find((message) => !message.refused);
  }

  private keep(queue: Unsent[]): void {
    this.queue = queue;
    keepUnsent(queue);
  }
}

function newId(): string {
  // crypto.randomUUID is missing on plain http addresses other than localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
