/** A dialog of the browser's own: it holds the focus, closes by Escape, and gives the focus back. */

import { useLayoutEffect, useRef } from "preact/hooks";

import { html, usePage } from "./html.js";

/**
 * @param {object} props
 * @param {string} props.label  the id of its heading, or its name where it has none
 * @param {string} [props.kind]
 * @param {{ x: number, y: number }} [props.at]  where to open it on a wide screen
 * @param {import("preact").ComponentChildren} props.children
 */
export function Dialog({ label, kind = "", at, children }) {
  const { sheet } = usePage();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const close = () => (sheet.value = null);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element === null) return undefined;
    const opener = document.activeElement;
    element.showModal();
    if (at !== undefined) place(element, at);
    return () => {
      element.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
    };
  }, []);
  /** @param {MouseEvent} event */
  const outside = (event) => event.target === dialog.current && close();
  const named = label.startsWith("#") ? { "aria-labelledby": label.slice(1) } : { "aria-label": label };
  return html`<dialog ref=${dialog} class=${`sheet ${kind}`} ...${named} onCancel=${close} onClick=${outside}>
    <div class="sheet-body">${children}</div>
  </dialog>`;
}

/**
 * @param {HTMLDialogElement} element
 * @param {{ x: number, y: number }} at
 */
function place(element, { x, y }) {
  const { width, height } = element.getBoundingClientRect();
  const column = document.querySelector(".room")?.getBoundingClientRect() ?? document.body.getBoundingClientRect();
  const left = Math.max(column.left + 8, Math.min(x, column.right - width - 8));
  const top = y + height + 8 > innerHeight ? Math.max(8, y - height) : y;
  element.style.setProperty("--left", `${left}px`);
  element.style.setProperty("--top", `${top}px`);
}
