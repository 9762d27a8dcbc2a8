/** Drawn signs: strokes on a 24 × 24 field, in the colour of the text around them. */

import { html } from "./html.js";

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  dots: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  down: "M6 9.5l6 6 6-6",
  flag: "M6 21V4h11l-2.5 4L17 12H6",
  forbid: "M5.6 5.6l12.8 12.8M12 3a9 9 0 100 18 9 9 0 000-18z",
  leave: "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 010 6.4M18 14.6c2.1.8 3.5 2.8 3.5 5.4",
  reply: "M10 6l-6 6 6 6M4.5 12H14c3.5 0 6 2 6 6",
  up: "M12 20V8M6.5 13L12 7.5l5.5 5.5M5 3.5h14",
  send: "M12 19V5M5.5 11.5L12 5l6.5 6.5",
};

/** @param {{ name: keyof typeof PATHS }} props */
export function Icon({ name }) {
  return html`<svg class=${`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

const TICKS = {
  pending: "M9 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM9 5v3.2l2 1.3",
  stored: "M4 8.5l3 3 6.5-7",
  delivered: "M1.5 8.5l3 3 6.5-7M8.5 11l.5.5 6.5-7",
  read: "M1.5 8.5l3 3 6.5-7M8.5 11l.5.5 6.5-7",
  unsent: "M9 3.5v5.5M9 12v.01",
};

/**
 * What has become of one's own message.
 * @param {{ status: keyof typeof TICKS, words: import("../words.js").Words }} props
 */
export function Ticks({ status, words }) {
  return html`<span class=${`ticks ticks-${status}`} role="img" aria-label=${words.say(`status_${status}`)}>
    <svg viewBox="0 0 18 16" aria-hidden="true"><path d=${TICKS[status]} /></svg>
  </span>`;
}
