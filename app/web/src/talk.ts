// One conversation on one surface: follows its events and wires log, checklist and composer together.

import * as api from "./api";
import { Refused } from "./api";
import { base, framed } from "./base";
import type { Decides } from "./cards";
import { Composer } from "./composer";
import { button, h, icon, refill, rest } from "./dom";
import type { Event, Payloads, Proposed } from "./events";
import { say, time } from "./format";
import { handoffWords } from "./handoff";
import { Log } from "./log";
import type { Reach } from "./messages";
import { Outbox } from "./outbox";
import { reason } from "./refusals";
import { Checklist, type Corrects } from "./steps";
import { texts } from "./texts";
import { View } from "./view";
import * as who from "./who";
import { Working } from "./working";

export interface Host {
  emit(type: string, detail?: Record<string, unknown>): void;
  /** How many of our messages the customer has not seen. */
  unread(n: number): void;
  looking(): boolean;
  restart(): void;
  fresh(): void;
  /** The address of the page the customer has open. */
  page(): string;
}

const BANNER_MS = 5000;
/** What brings something new to read. */
const NEWS: readonly Event["event"][] = ["message.done", "action.proposed", "handoff", "resolution", "error"];

export class Talk implements Reach, Decides, Corrects {
  readonly status = h("p", { class: "status" }, texts.open);
  readonly person = button(texts.person, "person", () => void this.wantPerson(), icon("person"));
  readonly slack = button(texts.slack, "plain", () => void this.linkSlack());
  readonly announcer = h("p", { class: "hidden", role: "status" });
  readonly banner = h("div", { class: "banner", role: "alert", hidden: true });
  readonly log = new Log((message) => this.edit(message), this);
  readonly checklist = new Checklist((text) => this.announce(text), this);
  readonly working = new Working();
  readonly view = new View(h("h2", { class: "hidden" }, texts.log), this.log.element, this.log.draft, this.working.element);
  readonly composer: Composer;
  private readonly outbox: Outbox;
  private readonly off = new AbortController();
  private following: AbortController | null = null;
  private lost: ReturnType<typeof setTimeout> | undefined;
  private restarts = 0;
  private warned: string | null = null;
  private last = 0;
  private unread = 0;
  private personName: string | null = null;

  constructor(private readonly host: Host) {
    this.composer = new Composer({
      send: (text, files) => this.send(text, files),
      upload: async (name, file, progress) => {
        const id = await this.begin();
        return (await api.upload(id, name, file, progress)).id;
      },
      editLast: () => {
        const message = this.outbox.last();
        if (message) this.edit(message);
      },
      announce: (text) => this.announce(text),
    });
    this.outbox = new Outbox(() => host.page(), {
      opened: (id) => this.follow(id),
      changed: (message) => this.log.showUnsent(message),
      sent: (id) => this.log.sent(id),
      // Taken out by another tab: sent, most likely, and then its message is about to come.
      gone: (id) => {
        this.log.sent(id);
        setTimeout(() => this.log.forget(id), BANNER_MS);
      },
      flowing: () => {
        this.restarts = 0;
        this.warn(null);
      },
      stuck: (waiting, error, id) => {
        this.working.sent(false);
        this.log.keepWaiting(waiting);
        this.stuck(error, id, () => this.outbox.retry());
      },
    });
    addEventListener("storage", ({ key }) => this.otherTab(key), { signal: this.off.signal });
  }

