/** The conversation: messages in chunks, the place it is read at, and who is typing. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { begins, chunks, newDay, sameItems } from "../rows.js";
import { keep, recall } from "../storage.js";
import { Bubble, PendingBubble } from "./bubble.js";
import { html, usePage } from "./html.js";
import { Icon } from "./icons.js";
import { steps } from "./keys.js";
import { watching } from "./watch.js";

/** @typedef {import("../room.js").Message} Message */

// a finger's width: whoever is this near to the end is reading the end
const NEAR = 48;

/** The list, with the pill that leads to its end. */
export function Messages() {
  const page = usePage();
  const { words, session } = page;
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const [away, setAway] = useState(false);
  const watch = useMemo(() => watching(list, session), [session]);
  const messages = session.messages.value;
  const outbox = session.outbox.value;
  const ended = session.end.value !== null;
  const toEnd = usePlace(list, setAway);
  useTarget(list);
  return html`<div class="conversation">
    <section ref=${list} class="list" tabindex="0" role="region" aria-label=${words.say("conversation")} onKeyDown=${steps(page)}>
      ${messages.length === 0 && outbox.length === 0 && session.room.value.group !== null
        ? html`<p class="empty">${words.say("empty")}</p>`
        : null}
      ${chunks(messages).map(
        (chunk) => html`<${Chunk} key=${chunk.first} before=${chunk.before} messages=${chunk.messages} watch=${watch} />`,
      )}
      ${outbox.map(
        (message, index) => html`<${PendingBubble} key=${message.client_id} message=${message} unsent=${ended}
          first=${index === 0 && !messages[messages.length - 1]?.own} />`,
      )}
    </section>
    ${away && html`<${Pill} onPick=${toEnd} />`}
  </div>`;
}

/** @param {{ before: Message | undefined, messages: Message[], watch: import("./bubble.js").Watch }} props */
function Chunk({ before, messages, watch }) {
  const { session } = usePage();
  const kept = useRef(messages);
  if (!sameItems(kept.current, messages)) kept.current = messages;
  const [shown, setShown] = useState(/** @type {readonly string[]} */ ([]));
  const divider = session.room.value.divider;
  const own = messages.some((message) => message.message_id === divider) ? divider : null;
  const blocked = session.blocked.value;
  const { members } = session.room.value;
  return useMemo(() => {
    const rows = kept.current.map((message, index) => {
      const previous = index === 0 ? before : kept.current[index - 1];
      const hidden = blocked.includes(message.sender) && !shown.includes(message.message_id);
      /** @type {RowProps} */
      const row = { message, previous, divider: own === message.message_id, watch, hide: hidden };
      return html`<${Row} key=${message.message_id} ...${row} onShow=${() => setShown([...shown, message.message_id])} />`;
    });
    return html`<div class="chunk" style=${{ containIntrinsicHeight: `auto ${rows.length * 52}px` }}>${rows}</div>`;
  }, [kept.current, before, own, blocked, shown, members]);
}

/**
 * @typedef {{ message: Message, previous: Message | undefined, divider: boolean, hide: boolean,
 *   watch: import("./bubble.js").Watch }} RowProps
 * @param {RowProps & { onShow: () => void }} props
 */
function Row({ message, previous, divider, hide, watch, onShow }) {
  const { words, session } = usePage();
  const day = newDay(previous, message);
  const first = divider || begins(previous, message);
  return useMemo(
    () => html`
      ${day && html`<p class="day"><span>${words.day(message.at, Date.now())}</span></p>`}
      ${divider && html`<${Divider} />`}
      ${hide
        ? html`<article class="row veiled" data-id=${message.message_id} tabindex="-1">
            <button type="button" tabindex="-1" onClick=${onShow}><${Icon} name="forbid" />${words.say("blocked_message")}</button>
          </article>`
        : html`<${Bubble} message=${message} first=${first} watch=${watch} />`}
    `,
    [message, first, day, divider, hide, session.blocked.value, session.end.value],
  );
}

function Divider() {
  const { words, session } = usePage();
  const from = session.message(session.room.value.divider ?? "")?.seq ?? 0;
  const count = session.messages.value.filter((message) => message.seq >= from && !message.own).length;
  return html`<p class="unread"><span>${words.say("new_messages", { count })}</span></p>`;
}

