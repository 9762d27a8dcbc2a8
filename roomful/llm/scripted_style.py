"""How scripted agents put words together: each person in a way of their own that stays the same for a session."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from roomful.core.chance import draw
from roomful.core.records import value
from roomful.llm.scripted_lines import REVISITS

SHORT = {
    "you": "u",
    "your": "ur",
    "though": "tho",
    "because": "cos",
    "tomorrow": "tmrw",
    "probably": "prob",
    "please": "pls",
    "thanks": "thx",
    "people": "ppl",
    "really": "rly",
    "about": "abt",
    "definitely": "defo",
    "minutes": "mins",
    "tonight": "tonite",
    "something": "smth",
}
SLIPS = {
    "the": "teh",
    "that": "taht",
    "just": "jsut",
    "with": "wiht",
    "again": "agian",
    "until": "untill",
    "apparently": "apparantly",
    "believe": "beleive",
    "going": "gonig",
    "weird": "wierd",
    "actually": "actualy",
    "everyone": "eveyrone",
    "have": "ahve",
}
_KEPT_APOSTROPHES = {
    "we're",
    "we'll",
    "he'll",
    "she'll",
    "i'll",
    "i'd",
    "she'd",
    "he'd",
    "we'd",
    "you're",
    "they're",
    "who's",
}


def revisited(text: str, again: int) -> str:
    """The text with a beginning that takes it up again, another one for each time."""
    leads: list[str] = []
    while again and len(leads) < 5:
        again, which = divmod(again - 1, len(REVISITS))
        leads.append(REVISITS[which])
    for lead in leads:
        text = joined(lead, text)
    return text


def joined(head: str, text: str) -> str:
    """The text after a head, as one sentence."""
    if not head:
        return text
    return f"{head}, {text}" if _SAYS_I.match(text) else f"{head}, {text[0].lower()}{text[1:]}"


_SAYS_I = re.compile(r"I\b")


@value
class Draft:
    """A message before its writer's style: sentences, or parts of one in lower case, in this order."""

    parts: Sequence[str]
    lead: str = ""
    close: str = ""
    emoji: Sequence[str] = ()


def _sentences(draft: Draft, joint: str) -> str:
    text = draft.parts[0]
    if draft.lead:
        ties = draft.lead.endswith((" but", " so", " and"))
        text = f"{draft.lead} {_continued(text)}" if ties else f"{draft.lead}, {_continued(text)}"
    for part in draft.parts[1:]:
        if part[0].islower():
            text = f"{text}, {part}"
        else:
            text = f"{text} {part}" if text.endswith("?") else f"{text}{joint}{part}"
    return f"{text}, {draft.close}" if draft.close and not text.endswith("?") else text


def _continued(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if first in _CAPITALS else f"{text[0].lower()}{text[1:]}"


_CAPITALS = {"I", "I'm", "I've", "I'd", "I'll", "Tuesday", "Thursday"}


@dataclass(frozen=True, slots=True)
class Style:
    """How one person writes."""

    lower: bool
    commas: bool
    apostrophes: bool
    stop: float
    exclaim: float
    emoji: float
    slips: float
    wordy: float
    joint: str
    """What stands between two sentences."""
    shorts: dict[str, str]

    def write(self, text: str, more: str, emoji: tuple[str, ...], chance: int) -> str:
        """Write a line this person's way, with `more` if they are wordy; `chance` is 53 random bits."""
        digits = [(chance >> shift & 0x3FF) / 1024 for shift in (0, 10, 20, 30, 40)]
        text = text + more if more and digits[0] < self.wordy else text
        text = text.lower() if self.lower else text[:1].upper() + text[1:]
        if not self.commas:
            text = text.replace(",", "")
        text = self._spelt(text, slip=digits[1] < self.slips)
        text += self._end(text, digits[2])
        if digits[3] < self.emoji and emoji and not text.endswith("?"):
            text += " " + emoji[int(digits[4] * len(emoji))]
        return text

    def dress(self, draft: Draft, chance: int, *, with_emoji: bool | None) -> str:
        """Write what is given in parts this person's way, with an emoji, without one, or as they like (None)."""
        digits = [(chance >> shift & 0x3FF) / 1024 for shift in (5, 15, 25, 35)]
        text = _sentences(draft, self.joint)
        text = text.lower() if self.lower else text[:1].upper() + text[1:]
        if not self.commas:
            text = text.replace(",", "")
        text = self._spelt(text, slip=digits[0] < self.slips)
        single = " " not in text
        # how a message of one word ends is part of what makes it another one than the others
        text += "" if single else self._end(text, digits[1])
        wanted = digits[2] < self.emoji and not text.endswith("?") if with_emoji is None else with_emoji
        if wanted and draft.emoji:
            text += ("" if single else " ") + draft.emoji[int(digits[3] * len(draft.emoji))]
        return text

    def _end(self, text: str, u: float) -> str:
        if not text[-1:].isalnum():
            return ""
        return "." if u < self.stop else "!" if u > 1 - self.exclaim else ""

    def _spelt(self, text: str, *, slip: bool) -> str:
        if self.apostrophes and not self.shorts and not slip:
            # no word of it would change
            return text
        words = text.split(" ")
        for place, word in enumerate(words):
            bare = word.rstrip(",.?!")
            spelt = self.shorts.get(bare, bare)
            if slip and bare in SLIPS:
                spelt, slip = SLIPS[bare], False
            elif not self.apostrophes and bare.lower() not in _KEPT_APOSTROPHES:
                spelt = spelt.replace("'", "")
            words[place] = spelt + word[len(bare) :]
        return " ".join(words)


@lru_cache(maxsize=4096)
def style_of(seed: int, name: str) -> Style:
    """Draw a person's way of writing from the session's seed and the name, so that it stays the same."""

    def u(what: str) -> float:
        return draw(seed, "scripted", "style", name, what)

    hasty = u("hasty")
    commas = u("commas") > hasty - 0.2
    shorts = {word: short for word, short in SHORT.items() if u(word) < 0.6} if hasty > 0.7 else {}
    return Style(
        lower=hasty > 0.6,
        commas=commas,
        apostrophes=u("apostrophes") > hasty - 0.2,
        stop=0.5 * u("stop") if hasty < 0.4 else 0.0,
        exclaim=0.12 * u("exclaim") ** 2,
        emoji=0.22 * u("emoji") ** 2,
        slips=0.1 * hasty * u("slips"),
        wordy=0.7 * u("wordy"),
        joint=". " if hasty <= 0.6 else ", " if commas and u("joint") < 0.5 else "... ",
        shorts=shorts,
    )