  async start(): Promise<void> {
    let id = who.conversation();
    if (!id && who.signed()) {
      try {
        id = await api.findConversation();
        if (id) who.keepConversation(id);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.status === 401) this.stuck(error, null, () => void this.start());
      }
    }
    if (this.off.signal.aborted) return;
    if (id && id !== who.NEW) this.follow(id, true);
    else this.outbox.retry();
  }

  close(): void {
    this.off.abort();
    this.following?.abort();
    this.outbox.close();
    this.checklist.close();
    this.view.close();
    clearTimeout(this.lost);
  }

  // --- what the customer does ---

  send(text: string, files: who.UnsentFile[] = []): void {
    this.outbox.put(text, files);
    const people = ["with_agents", "human_active"].includes(this.status.dataset["status"] ?? "");
    if (!people && navigator.onLine) this.working.sent(true);
    this.view.toEnd();
  }

  file(id: string): Promise<Blob> {
    return api.fetchFile(id);
  }

  async feedback(message: string, helped: boolean): Promise<void> {
    try {
      await api.feedback(this.here(), message, helped);
    } catch (error) {
      this.complain(reason(error));
      throw error;
    }
    this.announce(texts.helpedThanks);
  }

  async decide(proposed: Proposed, decision: "approve" | "reject"): Promise<void> {
    await api.decide(proposed.request, decision, proposed.digest);
  }

  async solved(solved: boolean): Promise<void> {
    await api.solved(this.here(), solved);
  }

  fresh(): void {
    this.host.fresh();
  }

  async lookAgain(): Promise<void> {
    await api.lookAgain(this.here());
  }

  async dispute(step: string): Promise<void> {
    await api.dispute(this.here(), step);
  }

  /** A frame of another site could move our buttons under somebody's pointer: there they lead to our own page. */
  elsewhere(): string | null {
    if (!framed()) return null;
    const token = who.signed();
    return `${base}/${token ? `#token=${token}` : ""}`;
  }

  private here(): string {
    const id = who.conversation();
    if (!id) throw new Refused(404, "no_conversation");
    return id;
  }

  private async begin(): Promise<string> {
    const id = await api.openConversation(this.host.page());
    this.follow(id);
    return id;
  }

  private edit(message: who.Unsent): void {
    this.outbox.take(message.id);
    this.log.forget(message.id);
    this.composer.value = message.text;
    this.composer.input.focus();
  }

  private async wantPerson(): Promise<void> {
    rest(true, [this.person]);
    let id: string | null = null;
    try {
      id = await this.begin();
      await api.askForPerson(id);
      this.warn(null);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.stuck(error, id, () => void this.wantPerson());
    } finally {
      rest(false, [this.person]);
    }
  }

  /** A code by which Slack knows who they are; what they write there proves nothing. */
  private async linkSlack(): Promise<void> {
    rest(true, [this.slack]);
    try {
      const { code, expires_at } = await api.linkCode();
      const words = say(texts.slackCode, { command: `/stepfour link ${code}`, time: time(expires_at) });
      this.log.note(words, "wait", "told").scrollIntoView({ block: "nearest" });
      this.announce(words);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.stuck(error, null, () => void this.linkSlack());
    } finally {
      rest(false, [this.slack]);
    }
  }

  // --- when it does not go on ---

  /** What to do about a refusal: go on as somebody new, sign in again, or try again. */
  private stuck(error: Refused, id: string | null, retry: () => void): void {
    if (error.status === 401 && who.signed()) {
      this.host.emit("identity_expired");
      this.composer.lock(true);
      this.warn(texts.signedOut, texts.goOn, () => {
        who.signOut();
        this.host.restart();
      });
    } else if ([401, 404].includes(error.status) && this.restarts < 3) {
      // The visitor or the conversation is no longer known. Somebody else here may have begun anew already.
      if (who.conversation() === id) this.startAnew(error.status === 401);
      retry();
    } else if (error.status === 0) {
      this.away(retry);
    } else if (error.passing && this.outbox.last()) {
      this.warn(texts.busy); // the outbox sends it again by itself, and not before it may
    } else {
      this.warn(reason(error), texts.retry, retry);
    }
  }

  /** What came of a press, for a while: nothing waits for it. */
  complain(text: string): void {
    this.warn(text);
    setTimeout(() => this.warned === text && this.warn(null), 2 * BANNER_MS);
  }

  /** Said only when it lasts. */
  private away(retry: () => void): void {
    this.lost ??= setTimeout(() => (this.outbox.last() ? this.warn(texts.offline, texts.retry, retry) : this.warn(texts.lost)), BANNER_MS);
  }

  private startAnew(visitorToo: boolean): void {
    this.restarts++;
    if (visitorToo) who.keepVisitor(null);
    who.keepConversation(null);
    this.following?.abort();
    this.following = null;
  }

  private warn(text: string | null, label = "", press: () => void = () => undefined): void {
    clearTimeout(this.lost);
    this.lost = undefined;
    if (text === this.warned) return; // an alert is read out once
    this.warned = text;
    refill(this.banner, this.composer.input);
    this.banner.hidden = text === null;
    if (text === null) return;
    refill(this.banner, this.composer.input, icon("wrong"), h("span", {}, text), label ? button(label, "quiet", press) : null);
    this.host.emit("error", { message: text });
  }

  private announce(text: string): void {
    if (this.announcer.textContent !== text) this.announcer.textContent = text;
  }

  // --- following the conversation ---

  /** `before`: what was said before this page was opened is played back first. */
  private follow(id: string, before = false): void {
    if (this.following) return;
    this.following = new AbortController();
    void this.stream(id, before, this.following.signal);
  }

  private async stream(id: string, before: boolean, stop: AbortSignal): Promise<void> {
    let after = 0;
    let known = 0;
    let failures = 0;
    const connected = (): void => {
      if (failures) this.warn(null);
      failures = 0;
      this.outbox.retry();
    };
    while (!stop.aborted) {
      try {
        if (before && !after) {
          known = (await api.readConversation(id)).seq;
          this.log.replaying(known > 0);
        }
        after = await api.readEvents(id, after, stop, connected, (event) => {
          this.see(id, event, event.id > known);
          if (event.id === known) this.caughtUp(id);
        });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (!error.passing) return stop.aborted ? undefined : this.stuck(error, id, () => this.outbox.retry());
      }
      if (stop.aborted) return;
      this.away(() => this.outbox.retry());
      const pause = Math.min(15, 2 ** Math.min(failures++, 4)) * (500 + Math.random() * 500);
      await new Promise((done) => setTimeout(done, pause));
    }
  }

  private caughtUp(id: string): void {
    this.log.replaying(false);
    this.view.toEnd();
    this.host.emit("ready", { conversation_id: id });
  }

  /** The conversation was left or begun in another tab. */
  private otherTab(key: string | null): void {
    if (key === null) return this.host.restart();
    if (key === `stepfour.seen.${who.conversation()}`) this.count(0);
    if (key !== `stepfour.conversation.${who.owner()}`) return;
    const id = who.conversation();
    if (id && id !== who.NEW && !this.following) this.follow(id, true);
    else if (this.following) this.host.restart();
  }

  /** Everything so far has been looked at. */
  looked(): void {
    const id = who.conversation();
    if (id && this.last) who.keepSeen(id, this.last);
    this.count(0);
  }

  private count(n: number): void {
    if (n === this.unread) return;
    this.unread = n;
    this.host.unread(n);
  }

  private see(id: string, event: Event, live: boolean): void {
    const follows = this.view.follows();
    this.last = event.id;
    try {
      this.show(event, live);
      this.tell(id, event, live);
    } catch (error) {
      console.error(error);
      this.log.note(texts.unreadable, "bad", "wrong");
    }
    if (this.host.looking()) this.looked();
    else if (event.event === "message.done" && event.data.message.role !== "customer" && event.id > who.seen(id)) this.count(this.unread + 1);
    if (live && follows) this.keepUp(event);
  }

  private keepUp(event: Event): void {
    if (NEWS.includes(event.event)) this.view.toNews(this.log.element.lastElementChild);
    else if (event.event === "message.delta" || event.event === "task" || this.working.shown) this.view.toEnd();
  }

  private show(event: Event, live: boolean): void {
    switch (event.event) {
      case "conversation.status":
        return this.showStatus(event.data, live);
      case "task":
        return this.working.task(event.data, live);
      case "message.delta":
        return this.log.write(event.data);
      case "message.reset":
        return this.log.dropDraft(event.data.message);
      case "message.done":
        this.log.show(event.data.message);
        if (event.data.message.role !== "customer") this.working.answered();
        return;
      case "steps":
        return this.checklist.show(event.data, live);
      case "action.proposed":
        return this.log.propose(event.data);
      case "action.state":
        this.log.move(event.data);
        this.checklist.showAction(event.data);
        if (live) this.announce(`${event.data.title}: ${texts[event.data.state]}`);
        return;
      case "handoff":
        return this.showHandoff(event.data);
      case "feedback":
        return this.log.showOpinion(event.data.message, event.data.helped);
      case "resolution":
        return this.log.showSolved(event.data.state);
      case "error":
        return void this.log.note(event.data.message, "bad", "wrong");
    }
  }

  /** The host page hears of it, too. */
  private tell(id: string, event: Event, live: boolean): void {
    if (!live) return;
    const tell = (type: string): void => this.host.emit(type, { conversation_id: id, seq: event.id, ...event.data });
    switch (event.event) {
      case "message.done":
        return tell("message");
      case "steps":
        return tell("step");
      case "action.proposed":
      case "action.state":
        return tell("action");
      case "resolution":
        return tell("resolved");
      case "handoff":
      case "feedback":
      case "error":
        return tell(event.event);
    }
  }

  private showStatus({ status }: Payloads["conversation.status"], live: boolean): void {
    const words = status === "bot_working" ? texts.working : status === "human_active" && this.personName ? say(texts.humanNamed, { name: this.personName }) : texts[status];
    this.status.textContent = words;
    this.status.dataset["status"] = status;
    this.working.busy(status === "bot_working");
    if (status === "with_agents") this.log.teamReads();
    if (status !== "bot_working") this.people(status === "with_agents" || status === "human_active");
    if (live && status === "bot_working") this.announce(texts.working);
  }

  /** Who has a person already needs no button for one. */
  private people(there: boolean): void {
    if (there && this.person.matches(":focus")) this.composer.input.focus();
    this.person.hidden = there;
  }

  private showHandoff(handoff: Payloads["handoff"]): void {
    this.personName = handoff.state === "joined" ? (handoff.name ?? texts.somebody) : null;
    if (this.personName) {
      this.working.sent(false);
      this.status.textContent = say(texts.humanNamed, { name: this.personName });
    }
    const words = handoffWords(handoff);
    this.log.showHandoff(words, handoff.state);
  }
}
