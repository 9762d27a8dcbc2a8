/** The keyboard's way through the conversation. */

/**
 * Arrow keys go from message to message, Enter opens a message's menu, Escape leads to the composer.
 * @param {import("./html.js").Page} page
 * @returns {(event: KeyboardEvent & { currentTarget: HTMLElement }) => void}
 */
export function steps({ sheet }) {
  return (event) => {
    const list = event.currentTarget;
    const rows = [...list.querySelectorAll("article")];
    const at = rows.findIndex((row) => row === document.activeElement);
    const goal = next(event.key, at, rows.length);
    if (goal !== null) {
      event.preventDefault();
      rows[goal]?.focus();
      rows[goal]?.scrollIntoView({ block: "nearest" });
      return;
    }
    const row = rows[at];
    if (event.key === "Escape") document.querySelector("textarea")?.focus();
    if (row === undefined || (event.key !== "Enter" && event.key !== "ContextMenu")) return;
    event.preventDefault();
    if (row.classList.contains("veiled")) return row.querySelector("button")?.click();
    const { left, top } = row.getBoundingClientRect();
    const id = row.dataset["id"];
    if (id !== undefined) sheet.value = { kind: "menu", id, x: left + 48, y: top + 24 };
  };
}

/**
 * @param {string} key
 * @param {number} at  -1: on no message yet
 * @param {number} count
 * @returns {number | null}
 */
export function next(key, at, count) {
  if (count === 0) return null;
  switch (key) {
    case "ArrowUp":
      return at === -1 ? count - 1 : Math.max(at - 1, 0);
    case "ArrowDown":
      return at === -1 ? null : Math.min(at + 1, count - 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
