import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY, reduce, tally } from "../../roomful/web/static/chat/room.js";

const HELLO = {
  type: "hello",
  group: { name: "Street", picture: null },
  members: ["Alice", "Bob"],
  you: "You",
  now: "2026-03-02T14:30:00.000000Z",
  seq: 0,
};

const message = (seq, sender, more = {}) => ({
  type: "message",
  seq,
  message_id: `m${seq}`,
  sender,
  content: `text ${seq}`,
  timestamp: "2026-03-02T14:30:20.123456Z",
  ...more,
});

const receipt = (seq, of, status) => ({ type: "receipt", seq, message_id: of, status });
const reaction = (seq, of, sender, emoji) => ({ type: "reaction", seq, message_id: of, sender, emoji });
const typing = (sender, active) => ({ type: "typing", sender, active });
const outgoing = (client_id, content = "hi", reply_to = null) => ({ client_id, content, reply_to, at: 0 });

const after = (room, ...actions) => actions.reduce(reduce, room);
const frames = (...list) => ({ type: "frames", frames: list });
const room = (...list) => after(EMPTY, frames(HELLO, ...list));
const say = (...given) => ({ type: "say", message: outgoing(...given) });
const ids = ({ messages }) => messages.map(({ message_id }) => message_id);

test("messages stand in the order of their numbers, each once", () => {
  const found = room(message(1, "Alice"), message(2, "Bob"), message(1, "Alice"), message(2, "Bob"), message(3, "Alice"));

  assert.deepEqual(ids(found), ["m1", "m2", "m3"]);
  assert.equal(found.seq, 3);
});

test("a message with its client_id takes the pending one's place", () => {
  const found = after(room(), say("c1"), say("c2"), frames(message(1, "You", { client_id: "c1" })));

  assert.deepEqual(found.outbox.map((one) => one.client_id), ["c2"]);
  assert.equal(found.messages[0].own, true);
  assert.equal(found.messages[0].status, "stored");
});

test("a message that is here already acknowledges its repetition", () => {
  const own = message(1, "You", { client_id: "c1" });
  const found = after(room(own), { type: "restore", outbox: [outgoing("c1")], known: 0, blocked: [] });
  assert.deepEqual(found.outbox, []);

  const again = after({ ...found, outbox: [outgoing("c1")] }, frames(own));
  assert.deepEqual(again.outbox, []);
  assert.deepEqual(ids(again), ["m1"]);
});

test("ticks go from stored to delivered to read, never back", () => {
  const own = message(1, "You", { client_id: "c1" });
  assert.equal(room(own, receipt(2, "m1", "delivered")).messages[0].status, "delivered");
  assert.equal(room(own, receipt(2, "m1", "read"), receipt(3, "m1", "delivered")).messages[0].status, "read");
});

test("a reaction replaces its sender's former one, and null takes it back", () => {
  const found = room(message(1, "Alice"), reaction(2, "m1", "Bob", "👍"), reaction(3, "m1", "You", "👍"), reaction(4, "m1", "Bob", "❤️"));
  assert.deepEqual(found.messages[0].reactions, { Bob: "❤️", You: "👍" });

  assert.deepEqual(after(found, frames(reaction(5, "m1", "You", null))).messages[0].reactions, { Bob: "❤️" });
});

test("one's own reaction shows at once, and the server's word changes nothing then", () => {
  const found = after(room(message(1, "Alice")), { type: "react", message_id: "m1", emoji: "👍" });
  assert.deepEqual(found.messages[0].reactions, { You: "👍" });

  const told = after(found, frames(reaction(2, "m1", "You", "👍")));
  assert.equal(told.messages[0], found.messages[0]);
});

test("reactions are counted, the most given first, without those of blocked members", () => {
  const found = room(message(1, "Alice"), reaction(2, "m1", "You", "👍"), reaction(3, "m1", "Bob", "❤️"), reaction(4, "m1", "Alice", "❤️"));

  assert.deepEqual(tally(found.messages[0], []), [{ emoji: "❤️", senders: ["Bob", "Alice"] }, { emoji: "👍", senders: ["You"] }]);
  assert.deepEqual(tally(found.messages[0], ["Bob", "Alice"]), [{ emoji: "👍", senders: ["You"] }]);
});

test("whoever posts has stopped typing, and a lost connection tells of nobody", () => {
  const found = room(typing("Alice", true), typing("Bob", true), typing("Bob", true));
  assert.deepEqual(found.typing, ["Alice", "Bob"]);
  assert.deepEqual(after(found, frames(message(1, "Alice"))).typing, ["Bob"]);
  assert.deepEqual(after(found, frames(typing("Bob", false))).typing, ["Alice"]);
  assert.deepEqual(after(found, { type: "disconnected" }).typing, []);
});

