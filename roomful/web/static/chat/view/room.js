/** The room as a whole. */

import { useEffect, useRef, useState } from "preact/hooks";

import { GroupPicture } from "./avatar.js";
import { Composer } from "./composer.js";
import { html, PageContext, usePage } from "./html.js";
import { Icon } from "./icons.js";
import { Messages, Typing } from "./messages.js";
import { Sheets } from "./sheets.js";

// read one by one up to this many; more at once are only counted
const READ_OUT = 4;

/** @param {{ page: import("./html.js").Page }} props */
export function Room({ page }) {
  const over = page.session.end.value !== null;
  return html`<${PageContext.Provider} value=${page}>
    <main class="room">
      <${Header} />
      <${Banner} />
      <${Messages} />
      ${over ? html`<${End} />` : html`<${Typing} /><${Composer} />`}
      <${Notice} />
      <${Announcer} />
      <${Sheets} />
    </main>
  <//>`;
}

function Header() {
  const { words, session, sheet } = usePage();
  const { group, members } = session.room.value;
  if (group === null) return html`<header class="header"><h1 class="hidden">${words.say("connecting")}</h1></header>`;
  const names = words.list([...members, words.say("you_among")]);
  /** @param {MouseEvent & { currentTarget: HTMLElement }} event */
  const open = (event) => {
    const { right, bottom } = event.currentTarget.getBoundingClientRect();
    sheet.value = { kind: "options", x: right, y: bottom };
  };
  return html`<header class="header">
    <button type="button" class="title" onClick=${() => (sheet.value = { kind: "info" })} aria-label=${`${group.name}: ${words.say("group_info")}`}>
      <${GroupPicture} picture=${group.picture} />
      <span class="title-text">
        <h1><bdi>${group.name}</bdi></h1>
        <span class="title-members">${names}</span>
      </span>
    </button>
    <button type="button" class="plain" aria-label=${words.say("menu")} aria-haspopup="dialog" onClick=${open}><${Icon} name="dots" /></button>
  </header>`;
}

/** What is wrong with the connection, in a line that is only there when something is. */
function Banner() {
  const { words, session } = usePage();
  const phase = session.phase.value;
  const [late, setLate] = useState(false);
  const trouble = phase !== "open" && phase !== "over" && session.end.value === null;
  // a connection that takes a moment is no news
  useEffect(() => {
    const timer = setTimeout(() => setLate(trouble), trouble && phase === "connecting" ? 700 : 0);
    return () => clearTimeout(timer);
  }, [trouble, phase]);
  const shown = trouble && (late || phase === "offline" || phase === "elsewhere");
  return html`<div class=${shown ? `banner ${phase}` : "banner quiet"} role="status">
    ${shown && html`<span>${words.say(bannerKey(phase, session.room.value.group !== null))}</span>`}
    ${shown && phase === "elsewhere" && html`<button type="button" onClick=${() => session.open()}>${words.say("use_here")}</button>`}
  </div>`;
}

/**
 * @param {import("../connection.js").Phase} phase
 * @param {boolean} before  whether there has been a connection
 */
function bannerKey(phase, before) {
  switch (phase) {
    case "offline":
    case "busy":
    case "elsewhere":
      return phase;
    default:
      return before ? "reconnecting" : "connecting";
  }
}

/** The end, and where to go next. */
function End() {
  const { words, session } = usePage();
  const end = session.end.value;
  const unsent = session.outbox.value.length;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  if (end === null) return null;
  return html`<section class="end" aria-labelledby="end-title">
    <h2 id="end-title" ref=${heading} tabindex="-1">${words.say("ended")}</h2>
    <p dir="auto">${end.text ?? words.say(endKey(end.reason))}</p>
    ${end.code !== null && html`<p class="code">${words.say("ended_code")} <code dir="ltr">${end.code}</code></p>`}
    ${unsent > 0 && html`<p class="unsent-count">${words.say("ended_unsent", { count: unsent })}</p>`}
    ${end.url !== null && html`<a class="continue" href=${end.url} rel="noreferrer">${words.say("continue")}</a>`}
  </section>`;
}

/** @param {string} reason */
function endKey(reason) {
  switch (reason) {
    case "duration_expired":
      return "ended_time";
    case "participant_left":
      return "ended_left";
    case "participant_withdrew":
      return "ended_withdrew";
    case "websocket_disconnect":
      return "ended_away";
    default:
      return "ended_other";
  }
}

/** A short sentence that goes away by itself. */
function Notice() {
  const { words, session, notice } = usePage();
  const text = notice.value;
  const trouble = session.room.value.trouble;
  useEffect(() => {
    if (trouble !== null) notice.value = words.say("trouble");
  }, [trouble]);
  useEffect(() => {
    const timer = setTimeout(() => (notice.value = ""), 5000);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<div class="notice" role="status">${text !== "" && html`<span>${text}</span>`}</div>`;
}

/** Reads out what others say, each message once, after what is being read. */
function Announcer() {
  const { words, session } = usePage();
  const heard = session.heard.value;
  const lines =
    heard.length > READ_OUT
      ? [words.say("new_messages", { count: heard.length })]
      : heard.map((message) => words.say("announce", { name: message.sender, text: message.content }));
  return html`<div class="hidden" role="log" aria-live="polite" aria-relevant="additions">
    ${lines.map((line, index) => html`<p key=${`${heard[index]?.message_id} ${heard.length}`}>${line}</p>`)}
  </div>`;
}
