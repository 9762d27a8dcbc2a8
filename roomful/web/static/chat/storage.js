/** What the browser keeps between visits. Where it keeps nothing (private windows, full disks) a page still works. */

/** @type {Map<string, string>} */
const memory = new Map();

/**
 * @param {string} key
 * @returns {unknown}  null when nothing was kept
 */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(`roomful:${key}`) ?? "null");
  } catch {
    return JSON.parse(memory.get(key) ?? "null");
  }
}

/**
 * @param {string} key
 * @param {unknown} value  null forgets
 */
export function keep(key, value) {
  const text = JSON.stringify(value);
  memory.set(key, text);
  try {
    if (value === null) localStorage.removeItem(`roomful:${key}`);
    else localStorage.setItem(`roomful:${key}`, text);
  } catch {
    // it stays in memory until the page goes
  }
}

/**
 * @param {unknown} value
 * @returns {string[]}
 */
export function strings(value) {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/**
 * @param {unknown} value
 * @returns {import("./room.js").Outgoing[]}
 */
export function outgoing(value) {
  if (!Array.isArray(value)) return [];
  return value.filter((one) => typeof one?.client_id === "string" && typeof one.content === "string");
}
