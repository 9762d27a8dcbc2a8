/** How messages stand in the list: in groups, by day, in chunks that change together. Pure. */

/** @typedef {import("./room.js").Message} Message */

/** Messages of one sender within this many milliseconds are one group. */
export const GROUP_MOST = 5 * 60_000;

/** Messages in a chunk: a new message touches one chunk, not the whole list. */
export const CHUNK = 40;

/** Messages that fill a screen, amply. */
export const SCREENFUL = 30;

/**
 * Whether a message begins a group of bubbles of its sender's.
 * @param {Message | undefined} before
 * @param {{ sender: string, at: number }} message
 */
export function begins(before, message) {
  if (before === undefined || before.sender !== message.sender) return true;
  return message.at - before.at > GROUP_MOST || newDay(before, message);
}

/**
 * Whether a message is the first of its day, in the reader's time zone.
 * @param {Message | undefined} before
 * @param {{ at: number }} message
 */
export function newDay(before, message) {
  return before === undefined || day(before.at) !== day(message.at);
}

/** @param {number} at */
function day(at) {
  const date = new Date(at);
  return (date.getFullYear() * 12 + date.getMonth()) * 31 + date.getDate();
}

/**
 * @param {readonly Message[]} messages
 * @returns {{ first: string, before: Message | undefined, messages: Message[] }[]}  `first` names the chunk
 */
export function chunks(messages) {
  const found = [];
  for (let from = 0; from < messages.length; from += CHUNK) {
    const own = messages.slice(from, from + CHUNK);
    found.push({ first: own[0]?.message_id ?? "", before: messages[from - 1], messages: own });
  }
  return found;
}

/**
 * The chunks to draw first: those a screen around a message, or a screen before the end where it is not among them.
 * @param {ReturnType<typeof chunks>} all
 * @param {string | null} goal
 */
export function nearest(all, goal) {
  const messages = all.flatMap((chunk) => chunk.messages);
  const found = goal === null ? -1 : messages.findIndex((message) => message.message_id === goal);
  const at = found === -1 ? messages.length : found;
  return all.filter((chunk, index) => {
    const from = index * CHUNK;
    return from <= at + SCREENFUL && from + chunk.messages.length > at - SCREENFUL;
  });
}

/**
 * @template T
 * @param {readonly T[]} one
 * @param {readonly T[]} other
 */
export function sameItems(one, other) {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}
