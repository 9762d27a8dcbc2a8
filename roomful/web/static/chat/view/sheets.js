/** What opens above the room: a message's menu, report and block, group info, leaving. */

import { useState } from "preact/hooks";

import { Avatar, GroupPicture } from "./avatar.js";
import { Dialog } from "./dialog.js";
import { html, usePage } from "./html.js";
import { Icon } from "./icons.js";

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏", "🎉", "👎"];
const REASONS = /** @type {const} */ (["insult", "harass", "false", "spam", "other"]);

/** The dialog that is open, if one is. */
export function Sheets() {
  const sheet = usePage().sheet.value;
  switch (sheet?.kind) {
    case "menu":
      return html`<${MessageMenu} id=${sheet.id} at=${sheet} />`;
    case "report":
      return html`<${ReportSheet} id=${sheet.id} />`;
    case "block":
      return html`<${BlockSheet} member=${sheet.member} blocked=${sheet.blocked} />`;
    case "info":
      return html`<${InfoSheet} />`;
    case "options":
      return html`<${OptionsSheet} at=${sheet} />`;
    case "leave":
      return html`<${LeaveSheet} />`;
    default:
      return null;
  }
}

/** @param {{ id: string, at: { x: number, y: number } }} props */
function MessageMenu({ id, at }) {
  const { words, session, sheet, replying, notice, target } = usePage();
  const message = session.message(id);
  if (message === null) return null;
  /** @param {() => void} act */
  const then = (act) => () => {
    sheet.value = null;
    // once the dialog has given the focus back, so that the act may move it
    setTimeout(act);
  };
  const { sender, own, content, reply_to } = message;
  const copy = () => navigator.clipboard.writeText(content).catch(() => (notice.value = words.say("trouble")));
  const running = session.end.value === null;
  return html`<${Dialog} label=${words.say("message_menu", { name: own ? words.say("you") : sender })} kind="menu" at=${at}>
    ${running && html`<${Picker} message=${message} />`}
    <ul class="choices">
      ${running && html`<${Choice} icon="reply" text=${words.say("reply")} onPick=${then(() => (replying.value = id))} />`}
      ${reply_to !== null &&
      html`<${Choice} icon="up" text=${words.say("show_quoted")} onPick=${then(() => (target.value = reply_to))} />`}
      ${"clipboard" in navigator && html`<${Choice} icon="copy" text=${words.say("copy")} onPick=${then(copy)} />`}
      ${running &&
      !own &&
      html`<${Choice} icon="flag" text=${words.say("report")} onPick=${() => (sheet.value = { kind: "report", id })} />
        <${Choice} icon="forbid" text=${words.say("block", { name: sender })}
          onPick=${() => (sheet.value = { kind: "block", member: sender, blocked: true })} />`}
    </ul>
  <//>`;
}

/** @param {{ icon: string, text: string, onPick: () => void }} props */
function Choice({ icon, text, onPick }) {
  return html`<li><button type="button" onClick=${onPick}><${Icon} name=${icon} /><span>${text}</span></button></li>`;
}

/** @param {{ message: import("../room.js").Message }} props */
function Picker({ message }) {
  const { words, session, sheet } = usePage();
  const mine = message.reactions[session.room.value.you];
  /** @param {string} emoji */
  const pick = (emoji) => () => {
    sheet.value = null;
    session.react(message.message_id, emoji === mine ? null : emoji);
  };
  return html`<div class="picker">
    ${EMOJI.map(
      (emoji) => html`<button type="button" key=${emoji} aria-pressed=${emoji === mine} onClick=${pick(emoji)}
        aria-label=${words.say(emoji === mine ? "react_remove" : "react_with", { emoji })}>${emoji}</button>`,
    )}
  </div>`;
}

/** @param {{ id: string }} props */
function ReportSheet({ id }) {
  const { words, session, sheet, notice } = usePage();
  const [reason, choose] = useState(/** @type {string | null} */ (null));
  const name = session.message(id)?.sender ?? "";
  const report = () => {
    if (reason === null) return;
    session.report(id, reason);
    sheet.value = null;
    notice.value = words.say("reported");
  };
  return html`<${Dialog} label="#sheet-title">
    <h2 id="sheet-title">${words.say("report_title", { name })}</h2>
    <p>${words.say("report_hint", { name })}</p>
    <fieldset>
      <legend class="hidden">${words.say("report")}</legend>
      ${REASONS.map(
        (one) => html`<label key=${one}><input type="radio" name="reason" checked=${one === reason}
          onChange=${() => choose(one)} />${words.say(`reason_${one}`)}</label>`,
      )}
    </fieldset>
    <${Decision} act=${words.say("report")} disabled=${reason === null} onAct=${report} />
  <//>`;
}

