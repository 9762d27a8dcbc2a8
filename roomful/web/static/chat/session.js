/** One participant's session: what is true, what is still to be sent, what is to be reported. */

import { computed, signal } from "@preact/signals";

import { NOTHING, EVERY, batch, noted } from "./activity.js";
import { connect } from "./arrival.js";
import { Connection } from "./connection.js";
import { EMPTY, reduce } from "./room.js";
import { keep, outgoing, recall, strings } from "./storage.js";

/**
 * @typedef {import("./room.js").Action} Action
 * @typedef {import("./room.js").Frame} Frame
 * @typedef {{ type: "reaction", message_id: string, emoji: string | null }
 *   | { type: "report", message_id: string, reason: string }
 *   | { type: "block", member: string, blocked: boolean }
 *   | { type: "leave", delete?: boolean }} Errand  what is sent once and not acknowledged
 */

const ACKNOWLEDGED_IN = 10_000;
const TRIES_MOST = 4;
const GATHER = 120;

export class Session {
  room = signal(EMPTY);
  /** @type {import("@preact/signals").Signal<import("./connection.js").Phase>} */
  phase = signal("connecting");
  /** Names and words of the messages to read out, each once. */
  heard = signal(/** @type {readonly import("./room.js").Message[]} */ ([]));

  messages = computed(() => this.room.value.messages);
  outbox = computed(() => this.room.value.outbox);
  typing = computed(() => this.room.value.typing);
  blocked = computed(() => this.room.value.blocked);
  members = computed(() => this.room.value.members);
  end = computed(() => this.room.value.end);

  /** @type {Frame[]} */
  #gathered = [];
  // numbers: of the last frame that came, of the last one there was at the latest hello, and at the first one
  #came = 0;
  #upto = 0;
  #history = -1;
  /** @type {Errand[]} */
  #errands;
  /** @type {string | null} */
  #inFlight = null;
  /** @type {string | null} */
  #tried = null;
  #tries = 0;
  #ackTimer = 0;
  #gatherTimer = 0;
  #skew = 0;
  #activity = NOTHING;

