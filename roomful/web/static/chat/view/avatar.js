/** The picture of a member or of the group: a file of the study's, or letters on a colour. */

import { useState } from "preact/hooks";

import { initials } from "../text.js";
import { colour, html } from "./html.js";
import { Icon } from "./icons.js";

/** @param {{ name: string, members: readonly string[], picture?: string | undefined, large?: boolean }} props */
export function Avatar({ name, members, picture, large = false }) {
  const [missing, miss] = useState(false);
  const size = large ? "avatar large" : "avatar";
  if (picture && !missing) return html`<img class=${size} src=${picture} alt="" width="40" height="40" onError=${() => miss(true)} />`;
  return html`<span class=${`${size} ${colour(members, name)}`} aria-hidden="true">${initials(name)}</span>`;
}

/** @param {{ picture: string | null | undefined, large?: boolean }} props */
export function GroupPicture({ picture, large = false }) {
  const size = large ? "avatar group large" : "avatar group";
  if (picture) return html`<img class=${size} src=${picture} alt="" width="40" height="40" />`;
  return html`<span class=${size} aria-hidden="true"><${Icon} name="people" /></span>`;
}