/** @param {{ onPick: () => void }} props */
function Pill({ onPick }) {
  const { words, session } = usePage();
  const count = session.room.value.unseen;
  const label = count > 0 ? words.say("new_messages", { count }) : words.say("to_the_end");
  return html`<button type="button" class=${count > 0 ? "pill" : "pill round"} aria-label=${label} onClick=${onPick}>
    ${count > 0 && html`<span>${label}</span>`}<${Icon} name="down" />
  </button>`;
}

/**
 * Keeps the place: at the end when it was there, else where it was, also over a reload.
 * @param {import("preact").RefObject<HTMLElement | null>} list
 * @param {(away: boolean) => void} setAway
 * @returns {() => void}  goes to the end
 */
function usePlace(list, setAway) {
  const { session } = usePage();
  const stuck = useRef(true);
  const begun = useRef(false);
  const look = () => {
    const looking = stuck.current && !document.hidden;
    const { looking: before, unseen } = session.room.peek();
    if (looking !== before || (looking && unseen > 0)) session.dispatch({ type: "look", looking });
    setAway(!stuck.current);
  };
  const toEnd = () => {
    stuck.current = true;
    list.current?.scrollTo({ top: list.current.scrollHeight });
    look();
  };
  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const stop = new AbortController();
    const scrolled = () => {
      if (!begun.current) return;
      stuck.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
      keepPlace(session.id, element, stuck.current);
      look();
    };
    const resized = new ResizeObserver(() => stuck.current && element.scrollTo({ top: element.scrollHeight }));
    resized.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true, signal: stop.signal });
    document.addEventListener("visibilitychange", look, { signal: stop.signal });
    return () => (stop.abort(), resized.disconnect());
  }, []);
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const { seq, upto, group } = session.room.peek();
    if (!begun.current && group !== null && seq >= upto) {
      begun.current = true;
      if (firstPlace(session, element)) return;
    }
    const own = session.outbox.peek().length > 0 && session.room.peek().divider === null;
    if (stuck.current || own) toEnd();
  }, [session.messages.value, session.outbox.value, session.blocked.value, session.end.value]);
  return toEnd;
}

/**
 * Go to where this room was left: to what is new, or to the message that was at the top.
 * @param {import("../session.js").Session} session
 * @param {HTMLElement} element
 */
function firstPlace(session, element) {
  const place = recall(`${session.id}:place`);
  const mark = session.room.peek().divider === null ? null : element.querySelector(".unread");
  const left = typeof place === "string" ? element.querySelector(`[data-id="${CSS.escape(place)}"]`) : null;
  const goal = left ?? mark;
  goal?.scrollIntoView({ block: left === null ? "center" : "start" });
  return goal !== null;
}

/**
 * @param {string} id
 * @param {HTMLElement} element
 * @param {boolean} stuck
 */
function keepPlace(id, element, stuck) {
  if (stuck) return keep(`${id}:place`, null);
  const { left, top, width } = element.getBoundingClientRect();
  const row = document.elementFromPoint(left + width / 2, top + 24)?.closest("[data-id]");
  if (row instanceof HTMLElement) keep(`${id}:place`, row.dataset["id"] ?? null);
}

/**
 * Shows the message that a quote leads to.
 * @param {import("preact").RefObject<HTMLElement | null>} list
 */
function useTarget(list) {
  const { target } = usePage();
  useEffect(() =>
    target.subscribe((id) => {
      const row = id === null ? null : list.current?.querySelector(`[data-id="${CSS.escape(id)}"]`);
      if (!(row instanceof HTMLElement)) return;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      row.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
      row.focus({ preventScroll: true });
      row.classList.add("shown");
      setTimeout(() => row.classList.remove("shown"), 1600);
      target.value = null;
    }), []);
}

/** Who is typing. Its line is always there, so that nothing moves when somebody begins. */
export function Typing() {
  const { words, session } = usePage();
  const blocked = session.blocked.value;
  const names = session.typing.value.filter((name) => !blocked.includes(name));
  const text =
    names.length > 3 ? words.say("typing_several") : words.say("typing", { names: words.list(names), count: names.length });
  return html`<p class="typing">
    ${names.length > 0 && html`<span class="dots" aria-hidden="true"><i /><i /><i /></span><span class="typing-text">${text}</span>`}
  </p>`;
}