  /**
   * @param {string} id
   * @param {string} base  the address that the server's paths are relative to
   */
  constructor(id, base) {
    this.id = id;
    this.#errands = /** @type {Errand[]} */ (recall(`${id}:errands`) ?? []);
    this.connection = new Connection({
      connect: () => connect(id, this.room.peek().seq),
      health: new URL("health", base).href,
      onFrame: (frame, age) => this.#gather(frame, age),
      onPhase: (phase) => this.#turned(phase),
    });
    setInterval(() => this.#tell(), EVERY);
    addEventListener("pagehide", () => this.#tell(true));
  }

  /** Connect, with what this or another page has left to send. */
  open() {
    this.#restore();
    this.connection.open();
  }

  /** @param {Action} action */
  dispatch(action) {
    const before = this.room.peek();
    const after = reduce(before, action);
    this.room.value = after;
    if (after.outbox !== before.outbox && this.phase.peek() !== "elsewhere") keep(`${this.id}:outbox`, after.outbox);
    if (after.blocked !== before.blocked) keep(`${this.id}:blocked`, after.blocked);
    const abreast = after.seq >= after.upto && after.seq > after.known;
    if (abreast && after.looking && after.unseen === 0 && !document.hidden) this.#knows(after.seq);
    if (after.end !== null && before.end === null) this.connection.finish();
    this.#drain();
  }

  /**
   * @param {string} content
   * @param {string | null} replyTo
   */
  say(content, replyTo) {
    this.dispatch({ type: "say", message: { client_id: uuid(), content, reply_to: replyTo, at: Date.now() } });
  }

  /**
   * @param {string} messageId
   * @param {string | null} emoji
   */
  react(messageId, emoji) {
    this.dispatch({ type: "react", message_id: messageId, emoji });
    this.#run({ type: "reaction", message_id: messageId, emoji });
  }

  /**
   * @param {string} messageId
   * @param {string} reason
   */
  report(messageId, reason) {
    this.#run({ type: "report", message_id: messageId, reason });
  }

  /**
   * @param {string} member
   * @param {boolean} blocked
   */
  block(member, blocked) {
    this.dispatch({ type: "block", member, blocked });
    this.#run({ type: "block", member, blocked });
  }

  /** @param {boolean} erase  whether what was written is to be deleted */
  leave(erase = false) {
    this.#run(erase ? { type: "leave", delete: true } : { type: "leave" });
  }

  /** @param {import("./activity.js").Note} note */
  note(note) {
    const { group, records, end } = this.room.peek();
    if (end === null && (records || group === null)) this.#activity = noted(this.#activity, note);
  }

  /** @param {string} messageId */
  message(messageId) {
    return this.room.peek().messages.find((message) => message.message_id === messageId) ?? null;
  }

  /**
   * @param {Frame} frame
   * @param {number} age
   */
  #gather(frame, age) {
    if (frame.type === "refused" && this.#triesAgain(frame)) return;
    this.#gathered.push(frame);
    if (frame.type === "hello") this.#greeted(frame, age);
    else if ("seq" in frame) this.#came = frame.seq;
    // what was missed comes in one piece; drawing it frame by frame would take seconds
    if (this.#came >= this.#upto) this.#flush();
    else if (this.#gatherTimer === 0) this.#gatherTimer = setTimeout(() => this.#flush(), GATHER);
  }

  /**
   * @param {import("./room.js").Hello} hello
   * @param {number} age
   */
  #greeted(hello, age) {
    this.#skew = Date.parse(hello.now) - (Date.now() - age);
    this.#upto = hello.seq;
    if (this.#history === -1) this.#history = hello.seq;
    // the room around the messages is drawn while they are under way
    this.#flush();
    this.#came = this.room.peek().seq;
  }

  #flush() {
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = 0;
    const frames = this.#gathered;
    if (frames.length === 0) return;
    this.#gathered = [];
    const before = this.room.peek();
    this.dispatch({ type: "frames", frames });
    const { messages, blocked } = this.room.peek();
    const fresh = messages.slice(before.messages.length);
    const heard = fresh.filter((one) => !one.own && one.seq > this.#history && !blocked.includes(one.sender));
    if (heard.length > 0) this.heard.value = heard;
  }

  /**
   * Whether a refusal is of the moment, so that the page tries again by itself.
   * @param {Extract<Frame, { type: "refused" }>} frame
   */
  #triesAgain({ client_id, reason }) {
    if (client_id === undefined || client_id === null || client_id !== this.#inFlight) return false;
    if (reason === "ended") return true;
    const momentary = reason === "closed" || (reason === "too_frequent" && ++this.#tries < TRIES_MOST);
    clearTimeout(this.#ackTimer);
    if (momentary) this.#ackTimer = setTimeout(() => this.#again(), 1000 * (this.#tries + 1));
    return momentary;
  }

  #again() {
    this.#inFlight = null;
    this.#drain();
  }

  // one at a time: were the first of two refused, the second would be in the room before it
  #drain() {
    const [head] = this.room.peek().outbox;
    if (head?.client_id !== this.#inFlight) this.#inFlight = null;
    if (this.phase.peek() !== "open" || this.room.peek().group === null) return;
    if (head !== undefined && this.#inFlight === null) {
      const { client_id, content, reply_to } = head;
      const frame = { type: "user_message", content, client_id, ...(reply_to === null ? {} : { reply_to }) };
      if (this.connection.send(frame)) this.#await(client_id);
    }
    this.#runErrands(head === undefined);
  }

  /** @param {string} clientId */
  #await(clientId) {
    if (clientId !== this.#tried) this.#tries = 0;
    this.#inFlight = this.#tried = clientId;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = setTimeout(() => {
      if (this.#inFlight === clientId && this.phase.peek() === "open") this.connection.open();
    }, ACKNOWLEDGED_IN);
  }

  /** @param {Errand} errand */
  #run(errand) {
    this.#errands.push(errand);
    this.#drain();
    keep(`${this.id}:errands`, this.#errands.length > 0 ? this.#errands : null);
  }

  /** @param {boolean} said  whether all messages are out: whoever leaves has said them before */
  #runErrands(said) {
    const before = this.#errands;
    if (before.length === 0) return;
    this.#errands = before.filter((errand) => (errand.type === "leave" && !said) || !this.connection.send(errand));
    if (this.#errands.length < before.length) keep(`${this.id}:errands`, this.#errands.length > 0 ? this.#errands : null);
  }

  /** @param {import("./connection.js").Phase} phase */
  #turned(phase) {
    this.phase.value = phase;
    if (phase === "open" || phase === "over") return;
    this.#inFlight = null;
    clearTimeout(this.#ackTimer);
    if (this.room.peek().typing.length > 0) this.dispatch({ type: "disconnected" });
  }

  #restore() {
    const known = Number(recall(`${this.id}:known`) ?? 0);
    const outbox = outgoing(recall(`${this.id}:outbox`));
    this.dispatch({ type: "restore", outbox, known, blocked: strings(recall(`${this.id}:blocked`)) });
  }

  /** @param {number} seq */
  #knows(seq) {
    this.room.value = { ...this.room.peek(), known: seq };
    keep(`${this.id}:known`, seq);
  }

  /** @param {boolean} [last] */
  #tell(last = false) {
    const { records, end } = this.room.peek();
    if (this.phase.peek() !== "open" || !records || end !== null) return;
    const { reports, activity } = batch(this.#activity, Date.now(), { skew: this.#skew, last });
    if (reports.every((report) => this.connection.send(report))) this.#activity = activity;
  }
}

/** A random UUID, also where the page does not come over HTTPS and `randomUUID` is missing. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
