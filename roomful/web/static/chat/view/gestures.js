/** What a finger does to a message: a swipe answers it, a long press (or a right click) opens its menu. */

const BEGINS = 12;
const MOST = 72;
const ENOUGH = 48;
const LONG = 480;

/**
 * @param {HTMLElement} row
 * @param {() => void} onSwipe
 * @param {(x: number, y: number) => void} onHold
 * @returns {() => void}  stops listening
 */
export function swipes(row, onSwipe, onHold) {
  const stop = new AbortController();
  const options = { signal: stop.signal, passive: true };
  /** @type {{ x: number, y: number, moved: number, timer: number } | null} */
  let touch = null;
  const release = () => {
    if (touch === null) return;
    clearTimeout(touch.timer);
    touch = null;
    row.classList.remove("swiped");
    row.style.removeProperty("--swipe");
  };
  /** @param {number} x @param {number} y */
  const hold = (x, y) => {
    release();
    onHold(x, y);
  };
  row.addEventListener("touchstart", (event) => {
    release();
    const [finger] = event.touches;
    if (finger === undefined || event.touches.length > 1) return;
    const { clientX: x, clientY: y } = finger;
    touch = { x, y, moved: 0, timer: setTimeout(() => hold(x, y), LONG) };
  }, options);
  row.addEventListener("touchmove", (event) => {
    const [finger] = event.touches;
    if (touch === null || finger === undefined) return;
    const along = (finger.clientX - touch.x) * (getComputedStyle(row).direction === "rtl" ? -1 : 1);
    const across = Math.abs(finger.clientY - touch.y);
    if (Math.abs(along) > BEGINS || across > BEGINS) clearTimeout(touch.timer);
    if (touch.moved === 0 && across > BEGINS) return release();
    touch.moved = along > BEGINS ? Math.min(along, MOST) : 0;
    row.classList.toggle("swiped", touch.moved > 0);
    row.style.setProperty("--swipe", `${touch.moved}px`);
  }, options);
  row.addEventListener("touchend", () => {
    const enough = touch !== null && touch.moved >= ENOUGH;
    release();
    if (enough) onSwipe();
  }, options);
  row.addEventListener("touchcancel", release, options);
  row.addEventListener("contextmenu", (event) => {
    const selected = String(getSelection()) !== "";
    if (selected || (event.target instanceof Element && event.target.closest("a") !== null)) return;
    event.preventDefault();
    hold(event.clientX, event.clientY);
  }, { signal: stop.signal });
  return () => {
    release();
    stop.abort();
  };
}
