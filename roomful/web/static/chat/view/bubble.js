/** One message. */

import { useEffect, useRef } from "preact/hooks";

import { tally } from "../room.js";
import { emojiOnly, parts } from "../text.js";
import { Avatar } from "./avatar.js";
import { swipes } from "./gestures.js";
import { colour, html, usePage } from "./html.js";
import { Icon, Ticks } from "./icons.js";

/**
 * @typedef {import("../room.js").Message} Message
 * @typedef {{ observe: (element: Element) => void, unobserve: (element: Element) => void }} Watch
 */

/** @param {{ message: Message, first: boolean, watch: Watch | null }} props */
export function Bubble({ message, first, watch }) {
  const page = usePage();
  const { words, session } = page;
  const row = useRef(/** @type {HTMLElement | null} */ (null));
  const { message_id: id, sender, own } = message;
  useEffect(() => {
    const element = row.current;
    if (element === null) return undefined;
    watch?.observe(element);
    const still = swipes(element, () => session.end.peek() === null && (page.replying.value = id), open);
    return () => {
      watch?.unobserve(element);
      still();
    };
  }, []);
  /** @param {number} x @param {number} y */
  const open = (x, y) => (page.sheet.value = { kind: "menu", id, x, y });
  const members = session.members.value;
  const name = own ? words.say("you") : sender;
  const counts = tally(message, session.blocked.value);
  const side = `row ${own ? "own" : "other"}${first ? " first" : ""}${counts.length > 0 ? " reacted" : ""}`;
  return html`<article ref=${row} class=${side} data-id=${id} tabindex="-1" aria-labelledby=${`n-${id} t-${id}`}>
    ${!own && first && html`<${Avatar} name=${sender} members=${members} picture=${session.room.value.pictures[sender]} />`}
    <div class="bubble">
      <span class=${first && !own ? `name ${colour(members, sender)}` : "hidden"} id=${`n-${id}`}><bdi>${name}</bdi></span>
      ${message.reply_to !== null && html`<${Quote} id=${message.reply_to} jumps />`}
      <${Text} id=${`t-${id}`} message=${message} status=${own ? message.status : null} />
      <${MoreButton} label=${words.say("message_menu", { name })} onOpen=${open} />
    </div>
    ${counts.length > 0 && html`<${Reactions} counts=${counts} id=${id} />`}
  </article>`;
}

/** @param {{ label: string, onOpen: (x: number, y: number) => void }} props */
function MoreButton({ label, onOpen }) {
  /** @param {MouseEvent & { currentTarget: HTMLElement }} event */
  const open = (event) => {
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    onOpen(left, bottom);
  };
  // not a stop of the Tab key in a thousand messages: Enter on the message opens the same menu
  return html`<button type="button" class="more" tabindex="-1" aria-label=${label} onClick=${open}><${Icon} name="down" /></button>`;
}

/** @param {{ id: string, message: { content: string, at: number }, status: import("../room.js").Status | "pending" | "unsent" | null }} props */
export function Text({ id, message, status }) {
  const { words, session } = usePage();
  const { content, at } = message;
  const { you } = session.room.peek();
  const names = [...session.members.value, you, words.say("you")];
  return html`<div class=${emojiOnly(content) ? "text large" : "text"} dir="auto" id=${id}>
    ${parts(content, names).map(drawn)}
    <span class="meta" dir=${words.direction}>
      <time datetime=${new Date(at).toISOString()}>${words.time(at)}</time>
      ${status !== null && html`<${Ticks} status=${status} words=${words} />`}
    </span>
  </div>`;
}

/** @param {import("../text.js").Part} part */
function drawn(part) {
  switch (part.kind) {
    case "text":
      return part.text;
    case "mention":
      return html`<b class="mention"><bdi>${part.text}</bdi></b>`;
    case "link":
      return html`<a href=${part.href} target="_blank" rel="noopener noreferrer nofollow"><bdi>${part.text}</bdi></a>`;
  }
}

/** @param {{ id: string, jumps?: boolean }} props */
export function Quote({ id, jumps = false }) {
  const { words, session, target } = usePage();
  const quoted = session.message(id);
  const hue = quoted === null ? "hue-own" : colour(session.members.value, quoted.sender);
  const hidden = quoted !== null && session.blocked.value.includes(quoted.sender);
  const text = quoted === null ? words.say("reply_gone") : hidden ? words.say("blocked_message") : quoted.content;
  const name = quoted === null ? "" : quoted.own ? words.say("you") : quoted.sender;
  const inside = html`<bdi class="quote-name">${name}</bdi><span class="quote-text" dir="auto">${text}</span>`;
  if (!jumps || quoted === null) return html`<div class=${`quote ${hue}`}>${inside}</div>`;
  return html`<button type="button" tabindex="-1" class=${`quote ${hue}`} onClick=${() => (target.value = id)}>${inside}</button>`;
}

/** @param {{ counts: { emoji: string, senders: string[] }[], id: string }} props */
function Reactions({ counts, id }) {
  const { words, session } = usePage();
  const { you, end } = session.room.value;
  return html`<div class="reactions">
    ${counts.map(({ emoji, senders }) => {
      const mine = senders.includes(you);
      const names = words.list(senders.map((name) => (name === you ? words.say("you") : name)));
      const label = words.say("reactions", { emoji, names });
      return html`<button type="button" key=${emoji} tabindex="-1" disabled=${end !== null} class=${mine ? "chip mine" : "chip"}
        aria-pressed=${mine} aria-label=${label} title=${names} onClick=${() => session.react(id, mine ? null : emoji)}>
        ${emoji}${senders.length > 1 && html`<span>${senders.length}</span>`}
      </button>`;
    })}
  </div>`;
}

/** @param {{ message: import("../room.js").Outgoing, unsent: boolean, first: boolean }} props */
export function PendingBubble({ message, unsent, first }) {
  return html`<article class=${first ? "row own first" : "row own"} tabindex="-1" data-client=${message.client_id}>
    <div class=${unsent ? "bubble unsent" : "bubble"}>
      ${message.reply_to !== null && html`<${Quote} id=${message.reply_to} jumps />`}
      <${Text} id=${`p-${message.client_id}`} message=${message} status=${unsent ? "unsent" : "pending"} />
    </div>
  </article>`;
}
