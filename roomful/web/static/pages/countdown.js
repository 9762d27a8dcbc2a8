/** Time that runs out: where the page says how much of it is left, this keeps saying so. The server decides. */

const shown = document.querySelector("[data-left]");
if (shown instanceof HTMLTimeElement) {
  const end = Date.now() + Number(shown.dataset["left"]) * 1000;
  const tell = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    shown.dateTime = `PT${left}S`;
    if (left === 0) clearInterval(ticking);
  };
  const ticking = setInterval(tell, 1000);
}
