/** Where the participant writes. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { keep, recall } from "../storage.js";
import { candidates, difference, lengthOf, mentionAt } from "../text.js";
import { Quote } from "./bubble.js";
import { html, usePage } from "./html.js";
import { Icon } from "./icons.js";

/** @typedef {InputEvent & { currentTarget: HTMLTextAreaElement }} Typed */

/** The field, the message that is answered, the names that may be mentioned, and why something was not sent. */
export function Composer() {
  const page = usePage();
  const { words, session, replying, enterSends } = page;
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const [text, setText] = useDraft(field);
  const [caret, setCaret] = useState(0);
  const [chosen, choose] = useState(0);
  const [dismissed, dismiss] = useState(false);
  const [reason, setReason] = useRefusals(field, text, setText);
  const names = dismissed ? [] : offered(text, caret, session.members.value);
  const excess = lengthOf(text.trim()) - session.room.value.longest;
  const ready = text.trim() !== "" && excess <= 0;
  const send = () => {
    if (!ready) return;
    session.say(text.trim(), replying.value);
    replying.value = null;
    setText("");
    setReason(null);
    field.current?.focus();
  };
  /** @param {string} name */
  const mention = (name) => {
    const { start } = mentionAt(text, caret) ?? { start: caret };
    const before = `${text.slice(0, start)}@${name} `;
    setText(before + text.slice(caret));
    moveCaret(field.current, before.length);
    setCaret(before.length);
  };
  /** @param {Typed} event */
  const typed = (event) => {
    const { value, selectionStart } = event.currentTarget;
    session.note({ type: "input", ...difference(text, value), paste: event.inputType === "insertFromPaste", at: Date.now() });
    setText(value);
    setCaret(selectionStart);
    choose(0);
    dismiss(false);
  };
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    // while an input method composes, Enter chooses a word
    if (event.isComposing || event.keyCode === 229) return;
    const act = names.length > 0 ? listKey(event.key, names, chosen, { choose, mention, dismiss }) : null;
    const sends = event.key === "Enter" && !event.shiftKey && enterSends.value;
    if (act === null && event.key === "Escape" && replying.value !== null) replying.value = null;
    if (act === null && !sends) return;
    event.preventDefault();
    (act ?? send)();
  };
  return html`<form class="composer" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
    ${names.length > 0 && html`<${Names} names=${names} chosen=${chosen} onPick=${mention} />`}
    <p class="reason" role="alert">${reason !== null && html`<span>${reason}</span>`}</p>
    ${replying.value !== null && html`<${Replying} id=${replying.value} />`}
    <div class="line">
      <textarea ref=${field} rows="1" dir="auto" value=${text} aria-label=${words.say("write")} placeholder=${words.say("write")}
        enterkeyhint=${enterSends.value ? "send" : "enter"} autocomplete="off" aria-autocomplete="list"
        aria-controls=${names.length > 0 ? "names" : undefined} aria-activedescendant=${names.length > 0 ? `name-${chosen}` : undefined}
        onInput=${typed} onKeyDown=${pressed} onSelect=${() => setCaret(field.current?.selectionStart ?? 0)}
        onFocus=${() => session.note({ type: "change", what: "composer_focus", at: Date.now() })}
        onBlur=${() => session.note({ type: "change", what: "composer_blur", at: Date.now() })} />
      ${excess > 0 && html`<span class="excess" role="status">${words.say("too_long", { count: excess })}</span>`}
      <button type="submit" class="send" disabled=${!ready} aria-label=${words.say("send")}><${Icon} name="send" /></button>
    </div>
  </form>`;
}

/**
 * @param {string} text
 * @param {number} caret
 * @param {readonly string[]} members
 */
function offered(text, caret, members) {
  const mention = mentionAt(text, caret);
  const found = mention === null ? [] : candidates(mention.typed, members);
  // a name that is written out needs no offer
  return found.length === 1 && found[0] === mention?.typed ? [] : found;
}

/**
 * What a key does while names are offered.
 * @param {string} key
 * @param {readonly string[]} names
 * @param {number} chosen
 * @param {{ choose: (index: number) => void, mention: (name: string) => void, dismiss: (yes: boolean) => void }} acts
 * @returns {(() => void) | null}
 */
function listKey(key, names, chosen, { choose, mention, dismiss }) {
  switch (key) {
    case "ArrowDown":
      return () => choose((chosen + 1) % names.length);
    case "ArrowUp":
      return () => choose((chosen + names.length - 1) % names.length);
    case "Enter":
    case "Tab":
      return () => mention(names[chosen] ?? "");
    case "Escape":
      return () => dismiss(true);
    default:
      return null;
  }
}

/** @param {{ names: readonly string[], chosen: number, onPick: (name: string) => void }} props */
function Names({ names, chosen, onPick }) {
  const { words } = usePage();
  return html`<ul class="names" id="names" role="listbox" aria-label=${words.say("mention")}>
    ${names.map(
      (name, index) => html`<li key=${name} id=${`name-${index}`} role="option" aria-selected=${index === chosen}
        onMouseDown=${(/** @type {Event} */ event) => (event.preventDefault(), onPick(name))}><bdi>${name}</bdi></li>`,
    )}
  </ul>`;
}

/** @param {{ id: string }} props */
function Replying({ id }) {
  const { words, replying } = usePage();
  return html`<div class="replying">
    <${Quote} id=${id} />
    <button type="button" class="plain" aria-label=${words.say("reply_cancel")} onClick=${() => (replying.value = null)}>
      <${Icon} name="close" />
    </button>
  </div>`;
}

/**
 * The text that is being written, as it was before a reload; the field grows with it.
 * @param {import("preact").RefObject<HTMLTextAreaElement | null>} field
 * @returns {[string, (text: string) => void]}
 */
function useDraft(field) {
  const { session, replying } = usePage();
  const [text, setText] = useState(() => String(recall(`${session.id}:draft`) ?? ""));
  useEffect(() => {
    keep(`${session.id}:draft`, text === "" ? null : text);
  }, [text]);
  useEffect(
    () =>
      replying.subscribe((id) => {
        keep(`${session.id}:replying`, id);
        if (id !== null) field.current?.focus();
      }),
    [],
  );
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  return [text, setText];
}

/**
 * A message that was not taken comes back into the field, before what has been written since, with the reason.
 * @param {import("preact").RefObject<HTMLTextAreaElement | null>} field
 * @param {string} text
 * @param {(text: string) => void} setText
 * @returns {[string | null, (reason: string | null) => void]}
 */
function useRefusals(field, text, setText) {
  const { words, session, replying } = usePage();
  const [reason, setReason] = useState(/** @type {string | null} */ (null));
  const refusal = session.room.value.refusal;
  useEffect(() => {
    if (refusal === null) return;
    setText(text === "" ? refusal.content : `${refusal.content}\n${text}`);
    replying.value ??= refusal.reply_to;
    setReason(words.say(refusalKey(refusal.reason)));
    field.current?.focus();
  }, [refusal?.count]);
  return [reason, setReason];
}

/** @param {string} reason */
function refusalKey(reason) {
  switch (reason) {
    case "empty":
    case "too_long":
    case "too_frequent":
    case "unknown_message":
    case "store":
      return /** @type {const} */ (`refused_${reason}`);
    default:
      return "refused_other";
  }
}

/**
 * @param {HTMLTextAreaElement | null} field
 * @param {number} at
 */
function moveCaret(field, at) {
  // after the new text is in the field
  setTimeout(() => {
    field?.focus();
    field?.setSelectionRange(at, at);
  });
}
