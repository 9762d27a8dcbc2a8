/** What is true in the room: a fold of what the server says and what the participant does. Pure. */

/**
 * @typedef {"stored" | "delivered" | "read"} Status
 *
 * @typedef {object} Message
 * @property {number} seq
 * @property {string} message_id
 * @property {string} sender
 * @property {boolean} own
 * @property {string} content
 * @property {number} at  milliseconds since the epoch
 * @property {string | null} reply_to
 * @property {string | null} client_id
 * @property {Status} status
 * @property {Readonly<Record<string, string>>} reactions  sender to emoji
 *
 * @typedef {{ client_id: string, content: string, reply_to: string | null, at: number }} Outgoing
 *   a message of the participant's that the server has not acknowledged yet
 *
 * @typedef {object} Hello
 * @property {"hello"} type
 * @property {{ name: string, picture?: string | null }} group
 * @property {string[]} members
 * @property {string} you
 * @property {string} now
 * @property {number} seq
 * @property {boolean} [ended]
 * @property {string[]} [blocked]
 * @property {Record<string, string>} [pictures]
 * @property {boolean} [record_activity]
 * @property {number} [max_message_chars]
 * @property {boolean} [may_delete]
 *
 * @typedef {{ text?: string | null, url?: string | null, code?: string | null }} Next
 *
 * @typedef {Hello
 *   | { type: "message", seq: number, message_id: string, sender: string, content: string, timestamp: string,
 *       reply_to?: string | null, client_id?: string | null }
 *   | { type: "typing", sender: string, active: boolean }
 *   | { type: "receipt", seq: number, message_id: string, status: "delivered" | "read" }
 *   | { type: "reaction", seq: number, message_id: string, sender: string, emoji: string | null }
 *   | { type: "refused", client_id?: string | null, reason: string, message?: string }
 *   | { type: "session_end", seq: number, reason: string, next?: Next | null }} Frame
 *
 * @typedef {{ content: string, reply_to: string | null, reason: string, count: number }} Refusal
 *
 * @typedef {object} Room
 * @property {{ name: string, picture: string | null } | null} group  null until the server has said hello
 * @property {readonly string[]} members
 * @property {string} you
 * @property {Readonly<Record<string, string>>} pictures
 * @property {boolean} records  whether the page reports what was seen
 * @property {number} longest  characters of a message
 * @property {boolean} mayDelete  whether who leaves may have what they wrote deleted
 * @property {number} seq  of the last frame that was taken
 * @property {number} upto  what there was when the server said hello
 * @property {readonly Message[]} messages
 * @property {readonly string[]} typing
 * @property {readonly Outgoing[]} outbox
 * @property {readonly string[]} blocked
 * @property {Refusal | null} refusal  the last message that was not taken
 * @property {string | null} trouble  the reason why something else was not taken
 * @property {boolean} looking  whether the end of the conversation is being looked at
 * @property {number} unseen  messages that came while it was not
 * @property {string | null} divider  the first of them
 * @property {number} known  messages up to this seq were seen before the page was opened
 * @property {{ reason: string, text: string | null, url: string | null, code: string | null } | null} end
 *
 * @typedef {{ type: "frames", frames: readonly Frame[] }
 *   | { type: "say", message: Outgoing }
 *   | { type: "react", message_id: string, emoji: string | null }
 *   | { type: "block", member: string, blocked: boolean }
 *   | { type: "restore", outbox: readonly Outgoing[], known: number, blocked: readonly string[] }
 *   | { type: "give_back", client_id: string, reason: string }
 *   | { type: "look", looking: boolean }
 *   | { type: "disconnected" }} Action
 */

/** @type {Room} */
export const EMPTY = Object.freeze({
  group: null,
  members: [],
  you: "",
  pictures: {},
  records: false,
  longest: 2000,
  mayDelete: false,
  seq: 0,
  upto: 0,
  messages: [],
  typing: [],
  outbox: [],
  blocked: [],
  refusal: null,
  trouble: null,
  looking: true,
  unseen: 0,
  divider: null,
  known: 0,
  end: null,
});

