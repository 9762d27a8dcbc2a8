"""Words and phrases as a check sees them: without capitals, punctuation and width; and lists of phrases to look for."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

# a word, or one character of the scripts that put no spaces between words
_WORD = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_PLAIN = re.compile("[a-z0-9]+")
"""The same in ASCII without capitals, quicker."""
_ARABIC: Mapping[int, str | None] = {
    **{ord(one): "ا" for one in "أإآٱ"},
    ord("ى"): "ي",
    **dict.fromkeys((*range(0x64B, 0x653), 0x640)),
}
"""Vowel signs and forms of letters that people leave out or write alike."""


# the rules stay the same for a session, and the last messages are looked at again with every reply
@lru_cache(4096)
def spaced_words(text: str) -> str:
    """The words of a text in lower case, a space before, between and behind them."""
    return spaced((_PLAIN if text.isascii() else _WORD).findall(folded(text)))


def folded(text: str) -> str:
    """A text without capitals and width; its words stand in it as `spaced_words` has them."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(_ARABIC)


@lru_cache(4096)
def word_set(text: str) -> frozenset[str]:
    """The different words of a text, in lower case."""
    return frozenset(spaced_words(text).split())


def spaced(words: Sequence[str]) -> str:
    """Words with a space before, between and behind them."""
    return f" {' '.join(words)} " if words else " "


class Lexicon:
    """Phrases to look for in the words of a text: each by a key, a word without which none of its phrases can stand.

    A phrase is a regular expression of words with single spaces between them; `i ?m` is both "I'm" and "im".
    """

    def __init__(self, phrases: Mapping[str, Sequence[str]]) -> None:
        self._phrases: dict[str, list[str]] = {}
        for keys, ours in phrases.items():
            for key in spaced_words(keys).split():
                self._phrases.setdefault(key, []).extend(ours)
        self._keys = frozenset(self._phrases)
        self._patterns: dict[str, re.Pattern[str]] = {}

    def among(self, text: str) -> bool:
        """Whether one of the phrases stands in a text."""
        found = word_set(text)
        # nearly every message has none of the keys
        if self._keys.isdisjoint(found):
            return False
        words = spaced_words(text)
        return any(self._pattern(key).search(words) for key in self._keys & found)

    def _pattern(self, key: str) -> re.Pattern[str]:
        # all of them together take a quarter of a second to compile, and most are never needed
        if key not in self._patterns:
            phrases = "|".join(_pattern_of(phrase) for phrase in self._phrases[key])
            self._patterns[key] = re.compile(f"(?:{phrases})(?= )")
        return self._patterns[key]


def _pattern_of(phrase: str) -> str:
    """A phrase as words are seen; one that begins with ^ stands at the beginning of a text only."""
    words = folded(phrase)
    return f"^ (?:{words[1:]})" if words.startswith("^") else f" (?:{words})"
