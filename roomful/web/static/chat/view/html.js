/** Templates, and what the components of a page share. */

import { createContext, h } from "preact";
import { useContext } from "preact/hooks";
import htm from "htm";

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => import("preact").VNode} */
export const html = /** @type {never} */ (htm.bind(h));

/**
 * @typedef {{ kind: "menu", id: string, x: number, y: number }
 *   | { kind: "report", id: string } | { kind: "block", member: string, blocked: boolean }
 *   | { kind: "info" } | { kind: "options", x: number, y: number } | { kind: "leave" }} Sheet
 *
 * @typedef {object} Page
 * @property {import("../words.js").Words} words
 * @property {import("../session.js").Session} session
 * @property {import("@preact/signals").Signal<Sheet | null>} sheet  the dialog that is open
 * @property {import("@preact/signals").Signal<string | null>} replying  the message that is answered
 * @property {import("@preact/signals").Signal<string>} notice  a short sentence for all to see and hear
 * @property {import("@preact/signals").Signal<boolean>} enterSends
 * @property {import("@preact/signals").Signal<string | null>} target  the message to show
 */

export const PageContext = createContext(/** @type {Page | null} */ (null));

/** @returns {Page} */
export function usePage() {
  const page = useContext(PageContext);
  if (page === null) throw new Error("a component of the room stands outside of it");
  return page;
}

/** Colours of names: as many as style.css has. */
const COLOURS = 10;

/**
 * The class that gives a member a colour: by the place in the group, so that it is always the same.
 * @param {readonly string[]} members
 * @param {string} name
 */
export function colour(members, name) {
  const place = members.indexOf(name);
  return place === -1 ? "hue-own" : `hue-${place % COLOURS}`;
}
