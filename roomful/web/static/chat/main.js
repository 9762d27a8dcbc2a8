/** Where the page begins: the words, the token, the room. */

import { render } from "preact";
import { effect, signal } from "@preact/signals";

import { asksName, hasPages, known, start, token } from "./arrival.js";
import { Session } from "./session.js";
import { keep, recall } from "./storage.js";
import { Entry } from "./view/entry.js";
import { html } from "./view/html.js";
import { Room } from "./view/room.js";
import { wordsOf } from "./words.js";

/** @typedef {import("./messages/en.js").Key} Key */

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const language = document.documentElement.lang;
const { catalogue } = await import(`./messages/${language}.js`);
const words = wordsOf(language, catalogue, { locale: navigator.language });
const base = document.baseURI;

/** @type {Readonly<Record<string, Key>>} */
const REASONS = {
  too_early: "study_too_early",
  too_late: "study_too_late",
  paused: "study_paused",
  quota_full: "study_complete",
  second: "taken_part",
};

/**
 * @param {import("./arrival.js").Answer} answer
 * @param {boolean} named
 * @returns {Key}
 */
function faultOf({ status, reason = "" }, named) {
  const told = REASONS[reason];
  if (told !== undefined) return told;
  switch (status) {
    case 401:
      return "token_wrong";
    case 403:
      return "token_refused";
    case 409:
      return "places_taken";
    case 410:
      return "token_used";
    case 422:
      return named ? "name_wrong" : "token_wrong";
    case 429:
      return "starts_many";
    default:
      return "server_away";
  }
}

/**
 * @param {string} token
 * @param {Key | null} fault
 */
function ask(token, fault) {
  document.title = words.say("join_title");
  render(html`<${Entry} key=${fault} words=${words} token=${token} asksName=${asksName} fault=${fault} onJoin=${join} />`, root);
}

/**
 * @param {import("./arrival.js").Ticket} ticket
 * @returns {Promise<Key | null>}
 */
async function join(ticket) {
  const answer = await start(ticket);
  if (answer.session_id === undefined) return faultOf(answer, ticket.name !== null);
  // so that a reload, or the browser after a restart, comes back here
  history.replaceState(null, "", `?${new URLSearchParams({ token: ticket.token })}`);
  if (hasPages) {
    location.assign(pageOf(answer.session_id));
    return null;
  }
  enter(answer.session_id, ticket.token);
  return null;
}

/** @param {string} id */
function pageOf(id) {
  return new URL(`session/${encodeURIComponent(id)}`, base);
}

/**
 * @param {string} id
 * @param {string} token
 */
function enter(id, token) {
  const session = new Session(id, base);
  const replied = recall(`${id}:replying`);
  const fine = !matchMedia("(pointer: coarse)").matches;
  /** @type {import("./view/html.js").Page} */
  const page = {
    words,
    session,
    sheet: signal(null),
    replying: signal(typeof replied === "string" ? replied : null),
    notice: signal(""),
    enterSends: signal(recall("enter_sends") === null ? fine : recall("enter_sends") === true),
    target: signal(null),
  };
  effect(() => keep("enter_sends", page.enterSends.value));
  effect(() => titled(session));
  effect(() => {
    if (session.phase.value !== "lost") return;
    keep(`token:${token}`, null);
    // there is a page to be filled in first, or it says what else is the matter
    if (hasPages) return location.replace(pageOf(id));
    ask(token, "link_lost");
  });
  watchAttention(session);
  render(html`<${Room} page=${page} />`, root);
  session.open();
}

/** @param {Session} session */
function titled(session) {
  const { group, unseen } = session.room.value;
  const name = group?.name ?? words.say("connecting");
  document.title = unseen > 0 ? `(${unseen}) ${name}` : name;
}

/** @param {Session} session */
function watchAttention(session) {
  /** @param {import("./activity.js").What} what */
  const note = (what) => () => session.note({ type: "change", what, at: Date.now() });
  document.addEventListener("visibilitychange", () => note(document.hidden ? "hidden" : "visible")());
  addEventListener("focus", note("focus"));
  addEventListener("blur", note("blur"));
  note(document.hidden ? "hidden" : "visible")();
}

if (known !== null) enter(known, token);
else if (token === "" || asksName) ask(token, null);
else {
  const fault = await join({ token, name: null });
  if (fault !== null) ask(token, fault);
}
