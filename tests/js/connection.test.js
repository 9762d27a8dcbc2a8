import assert from "node:assert/strict";
import { test } from "node:test";

import { delay, phaseAfter, unpacked } from "../../roomful/web/static/chat/connection.js";
import { next } from "../../roomful/web/static/chat/view/keys.js";

test("tries grow rarer, up to a limit, and no two pages keep step", () => {
  const waits = [0, 1, 2, 3, 4, 5, 20].map((attempt) => delay(attempt, 0.5));
  assert.deepEqual([...waits].sort((a, b) => a - b), waits);
  assert.ok(waits[0] <= 500 && waits.at(-1) <= 8000);
  assert.notEqual(delay(3, 0), delay(3, 0.9));
});

test("a closed socket means what its code says", () => {
  assert.equal(phaseAfter(4001), "elsewhere");
  assert.equal(phaseAfter(1008), "lost");
  assert.equal(phaseAfter(1013), "busy");
  for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 1012]) assert.equal(phaseAfter(code), "waiting", code);
});

test("arrow keys go from message to message and stay within the list", () => {
  assert.equal(next("ArrowUp", -1, 5), 4);
  assert.equal(next("ArrowUp", 0, 5), 0);
  assert.equal(next("ArrowDown", 4, 5), 4);
  assert.equal(next("ArrowDown", -1, 5), null);
  assert.equal(next("Home", 3, 5), 0);
  assert.equal(next("End", 0, 5), 4);
  assert.equal(next("a", 0, 5), null);
  assert.equal(next("ArrowUp", -1, 0), null);
});

test("frames that came as one are taken one after the other", () => {
  const [one, other] = [{ type: "typing", sender: "Alice", active: true }, { type: "typing", sender: "Bob", active: true }];
  assert.deepEqual(unpacked(one), [one]);
  assert.deepEqual(unpacked({ type: "batch", frames: [one, other] }), [one, other]);
});
