/** The way in: a token from the link, or a field that asks for it. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { html } from "./html.js";

/**
 * @typedef {import("../messages/en.js").Key} Key
 * @typedef {import("../arrival.js").Ticket} Ticket
 */

/**
 * @param {object} props
 * @param {import("../words.js").Words} props.words
 * @param {string} props.token
 * @param {boolean} props.asksName
 * @param {Key | null} props.fault
 * @param {(ticket: Ticket) => Promise<Key | null>} props.onJoin  tells what went wrong
 */
export function Entry({ words, token, asksName, fault, onJoin }) {
  const [written, setToken] = useState(token);
  const [name, setName] = useState("");
  const [problem, setProblem] = useState(fault);
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const ready = written.trim() !== "" && (!asksName || name.trim() !== "");
  const focus = () => {
    const fields = [...(form.current?.querySelectorAll("input") ?? [])];
    (fields.find((field) => field.value === "") ?? fields[0])?.focus();
  };
  useLayoutEffect(focus, []);
  /** @param {Event} event */
  const join = async (event) => {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    setProblem(null);
    setProblem(await onJoin({ token: written.trim(), name: asksName ? name.trim() : null }));
    setBusy(false);
    focus();
  };
  return html`<main class="entry">
    <form ref=${form} onSubmit=${join}>
      <h1>${words.say("join_title")}</h1>
      <p>${words.say("join_hint")}</p>
      <${Field} id="token" label=${words.say("token")} value=${written} onInput=${setToken} faulty=${problem !== null} />
      ${asksName && html`<${Field} id="name" label=${words.say("your_name")} value=${name} onInput=${setName} longest="40" />`}
      <p class="problem" id="problem" role="alert">${problem !== null && words.say(problem)}</p>
      <button type="submit" disabled=${!ready || busy}>${words.say(busy ? "joining" : "join")}</button>
    </form>
  </main>`;
}

/**
 * @param {{ id: string, label: string, value: string, onInput: (value: string) => void, faulty?: boolean,
 *   longest?: string }} props
 */
function Field({ id, label, value, onInput, faulty = false, longest = "200" }) {
  /** @param {Event & { currentTarget: HTMLInputElement }} event */
  const typed = (event) => onInput(event.currentTarget.value);
  return html`<label for=${id}>${label}</label>
    <input id=${id} name=${id} value=${value} dir="auto" maxlength=${longest} autocomplete="off" autocapitalize="off" spellcheck="false"
      aria-invalid=${faulty} aria-describedby="problem" onInput=${typed} />`;
}
