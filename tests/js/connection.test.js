import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, delay, phaseAfter, unpacked } from "../../roomful/web/static/chat/connection.js";
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

/** As much of a socket as a connection touches. */
class Socket {
  closed = false;
  dispatchEvent(event) {
    this[`on${event.type}`]?.(event);
  }
  close() {
    this.closed = true;
  }
}

/** A connection over a socket through which something has come before, and what it told. */
function connected(t, came) {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  t.mock.method(performance, "now", () => 5000);
  globalThis.addEventListener = () => {};
  globalThis.document = { addEventListener: () => {} };
  const [socket, taken, phases] = [new Socket(), [], []];
  const connection = new Connection({
    connect: () => ({ socket, came }),
    health: "",
    onFrame: ({ type }, age) => taken.push([type, age]),
    onPhase: (phase) => phases.push(phase),
  });
  return { connection, socket, taken, phases };
}

const message = (type, timeStamp) => ({ type: "message", data: JSON.stringify({ type }), timeStamp });

test("what came before is taken in its order, then what comes, each with its age", (t) => {
  const { connection, socket, taken, phases } = connected(t, [message("hello", 1800), message("message", 1900)]);
  connection.open();
  socket.dispatchEvent(message("typing", 5000));
  socket.dispatchEvent(message("receipt", 5001));
  assert.deepEqual(taken, [["hello", 3200], ["message", 3100], ["typing", 0], ["receipt", 0]]);
  assert.deepEqual(phases, ["open"]);
});

test("a socket that has closed meanwhile means what its code says, after what came through it", (t) => {
  const { connection, taken, phases } = connected(t, [message("hello", 1800), { type: "close", code: 4001 }]);
  connection.open();
  assert.deepEqual(taken, [["hello", 3200]]);
  assert.deepEqual(phases, ["open", "elsewhere"]);
});

test("after the end nothing more is taken of what came", (t) => {
  const { connection, socket, taken, phases } = connected(t, [message("hello", 1800), { type: "close", code: 1000 }]);
  connection.options.onFrame = ({ type }) => (taken.push(type), connection.finish());
  connection.open();
  assert.deepEqual([taken, phases, socket.closed], [["hello"], ["open", "over"], true]);
});
