"""Whether a reply may be shown: checks in order, the first that objects decides.

Each returns None or one word, which is logged as `rejected`. The agent is then asked once more.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from roomful.core.cards import card_of, spoken
from roomful.core.events import Prompt
from roomful.core.state import SessionState

type Check = Callable[[str, Prompt, SessionState], str | None]
"""Looks at what would be shown, the prompt it answers, and the room as it is."""

LEAKED_LEAST = 8
"""Words in a row from what every prompt says that make a leak: its shortest instruction has as many."""
TEMPLATE_LEAKED_LEAST = 12
"""The same for the study's own template, of which an agent may well take over a phrase."""
FOREIGN_LEAST = 5
"""Letters of another script that make a message one of that script."""
SCRIPT_KNOWN_LEAST = 20
"""Letters in the room before its script counts as known."""

# a word, or one character of the scripts that put no spaces between words
_WORD = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_SAME_SCRIPT = {"FULLWIDTH": "LATIN", "MATHEMATICAL": "LATIN", "HIRAGANA": "CJK", "KATAKANA": "CJK", "HALFWIDTH": "CJK"}


def rejection(text: str, prompt: Prompt, state: SessionState) -> str | None:
    """Why this may not be shown as the answer to a prompt; None if it may."""
    return next((verdict for check in CHECKS if (verdict := check(text, prompt, state))), None)


def empty(text: str, _prompt: Prompt, _state: SessionState) -> str | None:
    """A reply in which there is nothing to show."""
    return None if text else "nothing_to_show"


def leak(text: str, prompt: Prompt, state: SessionState) -> str | None:
    """A reply that recites its instructions. What is in the chat or on its card it may repeat."""
    words = _words(text).split()
    if len(words) < LEAKED_LEAST:
        return None
    template, _, rules = prompt.system.rpartition("\n\n")
    # the messages are data; all else in a prompt is instruction
    ours = _words(rules) + _words(_without_messages(prompt.text))[1:]
    found = [*_common(words, ours, LEAKED_LEAST), *_common(words, _words(template), TEMPLATE_LEAKED_LEAST)]
    if not found:
        return None
    said = [_words(message.content) for message in state.messages]
    # what an agent knows and thinks it may say; how it should write is an instruction like the template
    said.append(_words(spoken(card_of(state.session, prompt.agent_name))))
    return "prompt_leak" if any(all(run not in line for line in said) for run in found) else None


def _without_messages(text: str) -> str:
    return "\n".join([line for line in text.split("\n") if line[:1] != "{" or line[-1] != "}"])


def wrong_script(text: str, _prompt: Prompt, state: SessionState) -> str | None:
    """A reply mostly in a script that no message in the room is mostly in.

    Says nothing of languages that share a script, nor of a room in which little has been written yet.
    """
    found = _script(text)
    if found.name is None or found.letters < FOREIGN_LEAST:
        return None
    known = 0
    # the newest first: nearly always it is in the same script, and nothing more has to be read
    for message in reversed(state.messages):
        said = _script(message.content)
        if said.name == found.name:
            return None
        known += said.known
    return "wrong_script" if known >= SCRIPT_KNOWN_LEAST else None


CHECKS: tuple[Check, ...] = (empty, leak, wrong_script)


# the rules stay the same for a session, and the last messages are looked at again with every reply
@lru_cache(1024)
def _words(text: str) -> str:
    """The words of a text in lower case, a space before, between and behind them."""
    return _spaced(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _spaced(words: Sequence[str]) -> str:
    return f" {' '.join(words)} " if words else " "


def _common(words: Sequence[str], source: str, least: int) -> Iterator[str]:
    """The runs of so many words that are in the source as well."""
    runs = (_spaced(words[start : start + least]) for start in range(len(words) - least + 1))
    return (run for run in runs if run in source)


class _Script(NamedTuple):
    """The script of more than half of a text's letters, if there is one; how many those are; and all letters."""

    name: str | None
    letters: int
    known: int


@lru_cache(1024)
def _script(text: str) -> _Script:
    """Kana count as Han, for Japanese writes both."""
    letters = [char for char in text if char.isalpha()]
    known = len(letters)
    if text.isascii():
        return _Script("LATIN" if letters else None, known, known)
    names = [unicodedata.name(char, "").partition(" ")[0] for char in letters]
    most = Counter(_SAME_SCRIPT.get(name, name) for name in names).most_common(1)
    if not most or 2 * most[0][1] <= known:
        return _Script(None, 0, known)
    return _Script(*most[0], known)
