"""How scripted agents put words together: each person in a way of their own that stays the same for a session."""

import re
from dataclasses import dataclass
from functools import lru_cache

from roomful.core.chance import draw
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
    return f"{head}, {text}" if re.match(r"I\b", text) else f"{head}, {text[0].lower()}{text[1:]}"


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
    shorts: dict[str, str]

    def write(self, text: str, more: str, emoji: tuple[str, ...], chance: int) -> str:
        """Write a line this person's way, with `more` if they are wordy; `chance` is 53 random bits."""
        digits = [(chance >> shift & 0x3FF) / 1024 for shift in (0, 10, 20, 30, 40)]
        text = text + more if more and digits[0] < self.wordy else text
        text = text.lower() if self.lower else text[:1].upper() + text[1:]
        if not self.commas:
            text = text.replace(",", "")
        text = self._spelt(text, slip=digits[1] < self.slips)
        if text[-1:].isalnum():
            text += "." if digits[2] < self.stop else "!" if digits[2] > 1 - self.exclaim else ""
        if digits[3] < self.emoji and emoji and not text.endswith("?"):
            text += " " + emoji[int(digits[4] * len(emoji))]
        return text

    def _spelt(self, text: str, *, slip: bool) -> str:
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
    shorts = {word: short for word, short in SHORT.items() if u(word) < 0.6} if hasty > 0.7 else {}
    return Style(
        lower=hasty > 0.6,
        commas=u("commas") > hasty - 0.2,
        apostrophes=u("apostrophes") > hasty - 0.2,
        stop=0.5 * u("stop") if hasty < 0.4 else 0.0,
        exclaim=0.12 * u("exclaim") ** 2,
        emoji=0.22 * u("emoji") ** 2,
        slips=0.1 * hasty * u("slips"),
        wordy=0.7 * u("wordy"),
        shorts=shorts,
    )