test("a refused message gives its words back, with the reason", () => {
  const found = after(room(), say("c1", "long", "m9"), say("c2"), frames({ type: "refused", client_id: "c1", reason: "too_long" }));

  assert.deepEqual(found.outbox.map((one) => one.client_id), ["c2"]);
  assert.deepEqual(found.refusal, { content: "long", reply_to: "m9", reason: "too_long", count: 1 });
});

test("a refusal of something that is no message gives nothing back", () => {
  const found = after(room(), say("c1"), frames({ type: "refused", reason: "too_frequent" }));
  assert.equal(found.refusal, null);
  assert.equal(found.trouble, null);
  assert.equal(after(found, frames({ type: "refused", reason: "unknown_message" })).trouble, "unknown_message");
});

test("what comes while nobody looks is counted, from a divider on", () => {
  const away = after(room(message(1, "Alice")), { type: "look", looking: false });
  const found = after(away, frames(message(2, "Alice"), message(3, "You", { client_id: "c" }), message(4, "Bob")));
  assert.equal(found.unseen, 2);
  assert.equal(found.divider, "m2");

  const back = after(found, { type: "look", looking: true });
  assert.equal(back.unseen, 0);
  assert.equal(back.divider, "m2");
  assert.equal(after(back, say("c1")).divider, null);
});

test("what came since the last visit is new; on the first visit nothing is", () => {
  const history = [message(1, "Alice"), message(2, "Alice"), message(3, "Bob")];
  const first = after(EMPTY, frames({ ...HELLO, seq: 3 }, ...history));
  assert.equal(first.divider, null);

  const restore = { type: "restore", outbox: [], known: 1, blocked: [] };
  const again = after(EMPTY, restore, frames({ ...HELLO, seq: 3 }, ...history));
  assert.equal(again.divider, "m2");
  assert.equal(again.unseen, 2);
});

test("messages of a blocked member do not count as new", () => {
  const away = after(room(), { type: "block", member: "Bob", blocked: true }, { type: "look", looking: false });
  const found = after(away, frames(message(1, "Bob")));
  assert.equal(found.unseen, 0);
  assert.deepEqual(after(found, { type: "block", member: "Bob", blocked: false }).blocked, []);
});

test("the server knows better than this browser who is blocked", () => {
  const found = after(EMPTY, { type: "restore", outbox: [], known: 0, blocked: ["Bob"] });
  assert.deepEqual(after(found, frames(HELLO)).blocked, ["Bob"]);
  assert.deepEqual(after(found, frames({ ...HELLO, blocked: ["Alice"] })).blocked, ["Alice"]);
});

test("the end says where to go, by a link of the web alone", () => {
  const end = { type: "session_end", seq: 1, reason: "duration_expired", next: { text: "Thanks", url: "https://a.example", code: "C1" } };
  const told = { reason: "duration_expired", text: "Thanks", url: "https://a.example", code: "C1" };
  assert.deepEqual(room(typing("Bob", true), end).end, told);
  assert.deepEqual(room(typing("Bob", true), end).typing, []);
  assert.equal(room({ ...end, next: { text: null, url: "javascript:alert(1)" } }).end.url, null);
  assert.equal(room({ ...end, next: { text: null, url: "session/0c7d7c8e" } }).end.url, "session/0c7d7c8e");
  assert.deepEqual(room({ ...end, next: undefined }).end, { reason: "duration_expired", text: null, url: null, code: null });
});

test("the outbox of an earlier page comes first, in the order of writing, nothing twice", () => {
  const kept = [{ ...outgoing("c1"), at: 1 }, { ...outgoing("c2"), at: 2 }];
  const found = after(EMPTY, { type: "say", message: { ...outgoing("c3"), at: 3 } }, { type: "restore", outbox: kept, known: 0, blocked: [] });
  const again = after(found, { type: "restore", outbox: kept, known: 0, blocked: [] });
  assert.deepEqual(again.outbox.map((one) => one.client_id), ["c1", "c2", "c3"]);
});

test("frames of unknown kinds and for unknown messages change nothing but the number", () => {
  const before = room(message(1, "Alice"));
  assert.equal(after(before, frames({ type: "weather", seq: 2 })), before);
  assert.deepEqual(after(before, frames(receipt(2, "m9", "read"))), { ...before, seq: 2 });
});
