/**
 * Sliders that nobody has moved are no answer: they have a value from the start, and no name to be sent under until then.
 * Without this script they stay so, and the page has a field for the number instead: the id, to which the label and the
 * list of problems lead, is that field's then.
 */

for (const slider of document.querySelectorAll("input[type=range]")) {
  if (!(slider instanceof HTMLInputElement)) continue;
  const name = slider.dataset["name"] ?? "";
  slider.id = slider.dataset["id"] ?? "";
  const output = document.querySelector(`output[for="${CSS.escape(slider.id)}"]`);
  const tell = () => {
    slider.name = name;
    slider.classList.remove("untouched");
    if (output) output.textContent = slider.value;
  };
  if (slider.dataset["set"] === undefined) {
    slider.classList.add("untouched");
  } else {
    tell();
  }
  // a press where the thumb is already is an answer too, and no input
  for (const event of ["input", "pointerup", "keydown"]) {
    slider.addEventListener(event, (happened) => {
      if (!(happened instanceof KeyboardEvent) || happened.key !== "Tab") tell();
    });
  }
}
