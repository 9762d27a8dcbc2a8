import assert from "node:assert/strict";
import { test } from "node:test";

import { AGAIN, batch, MOST, noted, NOTHING, PAUSE } from "../../roomful/web/static/chat/activity.js";

const sight = (message_id, on, at) => ({ type: "sight", message_id, on, at });
const input = (at, inserted, deleted = 0, paste = false) => ({ type: "input", inserted, deleted, paste, at });
const change = (what, at) => ({ type: "change", what, at });
const after = (...notes) => notes.reduce(noted, NOTHING);
const told = (activity, at, options) => Object.fromEntries(batch(activity, at, options).reports.map((report) => [report.type, report]));

test("a message is told when it was first seen, and its total when it has gone", () => {
  const first = batch(after(sight("m1", true, 1000)), 5000);
  assert.deepEqual(first.reports, [{ type: "seen", messages: [{ message_id: "m1", first: "1970-01-01T00:00:01.000Z", seconds: 4 }] }]);

  const quiet = batch(first.activity, 15_000);
  assert.deepEqual(quiet.reports, []);

  const gone = [sight("m1", false, 16_000), sight("m1", true, 20_000), sight("m1", false, 21_500)].reduce(noted, quiet.activity);
  assert.equal(told(gone, 25_000).seen.messages[0].seconds, 16.5);
  assert.equal(told(gone, 25_000).seen.messages[0].first, "1970-01-01T00:00:01.000Z");
});

test("a message that stays on the screen is told again after a while", () => {
  const first = batch(after(sight("m1", true, 0)), 10);
  assert.deepEqual(batch(first.activity, AGAIN).reports, []);
  assert.equal(told(first.activity, AGAIN + 10).seen.messages[0].seconds, (AGAIN + 10) / 1000);
});

test("nothing is seen behind another tab", () => {
  const hidden = after(sight("m1", true, 0), change("hidden", 3000), sight("m2", true, 4000));
  const found = told(hidden, 60_000).seen.messages;
  assert.deepEqual(found.map(({ message_id, seconds }) => [message_id, seconds]), [["m1", 3]]);

  const back = [change("visible", 70_000), sight("m1", true, 70_000), sight("m1", false, 71_000)].reduce(noted, hidden);
  assert.equal(told(back, 80_000).seen.messages[0].seconds, 4);
});

test("typing is told in bursts, as counts", () => {
  const found = after(input(0, 1), input(500, 1), input(900, 0, 2), input(1000, 40, 0, true), input(1000 + PAUSE + 1, 1));
  assert.deepEqual(told(found, 1000 + PAUSE + 2).typing.bursts, [
    {
      start: "1970-01-01T00:00:00.000Z",
      end: "1970-01-01T00:00:01.000Z",
      inserted: 42,
      deleted: 2,
      deletions: 1,
      pastes: 1,
      pasted: 40,
    },
  ]);
  assert.equal(told(found, 60_000).typing.bursts.length, 2);
});

test("a burst that goes on is not told before it is over, unless the page goes", () => {
  assert.equal(told(after(input(0, 1)), 100).typing, undefined);
  assert.equal(told(after(input(0, 1)), 100, { last: true }).typing.bursts.length, 1);
});

test("what was told is not told again", () => {
  const { activity } = batch(after(sight("m1", true, 0), sight("m1", false, 5), input(0, 1), change("blur", 1)), 10_000);
  assert.deepEqual(batch(activity, 20_000).reports, []);
});

test("times are the server's", () => {
  assert.equal(told(after(change("blur", 1000)), 2000, { skew: 500 }).visibility.changes[0].at, "1970-01-01T00:00:01.500Z");
});

test("no frame is longer than the server takes, and what does not fit comes later", () => {
  let activity = NOTHING;
  const id = "0b0e8a51-5d0c-4c3e-9b5f-6f0a9b1f6a57";
  const time = 1_800_000_000_000;
  for (let index = 0; index < 70; index++) {
    activity = noted(activity, sight(`${id.slice(0, -2)}${index + 10}`, true, time));
    activity = noted(activity, sight(`${id.slice(0, -2)}${index + 10}`, false, time + 123_456_789));
    activity = noted(activity, input(time + index * 10_000, 100_000, 100_000, true));
    activity = noted(activity, change("composer_focus", time));
  }
  let seen = 0;
  for (let round = 0; round < 3; round++) {
    const { reports, activity: left } = batch(activity, time + 999_999_999);
    assert.ok(reports.length <= 3);
    // the server counts a space after each comma and colon
    for (const report of reports) assert.ok(JSON.stringify(report).replace(/[,:]/g, "$& ").length <= 4096, report.type);
    seen += reports.find((report) => report.type === "seen")?.messages.length ?? 0;
    activity = left;
  }
  assert.equal(seen, MOST * 3);
});

test("a long time without a connection does not fill the memory", () => {
  let activity = NOTHING;
  for (let index = 0; index < 1000; index++) activity = [change("blur", index), input(index * 10_000, 1)].reduce(noted, activity);
  assert.ok(activity.changes.length <= 200 && activity.bursts.length <= 200);
});
