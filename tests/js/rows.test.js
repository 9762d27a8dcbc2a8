import assert from "node:assert/strict";
import { test } from "node:test";

import { begins, CHUNK, chunks, GROUP_MOST, nearest, newDay, sameItems, SCREENFUL } from "../../roomful/web/static/chat/rows.js";

const at = (sender, minutes) => ({ sender, at: new Date(2026, 2, 2, 23, 50).getTime() + minutes * 60_000 });
const many = (count) => Array.from({ length: count }, (_, index) => ({ message_id: `m${index}` }));

test("a group is one sender's, of one day, without a long pause", () => {
  assert.equal(begins(undefined, at("Alice", 0)), true);
  assert.equal(begins(at("Alice", 0), at("Alice", 1)), false);
  assert.equal(begins(at("Alice", 0), at("Bob", 1)), true);
  assert.equal(begins(at("Alice", 0), { ...at("Alice", 0), at: at("Alice", 0).at + GROUP_MOST + 1 }), true);
  assert.equal(begins(at("Alice", 8), at("Alice", 11)), true);
});

test("a day begins at midnight where the reader is", () => {
  assert.equal(newDay(undefined, at("Alice", 0)), true);
  assert.equal(newDay(at("Alice", 0), at("Alice", 9)), false);
  assert.equal(newDay(at("Alice", 9), at("Alice", 11)), true);
});

test("chunks hold all messages, and a new one changes only the last", () => {
  const messages = many(CHUNK * 2 + 3);
  const before = chunks(messages);
  const after = chunks([...messages, { message_id: "new" }]);

  assert.deepEqual(before.flatMap((chunk) => chunk.messages), messages);
  assert.equal(before[1].before, messages[CHUNK - 1]);
  assert.deepEqual(before.map((chunk, index) => sameItems(chunk.messages, after[index].messages)), [true, true, false]);
});

test("the chunks around a message are drawn first, or the last ones", () => {
  const all = chunks(many(CHUNK * 25 + 1));
  const near = (goal) => nearest(all, goal).map((chunk) => all.indexOf(chunk));

  assert.deepEqual(near(null), [24, 25]);
  assert.deepEqual(near("a message that is not here"), [24, 25]);
  assert.deepEqual(near("m0"), [0]);
  assert.deepEqual(near(`m${CHUNK * 3 + 1}`), [2, 3]);
  assert.deepEqual(near(`m${CHUNK * 4 - 1}`), [3, 4]);
  assert.deepEqual(nearest([], null), []);
  assert.ok(nearest(all, null).flatMap((chunk) => chunk.messages).length >= SCREENFUL);
});
