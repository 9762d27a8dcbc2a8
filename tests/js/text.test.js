import assert from "node:assert/strict";
import { test } from "node:test";

import {
  candidates,
  difference,
  emojiOnly,
  initials,
  lengthOf,
  mentionAt,
  parts,
} from "../../roomful/web/static/chat/text.js";

const links = (text) => parts(text, []).filter((part) => part.kind === "link").map((part) => part.text);
const mentioned = (text, names) => parts(text, names).filter((part) => part.kind === "mention").map((part) => part.text);

test("the parts of a text are the whole text", () => {
  for (const text of ["", "a", "see https://a.example/b. And @Ann Lee!", "@Ann@Ann", "<b>www.x.example</b>", "a\n\nb @"]) {
    assert.equal(parts(text, ["Ann", "Ann Lee"]).map((part) => part.text).join(""), text);
  }
});

test("a link ends before the marks of the sentence around it", () => {
  assert.deepEqual(links("(see https://a.example/x_(y).) or https://b.example, www.c.example!"), [
    "https://a.example/x_(y)",
    "https://b.example",
    "www.c.example",
  ]);
});

test("only http and https become links", () => {
  assert.deepEqual(links("javascript:alert(1) data:text/html,x file:///etc/passwd ftp://a.example https://"), []);
});

test("a link to www goes to https", () => {
  assert.deepEqual(parts("www.a.example", []), [{ kind: "link", text: "www.a.example", href: "https://www.a.example/" }]);
});

test("a mention is a member's whole name, the longest there is", () => {
  assert.deepEqual(mentioned("@ann lee and @Ann, not @Anna or me@Ann", ["Ann", "Ann Lee"]), ["@ann lee", "@Ann"]);
});

test("a name with signs of a pattern is a name", () => {
  assert.deepEqual(mentioned("@A.(b)* and @Axx", ["A.(b)*"]), ["@A.(b)*"]);
});

test("one to three emoji and nothing else are large", () => {
  for (const text of ["👍", "👨‍👩‍👧‍👦", "🇩🇪 🇪🇸", "✌🏽", "❤️", "3️⃣", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "🙏🙏🙏"]) assert.equal(emojiOnly(text), true, text);
  for (const text of ["", "3", "ok 👍", "👍👍👍👍", "…"]) assert.equal(emojiOnly(text), false, text);
});

test("initials are the first letters of the first and last word", () => {
  assert.deepEqual(["Ann", "ann mary lee", "Ümit", "李雷", "😀 x", ""].map(initials), ["A", "AL", "Ü", "李", "😀X", "?"]);
});

test("a mention is being typed from its @ to the caret", () => {
  assert.deepEqual(mentionAt("hi @an", 6), { start: 3, typed: "an" });
  assert.deepEqual(mentionAt("@", 1), { start: 0, typed: "" });
  assert.equal(mentionAt("me@an", 5), null);
  assert.equal(mentionAt("@a\nb", 4), null);
});

test("names are offered by the beginning of any of their words", () => {
  assert.deepEqual(candidates("le", ["Ann Lee", "Lena", "Alex"]), ["Ann Lee", "Lena"]);
  assert.deepEqual(candidates("", ["Ann", "Bob"]), ["Ann", "Bob"]);
});

test("an edit is counted as characters in and out", () => {
  assert.deepEqual(difference("hello", "hello!"), { inserted: 1, deleted: 0 });
  assert.deepEqual(difference("hello", "hell"), { inserted: 0, deleted: 1 });
  assert.deepEqual(difference("aaa", "aa"), { inserted: 0, deleted: 1 });
  assert.deepEqual(difference("teh cat", "the cat"), { inserted: 2, deleted: 2 });
  assert.deepEqual(difference("abc", ""), { inserted: 0, deleted: 3 });
});

test("an emoji counts as one character, as it does for the server", () => {
  assert.equal(lengthOf("a👍"), 2);
});
