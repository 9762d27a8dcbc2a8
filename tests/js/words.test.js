import assert from "node:assert/strict";
import { test } from "node:test";

import { wordsOf } from "../../roomful/web/static/chat/words.js";

const LANGUAGES = ["en", "de", "es", "ar"];
const NAMES = new Set(["count", "names", "name", "text", "emoji"]);

const read = async (language) => (await import(`../../roomful/web/static/chat/messages/${language}.js`)).catalogue;
const forms = (phrase) => (typeof phrase === "string" ? [phrase] : Object.values(phrase));
const holes = (text) => new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));

const english = await read("en");

for (const language of LANGUAGES) {
  const catalogue = await read(language);

  test(`${language} has every phrase, in the order of English, and no other`, () => {
    assert.deepEqual(Object.keys(catalogue), Object.keys(english));
    for (const [key, phrase] of Object.entries(catalogue)) for (const form of forms(phrase)) assert.ok(form.trim(), key);
  });

  test(`${language} has every plural that its numbers need`, () => {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, phrase] of Object.entries(catalogue)) {
      assert.equal(typeof phrase, typeof english[key], key);
      if (typeof phrase !== "string") assert.deepEqual(Object.keys(phrase).sort(), [...needed].sort(), key);
    }
  });

  test(`${language} names what English names`, () => {
    for (const [key, phrase] of Object.entries(catalogue)) {
      const wanted = holes(forms(english[key]).at(-1));
      for (const name of wanted) assert.ok(NAMES.has(name), `${key}: {${name}}`);
      assert.deepEqual(holes(forms(phrase).at(-1)), wanted, key);
    }
  });
}

test("a phrase says its values, in the plural of its count", () => {
  const words = wordsOf("en", english);
  assert.equal(words.say("typing", { names: "Alice", count: 1 }), "Alice is typing…");
  assert.equal(words.say("typing", { names: words.list(["Alice", "Bob"]), count: 2 }), "Alice and Bob are typing…");
});

test("a value is not filled in again", () => {
  assert.equal(wordsOf("en", english).say("announce", { name: "{text}", text: "{name}" }), "{text}: {name}");
});

test("the browser's region decides the hours, where it speaks the page's language", () => {
  const at = Date.UTC(2026, 2, 2, 14, 5);
  const time = (language, locale) => wordsOf(language, english, { locale, timeZone: "UTC" }).time(at).replace(/\s/g, " ");
  assert.equal(time("en", "en-US"), "2:05 PM");
  assert.equal(time("en", "en-GB"), "14:05");
  assert.equal(time("de", "en-US"), "14:05");
});

test("days are today, yesterday, or named", () => {
  const words = wordsOf("en", english, { locale: "en-GB", timeZone: "UTC" });
  const now = Date.UTC(2026, 2, 2, 0, 30);
  assert.equal(words.day(Date.UTC(2026, 2, 2, 0, 1), now), "Today");
  assert.equal(words.day(Date.UTC(2026, 2, 1, 23, 59), now), "Yesterday");
  assert.match(words.day(Date.UTC(2026, 1, 27), now), /Friday.* 27 February/);
  assert.match(words.day(Date.UTC(2024, 1, 27), now), /27 February 2024/);
});

test("a name that runs the other way is marked off within a phrase, and no other", async () => {
  const values = { names: "Tobias", count: 1 };
  assert.equal(wordsOf("ar", await read("ar")).say("typing", values), "\u2068Tobias\u2069 يكتب…");
  assert.equal(wordsOf("en", english).say("typing", values), "Tobias is typing…");
  assert.equal(wordsOf("en", english).list(["ليلى", "Bob"]), "\u2068ليلى\u2069 and Bob");
});