/** @param {{ member: string, blocked: boolean }} props */
function BlockSheet({ member, blocked }) {
  const { words, session, sheet, notice } = usePage();
  const block = () => {
    session.block(member, blocked);
    sheet.value = null;
    notice.value = words.say(blocked ? "blocked" : "unblocked", { name: member });
  };
  return html`<${Dialog} label="#sheet-title">
    <h2 id="sheet-title">${words.say("block_title", { name: member })}</h2>
    <p>${words.say("block_hint", { name: member })}</p>
    <${Decision} act=${words.say("block", { name: member })} onAct=${block} />
  <//>`;
}

function LeaveSheet() {
  const { words, session, sheet } = usePage();
  const [erase, choose] = useState(false);
  const leave = () => {
    session.leave(erase);
    sheet.value = null;
  };
  return html`<${Dialog} label="#sheet-title">
    <h2 id="sheet-title">${words.say("leave_title")}</h2>
    <p>${words.say("leave_hint")}</p>
    ${session.room.value.mayDelete &&
    html`<fieldset>
      <legend class="hidden">${words.say("leave_data")}</legend>
      <label><input type="radio" name="data" checked=${!erase} onChange=${() => choose(false)} />${words.say("leave_keep")}</label>
      <label><input type="radio" name="data" checked=${erase} onChange=${() => choose(true)} />${words.say("leave_delete")}</label>
    </fieldset>`}
    <${Decision} act=${words.say("leave")} stay=${words.say("leave_stay")} onAct=${leave} />
  <//>`;
}

/** @param {{ act: string, stay?: string, disabled?: boolean, onAct: () => void }} props */
function Decision({ act, stay, disabled = false, onAct }) {
  const { words, sheet } = usePage();
  return html`<div class="decision">
    <button type="button" onClick=${() => (sheet.value = null)}>${stay ?? words.say("cancel")}</button>
    <button type="button" class="grave" disabled=${disabled} onClick=${onAct}>${act}</button>
  </div>`;
}

/** @param {{ at: { x: number, y: number } }} props */
function OptionsSheet({ at }) {
  const { words, session, sheet, enterSends } = usePage();
  /** @param {Event & { currentTarget: HTMLInputElement }} event */
  const turn = (event) => (enterSends.value = event.currentTarget.checked);
  const running = session.end.value === null;
  return html`<${Dialog} label=${words.say("menu")} kind="menu" at=${at}>
    <ul class="choices">
      <${Choice} icon="people" text=${words.say("group_info")} onPick=${() => (sheet.value = { kind: "info" })} />
      ${running &&
      html`<li><label><input type="checkbox" checked=${enterSends.value} onChange=${turn} />${words.say("enter_sends")}</label></li>
        <${Choice} icon="leave" text=${words.say("leave")} onPick=${() => (sheet.value = { kind: "leave" })} />`}
    </ul>
  <//>`;
}

function InfoSheet() {
  const { words, session, sheet } = usePage();
  const { group, members } = session.room.value;
  return html`<${Dialog} label="#sheet-title" kind="info">
    <button type="button" class="plain corner" aria-label=${words.say("close")} onClick=${() => (sheet.value = null)}>
      <${Icon} name="close" />
    </button>
    <${GroupPicture} picture=${group?.picture} large />
    <h2 id="sheet-title"><bdi>${group?.name}</bdi></h2>
    <p>${words.say("members", { count: members.length + 1 })}</p>
    <ul class="members">
      ${members.map((name) => html`<${Member} key=${name} name=${name} />`)}
      <li><${Avatar} name=${words.say("you")} members=${members} /><span>${words.say("you")}</span></li>
    </ul>
  <//>`;
}

/** @param {{ name: string }} props */
function Member({ name }) {
  const { words, session, sheet, notice } = usePage();
  const { members, pictures, end } = session.room.value;
  const blocked = session.blocked.value.includes(name);
  const toggle = () => {
    if (!blocked) sheet.value = { kind: "block", member: name, blocked: true };
    else {
      session.block(name, false);
      notice.value = words.say("unblocked", { name });
    }
  };
  const label = words.say(blocked ? "unblock" : "block", { name });
  return html`<li>
    <${Avatar} name=${name} members=${members} picture=${pictures[name]} />
    <bdi>${name}</bdi>
    ${end === null &&
    html`<button type="button" class=${blocked ? "plain on" : "plain"} title=${label} aria-label=${label} onClick=${toggle}>
      <${Icon} name="forbid" />
    </button>`}
  </li>`;
}