/**
 * @param {Room} room
 * @param {Action} action
 * @returns {Room}
 */
export function reduce(room, action) {
  switch (action.type) {
    case "frames":
      return action.frames.reduce(take, room);
    case "say":
      return { ...room, outbox: [...room.outbox, action.message], divider: null, trouble: null };
    case "react":
      return changed(room, action.message_id, (message) => reacted(message, room.you, action.emoji));
    case "block":
      return blocking(room, action.member, action.blocked);
    case "restore":
      return restored(room, action);
    case "give_back":
      return givenBack(room, action.client_id, action.reason);
    case "look":
      return action.looking ? { ...room, looking: true, unseen: 0 } : { ...room, looking: false };
    case "disconnected":
      return { ...room, typing: [] };
  }
}

/**
 * @param {Room} room
 * @param {Frame} frame
 * @returns {Room}
 */
function take(room, frame) {
  switch (frame.type) {
    case "hello":
      return greeted(room, frame);
    case "typing":
      return { ...room, typing: typing(room, frame.sender, frame.active) };
    case "refused":
      return refused(room, frame);
    case "message":
    case "receipt":
    case "reaction":
    case "session_end":
      return happened(room, frame);
    default:
      // a newer server may say more than this page knows
      return room;
  }
}

/**
 * @param {Room} room
 * @param {Hello} hello
 * @returns {Room}
 */
function greeted(room, hello) {
  return {
    ...room,
    group: { name: hello.group.name, picture: hello.group.picture ?? null },
    members: hello.members,
    you: hello.you,
    pictures: hello.pictures ?? {},
    records: hello.record_activity ?? true,
    longest: hello.max_message_chars ?? EMPTY.longest,
    mayDelete: hello.may_delete === true,
    blocked: hello.blocked ?? room.blocked,
    upto: hello.seq,
    typing: [],
  };
}

/**
 * @param {Room} room
 * @param {Exclude<Frame, { type: "hello" | "typing" | "refused" }>} frame
 * @returns {Room}
 */
function happened(room, frame) {
  if (frame.seq <= room.seq) {
    // a message that is here already acknowledges the one that was sent again
    return frame.type === "message" ? acknowledged(room, frame.client_id ?? null) : room;
  }
  const next = { ...room, seq: frame.seq };
  switch (frame.type) {
    case "message":
      return posted(next, frame);
    case "receipt":
      return changed(next, frame.message_id, (message) => received(message, frame.status));
    case "reaction":
      return changed(next, frame.message_id, (message) => reacted(message, frame.sender, frame.emoji));
    case "session_end":
      return { ...next, typing: [], end: { reason: frame.reason, ...whereTo(frame.next) } };
  }
}

/**
 * To another site, or to a page of this one.
 * @param {Next | null | undefined} next
 */
function whereTo(next) {
  const url = next?.url ?? null;
  const safe = url !== null && /^(https?:\/\/|session\/)/i.test(url) ? url : null;
  return { text: next?.text ?? null, url: safe, code: next?.code ?? null };
}

/**
 * @param {Room} room
 * @param {Extract<Frame, { type: "message" }>} frame
 * @returns {Room}
 */
function posted(room, frame) {
  /** @type {Message} */
  const message = {
    seq: frame.seq,
    message_id: frame.message_id,
    sender: frame.sender,
    own: frame.sender === room.you,
    content: frame.content,
    at: Date.parse(frame.timestamp),
    reply_to: frame.reply_to ?? null,
    client_id: frame.client_id ?? null,
    status: "stored",
    reactions: {},
  };
  const next = acknowledged({ ...room, messages: [...room.messages, message] }, message.client_id);
  return counted({ ...next, typing: typing(room, frame.sender, false) }, message);
}

/**
 * @param {Room} room
 * @param {Message} message
 * @returns {Room}
 */
function counted(room, message) {
  const history = message.seq <= room.upto;
  const missed = history ? room.known > 0 && message.seq > room.known : !room.looking;
  if (message.own || !missed || room.blocked.includes(message.sender)) return room;
  return {
    ...room,
    unseen: room.unseen + 1,
    divider: room.unseen === 0 || room.divider === null ? message.message_id : room.divider,
  };
}

