/** What was seen and done, for the record: counts and times, never a text. Pure. docs/page.md says what is kept. */

/**
 * @typedef {{ first: number, total: number, since: number | null, told: number | null, dirty: boolean }} Sight
 *   milliseconds: first seen at, seen in total until `since`, on the screen since, told at
 *
 * @typedef {object} Burst
 * @property {number} start
 * @property {number} end
 * @property {number} inserted  characters
 * @property {number} deleted  characters
 * @property {number} deletions
 * @property {number} pastes
 * @property {number} pasted  characters
 *
 * @typedef {"visible" | "hidden" | "focus" | "blur" | "composer_focus" | "composer_blur"} What
 *
 * @typedef {object} Activity
 * @property {ReadonlyMap<string, Sight>} sights  by message
 * @property {readonly Burst[]} bursts  the last one may go on
 * @property {readonly { at: number, what: What }[]} changes
 * @property {boolean} visible
 *
 * @typedef {{ type: "sight", message_id: string, on: boolean, at: number }
 *   | { type: "input", inserted: number, deleted: number, paste: boolean, at: number }
 *   | { type: "change", what: What, at: number }} Note
 *
 * @typedef {{ type: "seen", messages: { message_id: string, first: string, seconds: number }[] }
 *   | { type: "typing", bursts: object[] }
 *   | { type: "visibility", changes: { at: string, what: What }[] }} Report
 */

/** Milliseconds without a key that end a burst of typing. */
export const PAUSE = 2000;

/** Milliseconds between batches, at least. */
export const EVERY = 10_000;

/** Milliseconds after which a message that stays on the screen is told again. */
export const AGAIN = 60_000;

/** Items in one frame: so many of the longest stay below 4 KiB. */
export const MOST = 20;

/** Changes and bursts that are kept while there is no connection; later ones are dropped. */
export const KEPT = 200;

/** @type {Activity} */
export const NOTHING = Object.freeze({ sights: new Map(), bursts: [], changes: [], visible: true });

/**
 * @param {Activity} activity
 * @param {Note} note
 * @returns {Activity}
 */
export function noted(activity, note) {
  switch (note.type) {
    case "sight":
      return withSight(activity, note.message_id, looked(activity.sights.get(note.message_id), note, activity.visible));
    case "input":
      return { ...activity, bursts: typed(activity.bursts, note) };
    case "change":
      return changed(activity, note.what, note.at);
  }
}

/**
 * @param {Activity} activity
 * @param {string} messageId
 * @param {Sight | null} sight
 * @returns {Activity}
 */
function withSight(activity, messageId, sight) {
  return sight === null ? activity : { ...activity, sights: new Map(activity.sights).set(messageId, sight) };
}

/**
 * @param {Sight | undefined} sight
 * @param {{ on: boolean, at: number }} note
 * @param {boolean} visible
 * @returns {Sight | null}
 */
function looked(sight, { on, at }, visible) {
  if (!on) return sight === undefined ? null : paused(sight, at);
  // behind another tab nothing is seen; it is once the tab is back
  if (!visible) return null;
  if (sight === undefined) return { first: at, total: 0, since: at, told: null, dirty: true };
  return sight.since === null ? { ...sight, since: at } : sight;
}

/**
 * @param {Sight} sight
 * @param {number} at
 * @returns {Sight}
 */
function paused(sight, at) {
  return sight.since === null ? sight : { ...sight, total: sight.total + at - sight.since, since: null, dirty: true };
}

/**
 * @param {readonly Burst[]} bursts
 * @param {{ inserted: number, deleted: number, paste: boolean, at: number }} note
 * @returns {readonly Burst[]}
 */
function typed(bursts, { inserted, deleted, paste, at }) {
  const last = bursts[bursts.length - 1];
  const goesOn = last !== undefined && at - last.end <= PAUSE;
  if (!goesOn && bursts.length >= KEPT) return bursts;
  const before = goesOn ? last : { start: at, end: at, inserted: 0, deleted: 0, deletions: 0, pastes: 0, pasted: 0 };
  const burst = {
    start: before.start,
    end: at,
    inserted: before.inserted + inserted,
    deleted: before.deleted + deleted,
    deletions: before.deletions + (deleted > 0 ? 1 : 0),
    pastes: before.pastes + (paste ? 1 : 0),
    pasted: before.pasted + (paste ? inserted : 0),
  };
  return [...(goesOn ? bursts.slice(0, -1) : bursts), burst];
}

/**
 * @param {Activity} activity
 * @param {What} what
 * @param {number} at
 * @returns {Activity}
 */
function changed(activity, what, at) {
  const changes = activity.changes.length < KEPT ? [...activity.changes, { at, what }] : activity.changes;
  if (what !== "hidden") return { ...activity, changes, visible: what === "visible" ? true : activity.visible };
  const sights = new Map([...activity.sights].map(([id, sight]) => [id, paused(sight, at)]));
  return { ...activity, changes, sights, visible: false };
}

/**
 * What there is to tell at `at`, one frame of each kind at most, and what is left then.
 * @param {Activity} activity
 * @param {number} at
 * @param {{ skew?: number, last?: boolean }} [options]  server's clock minus ours; whether the page is going away
 * @returns {{ reports: Report[], activity: Activity }}
 */
export function batch(activity, at, { skew = 0, last = false } = {}) {
  /** @param {number} time */
  const iso = (time) => new Date(time + skew).toISOString();
  const due = [...activity.sights].filter(([, sight]) => isDue(sight, at, last)).slice(0, MOST);
  const closed = activity.bursts.filter((burst) => last || at - burst.end > PAUSE).slice(0, MOST);
  const changes = activity.changes.slice(0, MOST);
  /** @type {Report[]} */
  const reports = [];
  if (due.length > 0) {
    const messages = due.map(([id, sight]) => ({ message_id: id, first: iso(sight.first), seconds: total(sight, at) }));
    reports.push({ type: "seen", messages });
  }
  if (closed.length > 0) {
    const bursts = closed.map((burst) => ({ ...burst, start: iso(burst.start), end: iso(burst.end) }));
    reports.push({ type: "typing", bursts });
  }
  if (changes.length > 0) {
    reports.push({ type: "visibility", changes: changes.map((change) => ({ ...change, at: iso(change.at) })) });
  }
  return { reports, activity: told(activity, at, new Set(due.map(([id]) => id)), closed.length, changes.length) };
}

/**
 * @param {Sight} sight
 * @param {number} at
 * @param {boolean} last
 */
function isDue(sight, at, last) {
  if (sight.dirty) return true;
  return sight.since !== null && (last || at - (sight.told ?? sight.first) >= AGAIN);
}

/**
 * @param {Sight} sight
 * @param {number} at
 */
function total(sight, at) {
  return Math.round(sight.total + (sight.since === null ? 0 : at - sight.since)) / 1000;
}

/**
 * @param {Activity} activity
 * @param {number} at
 * @param {ReadonlySet<string>} ids
 * @param {number} bursts
 * @param {number} changes
 * @returns {Activity}
 */
function told(activity, at, ids, bursts, changes) {
  const sights = new Map(activity.sights);
  for (const [id, sight] of activity.sights) {
    if (ids.has(id)) sights.set(id, { ...sight, told: at, dirty: false });
  }
  return { ...activity, sights, bursts: activity.bursts.slice(bursts), changes: activity.changes.slice(changes) };
}
