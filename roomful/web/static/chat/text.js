/** What a text is made of: links, mentions, emoji. Pure; text stays text. */

/**
 * @typedef {{ kind: "text" | "mention", text: string }
 *   | { kind: "link", text: string, href: string }} Part
 */

// a path may hold brackets, but a closing mark at the end belongs to the sentence around it
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"]+/giu;
const CLOSING = /[.,;:!?'’”»…)\]}]$/u;
const PAIRS = new Map([[")", "("], ["]", "["], ["}", "{"]]);

const PICTURE = String.raw`\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?(?:[\u{E0020}-\u{E007F}]+)?`;
const EMOJI = new RegExp(
  String.raw`^(?:\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3|${PICTURE}(?:\u200D${PICTURE})*){1,3}$`,
  "u",
);

/**
 * The text in parts. Only http and https become links.
 * @param {string} text
 * @param {readonly string[]} names  who may be mentioned
 * @returns {Part[]}
 */
export function parts(text, names) {
  /** @type {Part[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const shown = trimmed(match[0]);
    const href = address(shown);
    if (href === null) continue;
    found.push(...mentions(text.slice(from, match.index), names), { kind: "link", text: shown, href });
    from = match.index + shown.length;
  }
  return [...found, ...mentions(text.slice(from), names)];
}

/** @param {string} link */
function trimmed(link) {
  let text = link;
  while (CLOSING.test(text)) {
    const last = text.slice(-1);
    const opening = PAIRS.get(last);
    if (opening !== undefined && count(text, opening) >= count(text, last)) return text;
    text = text.slice(0, -1);
  }
  return text;
}

/**
 * @param {string} text
 * @param {string} sign
 */
function count(text, sign) {
  return text.split(sign).length - 1;
}

/**
 * @param {string} link
 * @returns {string | null}
 */
function address(link) {
  try {
    const url = new URL(link.toLowerCase().startsWith("www.") ? `https://${link}` : link);
    return url.hostname.includes(".") || url.hostname === "localhost" ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} text
 * @param {readonly string[]} names
 * @returns {Part[]}
 */
function mentions(text, names) {
  if (text === "") return [];
  if (names.length === 0 || !text.includes("@")) return [{ kind: "text", text }];
  // the longest first: "@Ann Lee" is not "@Ann" and a word
  const choices = [...names].sort((a, b) => b.length - a.length).map(escaped).join("|");
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(@(?:${choices}))(?![\\p{L}\\p{N}_])`, "iu");
  return text
    .split(pattern)
    .map((piece, index) => /** @type {Part} */ ({ kind: index % 2 ? "mention" : "text", text: piece }))
    .filter((part) => part.text !== "");
}

/** @param {string} name */
function escaped(name) {
  return name.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/**
 * Whether there is nothing but one to three emoji.
 * @param {string} text
 */
export function emojiOnly(text) {
  return EMOJI.test(text.replace(/\s/gu, ""));
}

/**
 * One or two letters that stand for a name.
 * @param {string} name
 */
export function initials(name) {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== "");
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0] ?? "?"];
  return chosen.map((word) => [...(word ?? "")][0] ?? "").join("").toLocaleUpperCase();
}

/**
 * The mention that is being typed just before the caret: where its @ stands and the letters after it.
 * @param {string} text
 * @param {number} caret
 * @returns {{ start: number, typed: string } | null}
 */
export function mentionAt(text, caret) {
  const before = text.slice(0, caret);
  const start = before.lastIndexOf("@");
  if (start === -1 || /[\p{L}\p{N}_]/u.test(before.charAt(start - 1))) return null;
  const typed = before.slice(start + 1);
  return typed.includes("\n") || typed.length > 40 ? null : { start, typed };
}

/**
 * The names that a mention may become: those of which a word begins with what was typed.
 * @param {string} typed
 * @param {readonly string[]} names
 */
export function candidates(typed, names) {
  const wanted = typed.toLocaleLowerCase();
  return names.filter((name) => {
    const lower = name.toLocaleLowerCase();
    return lower.startsWith(wanted) || lower.split(/\s+/u).some((word) => word.startsWith(wanted));
  });
}

/**
 * How many characters were put in and taken out to make one text of another in one place.
 * @param {string} before
 * @param {string} after
 */
export function difference(before, after) {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { inserted: after.length - head - tail, deleted: before.length - head - tail };
}

/**
 * Characters as the server counts them: an emoji outside the basic plane is one.
 * @param {string} text
 */
export function lengthOf(text) {
  return [...text].length;
}