/**
 * @param {Room} room
 * @param {string | null} clientId
 * @returns {Room}
 */
function acknowledged(room, clientId) {
  const outbox = room.outbox.filter((message) => message.client_id !== clientId);
  return outbox.length === room.outbox.length ? room : { ...room, outbox };
}

/**
 * @param {Room} room
 * @param {Extract<Frame, { type: "refused" }>} frame
 * @returns {Room}
 */
function refused(room, frame) {
  if (frame.client_id) return givenBack(room, frame.client_id, frame.reason);
  const told = ["unknown_message", "unknown_member", "store"].includes(frame.reason);
  return told ? { ...room, trouble: frame.reason } : room;
}

/**
 * The message's words go back to where they were written.
 * @param {Room} room
 * @param {string} clientId
 * @param {string} reason
 * @returns {Room}
 */
function givenBack(room, clientId, reason) {
  const message = room.outbox.find((one) => one.client_id === clientId);
  if (message === undefined) return room;
  const { content, reply_to } = message;
  const refusal = { content, reply_to, reason, count: (room.refusal?.count ?? 0) + 1 };
  return { ...acknowledged(room, clientId), refusal };
}

/**
 * @param {Room} room
 * @param {string} messageId
 * @param {(message: Message) => Message} change
 * @returns {Room}
 */
function changed(room, messageId, change) {
  const index = room.messages.findLastIndex((message) => message.message_id === messageId);
  const before = room.messages[index];
  if (before === undefined) return room;
  const after = change(before);
  return after === before ? room : { ...room, messages: room.messages.map((one) => (one === before ? after : one)) };
}

/**
 * @param {Message} message
 * @param {Status} status
 */
function received(message, status) {
  return message.status === "read" ? message : { ...message, status };
}

/**
 * @param {Message} message
 * @param {string} sender
 * @param {string | null} emoji
 * @returns {Message}
 */
function reacted(message, sender, emoji) {
  if ((message.reactions[sender] ?? null) === emoji) return message;
  const { [sender]: _, ...others } = message.reactions;
  return { ...message, reactions: emoji === null ? others : { ...others, [sender]: emoji } };
}

/**
 * @param {Room} room
 * @param {string} sender
 * @param {boolean} active
 */
function typing(room, sender, active) {
  if (active === room.typing.includes(sender)) return room.typing;
  return active ? [...room.typing, sender] : room.typing.filter((name) => name !== sender);
}

/**
 * @param {Room} room
 * @param {string} member
 * @param {boolean} blocked
 * @returns {Room}
 */
function blocking(room, member, blocked) {
  const others = room.blocked.filter((name) => name !== member);
  return { ...room, blocked: blocked ? [...others, member] : others };
}

/**
 * What an earlier page, or another one, left behind. What it sent already is acknowledged again.
 * @param {Room} room
 * @param {Extract<Action, { type: "restore" }>} kept
 * @returns {Room}
 */
function restored(room, { outbox, known, blocked }) {
  const sent = new Set(room.messages.map((message) => message.client_id));
  const all = new Map([...outbox, ...room.outbox].map((message) => [message.client_id, message]));
  return {
    ...room,
    outbox: [...all.values()].filter((message) => !sent.has(message.client_id)).sort((a, b) => a.at - b.at),
    known: Math.max(known, room.known),
    blocked: room.group === null ? blocked : room.blocked,
  };
}

/**
 * The reactions to a message: each emoji with how many gave it, the most given first.
 * @param {Message} message
 * @param {readonly string[]} blocked  whose reactions do not count
 * @returns {{ emoji: string, senders: string[] }[]}
 */
export function tally(message, blocked) {
  /** @type {Map<string, string[]>} */
  const senders = new Map();
  for (const [sender, emoji] of Object.entries(message.reactions)) {
    if (!blocked.includes(sender)) senders.set(emoji, [...(senders.get(emoji) ?? []), sender]);
  }
  return [...senders].map(([emoji, names]) => ({ emoji, senders: names })).sort((a, b) => b.senders.length - a.senders.length);
}
