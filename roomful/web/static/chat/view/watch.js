/** Which messages are on the screen. */

// half of a message, or of the screen where a message is longer than that
const ENOUGH = 0.5;

/**
 * @param {import("preact").RefObject<HTMLElement | null>} list
 * @param {import("../session.js").Session} session
 * @returns {import("./bubble.js").Watch}
 */
export function watching(list, session) {
  /** @type {IntersectionObserver | null} */
  let observer = null;
  const observers = () => {
    observer ??= new IntersectionObserver((entries) => entries.forEach(seen), { root: list.current, threshold: [0, ENOUGH] });
    return observer;
  };
  /** @param {IntersectionObserverEntry} entry */
  const seen = ({ target, intersectionRatio, intersectionRect, rootBounds }) => {
    const id = target instanceof HTMLElement ? target.dataset["id"] : undefined;
    if (id === undefined) return;
    const on = intersectionRatio >= ENOUGH || intersectionRect.height >= (rootBounds?.height ?? Infinity) * ENOUGH;
    session.note({ type: "sight", message_id: id, on, at: Date.now() });
  };
  // a tab that comes back has its messages on the screen again
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || observer === null) return;
    const rows = list.current?.querySelectorAll("article[data-id]") ?? [];
    rows.forEach((row) => (observer?.unobserve(row), observer?.observe(row)));
  });
  return {
    observe: (element) => observers().observe(element),
    unobserve: (element) => observer?.unobserve(element),
  };
}
