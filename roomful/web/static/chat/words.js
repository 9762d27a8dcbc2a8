/** The page's words in the reader's language, and dates and lists as that language writes them. */

/**
 * @typedef {string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>} Phrase
 * @typedef {Readonly<Record<string, Phrase>>} Catalogue
 * @typedef {Readonly<Record<string, string | number>>} Values
 *
 * @typedef {object} Words
 * @property {string} language
 * @property {"ltr" | "rtl"} direction
 * @property {(key: import("./messages/en.js").Key, values?: Values) => string} say  `count` chooses the plural
 * @property {(names: readonly string[]) => string} list
 * @property {(at: number) => string} time
 * @property {(at: number, now: number) => string} day
 */

/**
 * @param {string} language
 * @param {Catalogue} catalogue
 * @param {{ locale?: string, timeZone?: string }} [options]  the browser's locale decides 12 or 24 hours
 * @returns {Words}
 */
export function wordsOf(language, catalogue, { locale = language, timeZone } = {}) {
  const chosen = locale.toLowerCase().split("-")[0] === language ? locale : language;
  const plural = new Intl.PluralRules(language);
  const lists = new Intl.ListFormat(chosen, { type: "conjunction" });
  const times = new Intl.DateTimeFormat(chosen, { hour: "numeric", minute: "2-digit", timeZone });
  const days = new Intl.DateTimeFormat(chosen, { weekday: "long", day: "numeric", month: "long", timeZone });
  const years = new Intl.DateTimeFormat(chosen, { day: "numeric", month: "long", year: "numeric", timeZone });
  const keys = new Intl.DateTimeFormat("en", { year: "numeric", month: "numeric", day: "numeric", timeZone });
  const direction = language === "ar" ? "rtl" : "ltr";
  /** @type {Words["say"]} */
  const say = (key, values = {}) => fill(phrase(catalogue[key], plural, values), values, direction);
  return {
    language,
    direction,
    say,
    list: (names) => lists.format(names.map((name) => isolated(name, direction))),
    time: (at) => times.format(at),
    day(at, now) {
      if (keys.format(at) === keys.format(now)) return say("today");
      if (keys.format(at) === keys.format(now - 24 * 3600_000)) return say("yesterday");
      return (now - at < 300 * 24 * 3600_000 ? days : years).format(at);
    },
  };
}

/**
 * @param {Phrase | undefined} found
 * @param {Intl.PluralRules} plural
 * @param {Values} values
 */
function phrase(found, plural, values) {
  if (found === undefined) return "";
  return typeof found === "string" ? found : (found[plural.select(Number(values["count"]))] ?? found.other);
}

/**
 * @param {string} text
 * @param {Values} values
 * @param {"ltr" | "rtl"} direction
 */
function fill(text, values, direction) {
  return text.replace(/\{(\w+)\}/g, (all, name) => isolated(String(values[name] ?? all), direction));
}

const RTL = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const LTR = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]/u;

/**
 * A text within another: marked off where it runs the other way, so that it leaves the order of the rest alone.
 * @param {string} text
 * @param {"ltr" | "rtl"} direction  of the text around it
 */
function isolated(text, direction) {
  const foreign = (direction === "rtl" ? LTR : RTL).test(text) && !text.includes("\u2068");
  return foreign ? `\u2068${text}\u2069` : text;
}
