/** Who comes, and what goes to the server for them at once: this runs while the rest of the page is under way. */

import { keep, recall } from "./storage.js";

/**
 * @typedef {{ token: string, name: string | null }} Ticket
 * @typedef {{ status: number, session_id?: string, reason?: string }} Answer  status 0 when nobody answered
 *
 * @typedef {object} Line
 * @property {WebSocket} socket
 * @property {Event[]} came  what came through it before anybody took it: messages, perhaps the close
 */

const PATIENCE = 15_000;

const query = new URLSearchParams(location.search);
const { dataset } = document.documentElement;
export const asksName = dataset["asksName"] !== undefined;
/** Whether there are pages around the chat, which lead to it. */
export const hasPages = dataset["pages"] !== undefined;
export const token = query.get("token")?.trim() ?? "";
const kept = recall(`token:${token}`);
/** The session of whoever has been here, or was given one elsewhere. */
export const known = query.get("session") ?? (typeof kept === "string" ? kept : null);

/** @type {Line | null} */
let waiting = null;
/** @type {Promise<Answer> | null} */
let asked = null;

/**
 * Ask for a session, unless the page has done so by itself. Its socket is opened without waiting for the page.
 * @param {Ticket} ticket
 */
export function start(ticket) {
  const early = ticket.token === token && ticket.name === null ? asked : null;
  asked = null;
  return early ?? ask(ticket);
}

/**
 * The socket that was opened for this address already, or a new one.
 * @param {string} session
 * @param {number} after  the number of the last frame that was taken
 * @returns {Line}
 */
export function connect(session, after) {
  const address = addressOf(session, after);
  const early = waiting;
  waiting = null;
  if (early?.socket.url === address) return early;
  early?.socket.close();
  return opened(address);
}

/**
 * @param {Ticket} ticket
 * @returns {Promise<Answer>}
 */
async function ask({ token, name }) {
  const answer = await post(name === null ? { token } : { token, name });
  if (answer.session_id === undefined) return answer;
  // at once: a demo token would give whoever reloads now another room
  keep(`token:${token}`, answer.session_id);
  if (!hasPages) listen(answer.session_id);
  return answer;
}

/**
 * @param {object} ticket
 * @returns {Promise<Answer>}
 */
async function post(ticket) {
  const headers = { "Content-Type": "application/json" };
  try {
    const url = new URL("session/start", document.baseURI);
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(ticket) });
    return { ...(await response.json()), status: response.status };
  } catch {
    return { status: 0 };
  }
}

/** @param {string} session */
function listen(session) {
  waiting = opened(addressOf(session, 0));
  // nobody may seem to be in the room while their page does not come
  setTimeout(hangUp, PATIENCE);
}

// whoever takes over opens another
function hangUp() {
  waiting?.socket.close();
  waiting = null;
}

/**
 * @param {string} address
 * @returns {Line}
 */
function opened(address) {
  const socket = new WebSocket(address, "roomful.v2");
  /** @type {Event[]} */
  const came = [];
  socket.onmessage = (event) => came.push(event);
  socket.onclose = (event) => came.push(event);
  return { socket, came };
}

/**
 * @param {string} session
 * @param {number} after
 */
function addressOf(session, after) {
  return new URL(`ws/${session}?after=${after}&batches=1`, document.baseURI).href.replace(/^http/, "ws");
}

// over a network that was away in between an open socket may be dead, and would not tell
addEventListener("offline", hangUp);
if (known !== null) listen(known);
else if (token !== "" && !asksName) asked = ask({ token, name: null });
