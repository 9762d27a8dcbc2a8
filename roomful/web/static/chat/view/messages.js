/** The conversation: messages in chunks, the place it is read at, and who is typing. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { begins, chunks, nearest, newDay, sameItems } from "../rows.js";
import { keep, recall } from "../storage.js";
import { Bubble, PendingBubble } from "./bubble.js";
import { html, usePage } from "./html.js";
import { Icon } from "./icons.js";
import { steps } from "./keys.js";
import { watching } from "./watch.js";

/** @typedef {import("../room.js").Message} Message */

// a finger's width: whoever is this near to the end is reading the end
const NEAR = 48;

// a guess at a message's height in pixels, for those that are not drawn yet or far from the screen
const HEIGHT = 52;

// milliseconds in which the browser has laid out what a jump has led to
const FRAMES = 100;

// pixels below the top at which a message is looked for: between two there is a gap, and sometimes a day
const DEPTHS = [24, 36, 48, 64, 80];

// how often it is looked for in a place whose rows the browser still has to draw
const LOOKS = 10;

// milliseconds after which the next chunk is drawn even in a page that is never idle
const IDLE_MOST = 200;

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
  const { seq, upto, group } = session.room.value;
  const { parts, drawn, drawAll } = useDrawn(messages);
  const toEnd = usePlace(list, setAway, drawn.size);
  useTarget(list, drawAll);
  return html`<div class="conversation">
    <section ref=${list} class="list" tabindex="0" role="region" aria-label=${words.say("conversation")}
      onKeyDown=${steps(page)} onFocusIn=${drawAll}>
      ${messages.length === 0 && outbox.length === 0 && group !== null && seq >= upto
        ? html`<p class="empty">${words.say("empty")}</p>`
        : null}
      ${parts.map((chunk) =>
        drawn.has(chunk.first)
          ? html`<${Chunk} key=${chunk.first} before=${chunk.before} messages=${chunk.messages} watch=${watch} />`
          : html`<div key=${`later ${chunk.first}`} class="chunk" style=${{ height: `${chunk.messages.length * HEIGHT}px` }} />`,
      )}
      ${outbox.map(
        (message, index) => html`<${PendingBubble} key=${message.client_id} message=${message} unsent=${ended}
          first=${index === 0 && !messages[messages.length - 1]?.own} />`,
      )}
    </section>
    ${away && html`<${Pill} onPick=${toEnd} />`}
  </div>`;
}

/**
 * Which chunks are drawn: at once those where the reader will be, then one at a time, from the end up, whenever the
 * browser is idle. An empty one of about its height holds the place of each that is still to come.
 * @param {readonly Message[]} messages
 */
function useDrawn(messages) {
  const { session } = usePage();
  const place = useMemo(() => recall(`${session.id}:place`), [session]);
  const drawn = useMemo(() => /** @type {Set<string>} */ (new Set()), [session]);
  const [, redraw] = useState(0);
  const parts = useMemo(() => chunks(messages), [messages]);
  const goal = typeof place === "string" ? place : session.room.value.divider;
  if (drawn.size < parts.length) nearest(parts, goal).forEach((chunk) => drawn.add(chunk.first));
  const later = parts.filter((chunk) => !drawn.has(chunk.first));
  /** @param {typeof parts} some */
  const draw = (some) => {
    some.forEach((chunk) => drawn.add(chunk.first));
    if (some.length > 0) redraw(drawn.size);
  };
  useEffect(() => (later.length > 0 ? whenIdle(() => draw(later.slice(-1))) : undefined));
  return { parts, drawn, drawAll: () => draw(later) };
}

/**
 * @param {() => void} act
 * @returns {() => void}  calls it off
 */
function whenIdle(act) {
  if (!("requestIdleCallback" in globalThis)) {
    const timer = setTimeout(act, IDLE_MOST / 10);
    return () => clearTimeout(timer);
  }
  const request = requestIdleCallback(act, { timeout: IDLE_MOST });
  return () => cancelIdleCallback(request);
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
    return html`<div class="chunk" style=${{ containIntrinsicHeight: `auto ${rows.length * HEIGHT}px` }}>${rows}</div>`;
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
 * @param {number} drawn  how much of the conversation is drawn
 * @returns {() => void}  goes to the end
 */
function usePlace(list, setAway, drawn) {
  const { session } = usePage();
  const stuck = useRef(true);
  const begun = useRef(false);
  const look = () => {
    // while the history is still coming nothing of it has been looked at
    if (!begun.current) return;
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
      stuck.current = atEnd(element);
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
      if (firstPlace(session, element)) {
        stuck.current = atEnd(element);
        return;
      }
    }
    const own = session.outbox.peek().length > 0 && session.room.peek().divider === null;
    if (stuck.current || own) toEnd();
  }, [session.messages.value, session.outbox.value, session.blocked.value, session.end.value]);
  useLayoutEffect(() => {
    if (stuck.current) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [drawn]);
  return toEnd;
}

/** @param {HTMLElement} element */
function atEnd(element) {
  return element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
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
 * @param {number} [looks]  how often more it is looked for
 */
function keepPlace(id, element, stuck, looks = LOOKS) {
  if (stuck) return keep(`${id}:place`, null);
  const { left, top, width } = element.getBoundingClientRect();
  for (const depth of DEPTHS) {
    const row = document.elementFromPoint(left + width / 2, top + depth)?.closest("[data-id]");
    if (row instanceof HTMLElement) return keep(`${id}:place`, row.dataset["id"] ?? null);
  }
  // what was far from the screen has its rows some frames later
  if (looks > 0) setTimeout(() => keepPlace(id, element, atEnd(element), looks - 1), FRAMES);
}

/**
 * Shows the message that a quote leads to.
 * @param {import("preact").RefObject<HTMLElement | null>} list
 * @param {() => void} drawAll
 */
function useTarget(list, drawAll) {
  const { target } = usePage();
  const id = target.value;
  useLayoutEffect(() => {
    if (id === null) return;
    const row = list.current?.querySelector(`[data-id="${CSS.escape(id)}"]`);
    if (!(row instanceof HTMLElement)) return drawAll();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    row.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
    row.focus({ preventScroll: true });
    row.classList.add("shown");
    setTimeout(() => row.classList.remove("shown"), 1600);
    target.value = null;
  });
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
