/** The way to the server: opens a socket, opens it again when it is lost, and knows when not to. */

/**
 * @typedef {import("./room.js").Frame} Frame
 * @typedef {"connecting" | "open" | "waiting" | "offline" | "busy" | "elsewhere" | "lost" | "over"} Phase
 *   `elsewhere`: another window has the session; `lost`: the server does not know it; `over`: it has ended
 *
 * @typedef {object} Options
 * @property {() => import("./arrival.js").Line} connect  opens a socket for what comes after the last frame that was taken
 * @property {string} health  an address that answers while the server can be reached
 * @property {(frame: Frame, age: number) => void} onFrame  with the milliseconds since it came
 * @property {(phase: Phase) => void} onPhase
 */

const FIRST_DELAY = 400;
const LONGEST_DELAY = 8000;
const BUSY_DELAY = 5000;
const GREETING_MOST = 10_000;
const SILENCE_MOST = 25_000;
const PROBE_MOST = 5000;

/**
 * Milliseconds to wait before a further try, spread so that a restarted server is not met by all at once.
 * @param {number} attempt  0, 1, 2 …
 * @param {number} chance  in [0, 1)
 */
export function delay(attempt, chance) {
  return Math.min(FIRST_DELAY * 2 ** attempt, LONGEST_DELAY) * (0.75 + chance / 2);
}

/**
 * The frames that came as one.
 * @param {Frame | { type: "batch", frames: Frame[] }} frame
 * @returns {Frame[]}
 */
export function unpacked(frame) {
  return frame.type === "batch" ? frame.frames : [frame];
}

/**
 * What a closed socket means.
 * @param {number} code
 * @returns {Phase}
 */
export function phaseAfter(code) {
  switch (code) {
    case 1008:
      return "lost";
    case 1013:
      return "busy";
    case 4001:
      return "elsewhere";
    default:
      return "waiting";
  }
}

export class Connection {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Phase} */
  #phase = "connecting";
  #attempt = 0;
  #timer = 0;
  #heard = 0;

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    addEventListener("offline", () => this.#cut());
    addEventListener("online", () => this.#wake());
    addEventListener("pageshow", (event) => event.persisted && this.#wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake());
    setInterval(() => this.#listen(), SILENCE_MOST);
  }

  /** Open a socket, and drop the one there is. */
  open() {
    this.#drop();
    this.#become("connecting");
    const { socket, came } = this.options.connect();
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#failed("waiting"), GREETING_MOST);
    socket.onmessage = ({ data, timeStamp }) => {
      const age = Math.max(0, performance.now() - timeStamp);
      unpacked(JSON.parse(data)).forEach((frame) => this.#take(frame, age));
    };
    socket.onclose = (event) => this.#failed(phaseAfter(event.code));
    came.forEach((event) => socket.dispatchEvent(event));
  }

  /** The session has ended: nothing is left to connect to. */
  finish() {
    this.#drop();
    this.#become("over");
  }

  /**
   * @param {object} frame
   * @returns {boolean}  whether it went out; not whether it arrived
   */
  send(frame) {
    if (this.#phase !== "open" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /**
   * @param {Frame} frame
   * @param {number} age
   */
  #take(frame, age) {
    this.#heard = Date.now();
    if (frame.type === "hello") {
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#become("open");
    }
    this.options.onFrame(frame, age);
  }

  /** @param {Phase} phase */
  #failed(phase) {
    this.#drop();
    if (phase === "waiting" && !navigator.onLine) phase = "offline";
    this.#become(phase);
    if (phase === "lost" || phase === "elsewhere" || phase === "over") return;
    const wait = phase === "busy" ? BUSY_DELAY : delay(this.#attempt++, Math.random());
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #cut() {
    if (this.#wanted()) this.#failed("offline");
  }

  #wake() {
    if (!this.#wanted()) return;
    if (this.#phase === "open") void this.#probe();
    else this.open();
  }

  #listen() {
    if (this.#phase === "open" && !document.hidden && Date.now() - this.#heard > SILENCE_MOST) void this.#probe();
  }

  // a socket over a dead network stays open for minutes; a small request tells at once
  async #probe() {
    const socket = this.#socket;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), PROBE_MOST);
    try {
      await fetch(this.options.health, { cache: "no-store", signal: late.signal });
      this.#heard = Date.now();
    } catch {
      if (this.#socket === socket && this.#phase === "open") this.#failed("waiting");
    } finally {
      clearTimeout(timer);
    }
  }

  #wanted() {
    return this.#phase !== "lost" && this.#phase !== "elsewhere" && this.#phase !== "over";
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** @param {Phase} phase */
  #become(phase) {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.options.onPhase(phase);
  }
}
