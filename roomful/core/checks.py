"""Whether a reply may be shown: checks in order, the first that objects decides.

Each returns None or one word, which is logged as `rejected`. The agent is then asked once more.
"""

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import filterfalse
from typing import get_args

from roomful.core import phrases, prompts
from roomful.core.cards import card_of, spoken
from roomful.core.events import USER, Prompt
from roomful.core.lexicon import folded, spaced, spaced_words, word_set
from roomful.core.personal import personal
from roomful.core.records import value
from roomful.core.state import SessionState
from roomful.core.study import ChatLanguage
from roomful.core.tongues import tongue

type Check = Callable[[str, Prompt, SessionState], str | None]
"""Looks at a cleaned reply before it is cut to the asked length, the prompt it answers, and the room as it is."""

LEAKED_LEAST = 8
"""Words in a row from what every prompt says that make a leak: its shortest instruction has as many."""
TEMPLATE_LEAKED_LEAST = 12
"""The same for the study's own template, of which an agent may well take over a phrase."""
FOREIGN_LEAST = 5
"""Letters of another script that make a message one of that script."""
SCRIPT_KNOWN_LEAST = 20
"""Letters in the room before its script counts as known."""
TONGUE_KNOWN_LEAST = 2
"""Messages of agents in other languages, and none in a reply's own, before that is a foreign one."""
COMPARED_LEAST = 4
"""Words of a message that can be a duplicate: shorter ones people repeat all the time."""
OWN_ALIKE, ALIKE = 0.6, 0.7
"""Jaccard similarity of words to a message of one's own and to one of anybody's that makes a near-duplicate."""
RECENT, OWN_RECENT = 20, 100
"""Messages of the room that a reply is compared with: of everybody's, and of those in which the agent's own stand."""
TIMES_MOST, OVER_MOST = 3, 20
"""How many times as long as asked a message is, and by how many words longer, when that is hopeless."""
LINES_MOST, WORDS_MOST = 3, 90
"""Lines and words of a message that somebody may have typed on a phone; people's have 60 words at most (DeliData)."""
TIMES_BEARABLE = 1.5
"""How many times as long as asked a message is that was asked to be longer than those, and is no essay for it."""

_SCRIPTS = {name: "ARABIC" if name == "ar" else "LATIN" for name in get_args(ChatLanguage.__value__)}
"""The letters of each `chat_language`."""
_SAME_SCRIPT = {"FULLWIDTH": "LATIN", "MATHEMATICAL": "LATIN", "HIRAGANA": "CJK", "KATAKANA": "CJK", "HALFWIDTH": "CJK"}


def rejection(text: str, prompt: Prompt, state: SessionState) -> str | None:
    """Why this may not be shown as the answer to a prompt; None if it may."""
    for check in CHECKS:
        if verdict := check(text, prompt, state):
            return verdict
    return None


def empty(text: str, _prompt: Prompt, _state: SessionState) -> str | None:
    """A reply in which there is nothing to show."""
    return None if text else "nothing_to_show"


def name_prefix(text: str, prompt: Prompt, _state: SessionState) -> str | None:
    """A reply that still says who speaks, of which `clean` could not make a plain message."""
    if not _BEHIND_NAMES.search(text):
        return None
    names = {found["name"].strip(" *_").casefold() for found in _SPEAKER.finditer(text)}
    return "name_prefix" if prompt.agent_name.casefold() in names or not names.isdisjoint(_ROLES) else None


_BEHIND_NAMES = re.compile(r"[:\uff1a>|–—]|-\s")
_SPEAKER = re.compile(r"^[\[<(*]*(?P<name>[^\W\d_][\w .'-]{0,40}?)[\]>)*]*\s?(?::|\uff1a|>|\||[-–—]\s)", re.MULTILINE)
_ROLES = frozenset(
    {"ai", "assistant", "bot", "chatbot", "model", "system", "user", "human", "response", "reply", "answer", "message"}
    | {"output", "narrator", "participant", "assistent", "antwort", "nutzer", "asistente", "usuario", "respuesta"}
    | {"sistema", "المساعد", "النظام", "المستخدم"}
)
"""What stands for a name in transcripts with a model."""


def quoted(text: str, _prompt: Prompt, _state: SessionState) -> str | None:
    """A reply in quotation marks that `clean` could not take away, for they are doubled or one is missing."""
    closing = _CLOSING.get(text[0])
    if closing is None:
        return None
    inside = text[1:]
    return "quoted" if closing not in inside or inside[0] == text[0] else None


_CLOSING = {'"': '"', "“": "”", "„": "“", "«": "»"}


def assistant_speak(text: str, _prompt: Prompt, _state: SessionState) -> str | None:
    """A reply in the phrases of a help desk."""
    return "assistant_speak" if phrases.ASSISTANT.among(text) else None


def bot_answer(text: str, _prompt: Prompt, state: SessionState) -> str | None:
    """A reply that says what the study's policy leaves open: that somebody here is a machine, or is a person."""
    honest = state.session.simulation_config.bot_question_policy == "honest"
    if not honest and phrases.ADMISSION.among(text):
        return "admits_bot"
    return "claims_human" if phrases.CLAIM.among(text) else None


def leak(text: str, prompt: Prompt, state: SessionState) -> str | None:
    """A reply that recites its instructions. What is in the chat or on its card it may repeat."""
    said_words = spaced_words(text)
    if f" {prompts.mark(state.session.seed)} " in said_words:
        return "prompt_leak"
    words = said_words.split()
    if len(words) < LEAKED_LEAST:
        return None
    template, rules = _parts(prompt.system)
    # the messages are data; all else in a prompt is instruction
    lines = [line for line in prompt.text.split("\n") if line[:1] != "{" or line[-1] != "}"]
    # what a line asks for is new in nearly every prompt: its words are looked for only where it may have these
    ours = [rules, *(line for line in lines if sum(map(folded(line).__contains__, words)) >= LEAKED_LEAST)]
    found = [run for source in ours for run in _common(words, source, LEAKED_LEAST)]
    found += _common(words, template, TEMPLATE_LEAKED_LEAST)
    if not found:
        return None
    said = [spaced_words(message.content) for message in state.messages]
    # what an agent knows and thinks it may say; how it should write is an instruction like the template
    said.append(spaced_words(spoken(card_of(state.session, prompt.agent_name))))
    return "prompt_leak" if any(all(run not in line for line in said) for run in found) else None


@lru_cache(256)
def _parts(system: str) -> tuple[str, str]:
    """The study's template and the agent's card, and the rules behind them."""
    template, _, rules = system.rpartition("\n\n")
    return template, rules


def form(text: str, prompt: Prompt, _state: SessionState) -> str | None:
    """A reply of a form that nobody types in a chat: a list, code, a recipe, several paragraphs, an essay."""
    if text.count("\n") >= LINES_MOST or text.count(" ") >= max(WORDS_MOST, TIMES_BEARABLE * prompt.words):
        return "form"
    if _SIGNS.search(text) and (
        _CODE.search(text) or _LISTED.search(text) or len(_AMOUNT.findall(text)) >= AMOUNTS_MOST
    ):
        return "form"
    return None


AMOUNTS_MOST = 3
"""Amounts of ingredients in a message that make it a recipe."""
_SIGNS = re.compile(r"[\d`<>{}=;\\:#(]")
"""Without one of these it is neither code nor a list in one line."""
_CODE = re.compile(
    r"```|`[^`]+`|</?[a-z][\w-]*(?: [^<>]*)?/?>|\b[\w.]+\((?!s\))[^()\n]*\)\s*[;{]|\bdef \w+\s?\(|\bclass \w+\s?[:({]"
    r"|^(?:import [\w.]+(?: as \w+)?\s*$|from [\w.]+ import)|\bprint\(|console\.log|#include|\bSELECT\b.+\bFROM\b"
    r"|\) => |=> \{|[\w)] [=!]==? [\w(\"'].*[:{]\s*$|\b(?:for|while) \w+ in [\w.]+(?:\([^()\n]*\))?:(?:\s*$|.*[=(])"
    r"|\w[;{}]\s*$|\\(?:frac|sqrt|begin|int|sum)\b|(?<!\$)\$\$[^$]+\$\$"
    r"|^\w+ = (?:[\[{\"']|\w+[(.\[]|\d+(?:[-+*/ ]+\w+)*\s*$)",
    re.MULTILINE,
)
_LISTED = re.compile(
    r"\b1[.)]\s.*\b2[.)]\s.*\b3[.)]\s|\bstep 1\b.*\bstep 2\b"
    r"|\b(?:ingredients|zutaten|zubereitung|ingredientes|preparaci[oó]n|elaboraci[oó]n|"
    r"ingr[ée]dients|المكونات|المقادير|طريقة التحضير)(?: [^:\n]{0,30})?\s*:|(?:配料|材料|做法|步骤)\s*[:\uff1a]",
    re.IGNORECASE | re.DOTALL,
)
_AMOUNT = re.compile(
    r"[\d½¼¾]\s?(?:k?g|ml|cl|l|cups?|tbsp|tsp|tablespoons?|teaspoons?|oz|ounces|el|tl|gramm?|grams?|esslöffel|teelöffel|"
    r"prisen?|cucharad(?:as?|itas?)|tazas?|gramos?|غرام|جرام|كوب|ملعقة|克|毫升)\b",
    re.IGNORECASE,
)


def near_duplicate(text: str, prompt: Prompt, state: SessionState) -> str | None:
    """A reply in nearly the same words as one of the agent's own messages, or as one of anybody's last ones."""
    words = word_set(prompts.trimmed(text, prompt.words))
    if len(words) < COMPARED_LEAST:
        return None
    name, messages = prompt.agent_name, state.messages
    own = [message.content for message in messages[-OWN_RECENT:] if message.sender == name]
    others = [message.content for message in messages[-RECENT:] if message.sender != name]
    # what others have ready is in the room before this is
    others += [turn.text for turn in state.turns.values() if turn.text]
    # the longest words last: the fewest messages have them
    ranked = sorted(words, key=len)
    return "near_duplicate" if _alike(ranked, own, OWN_ALIKE) or _alike(ranked, others, ALIKE) else None


def _alike(words: Sequence[str], texts: Sequence[str], least: float) -> bool:
    """Whether the Jaccard similarity of these words to those of one of the texts is at least so much."""
    # of so many words one must be there, or too few are left
    needed = len(words) - math.ceil(least * len(words)) + 1
    apart = frozenset(words[-needed:]).isdisjoint
    for others in filterfalse(apart, map(word_set, texts)):
        shared = len(others.intersection(words))
        if len(others) >= COMPARED_LEAST and shared >= least * (len(words) + len(others) - shared):
            return True
    return False


def too_long(text: str, prompt: Prompt, _state: SessionState) -> str | None:
    """A reply that cannot be cut to anything near the asked length."""
    if not prompt.words:
        return None
    count = len(prompts.trimmed(text, prompt.words).split())
    return "too_long" if count > max(TIMES_MOST * prompt.words, prompt.words + OVER_MOST) else None


def wrong_language(text: str, _prompt: Prompt, state: SessionState) -> str | None:
    """A reply in another language than the room's; None as long as either cannot be told for sure.

    The room's is the study's `chat_language`, else that of the agents' messages. Where the study leaves it open, the
    language in which a participant mostly writes may be answered in.
    """
    found, wanted = tongue(text), state.session.simulation_config.chat_language
    if found is None or found == wanted:
        return None
    if wanted is not None:
        return "wrong_language"
    others = 0
    for message in reversed(state.messages):
        said = tongue(message.content) if message.sender != USER else None
        if said == found:
            return None
        others += said is not None
    if others < TONGUE_KNOWN_LEAST:
        return None
    said_by_user = [tongue(message.content) for message in state.messages if message.sender == USER]
    own, known = said_by_user.count(found), len(said_by_user) - said_by_user.count(None)
    return None if own >= TONGUE_KNOWN_LEAST and 2 * own > known else "wrong_language"


def wrong_script(text: str, _prompt: Prompt, state: SessionState) -> str | None:
    """A reply mostly in a script that no message in the room is mostly in, and the study's `chat_language` neither.

    Says nothing of languages that share a script, nor of a room in which little has been written yet.
    """
    found = _script(text)
    if found.name is None or found.letters < FOREIGN_LEAST:
        return None
    # agents write as the study says, whatever the participant began with
    if found.name == _SCRIPTS.get(state.session.simulation_config.chat_language or ""):
        return None
    known = 0
    # the newest first: nearly always it is in the same script, and nothing more has to be read
    for message in reversed(state.messages):
        said = _script(message.content)
        if said.name == found.name:
            return None
        known += said.known
    return "wrong_script" if known >= SCRIPT_KNOWN_LEAST else None


def harmful(text: str, _prompt: Prompt, state: SessionState) -> str | None:
    """What no treatment allows: advice to harm oneself, threats, and what may be a real person's data."""
    if phrases.SELF_HARM.among(text):
        return "self_harm"
    if phrases.THREAT.among(text):
        return "threat"
    found = list(personal(text))
    return "personal_data" if found and not _is_the_studys(found, state) else None


def _is_the_studys(found: Sequence[str], state: SessionState) -> bool:
    """Whether all of it stands in the study's own texts: then it is nobody's, or meant to be said."""
    study = state.session.experimental_config
    texts = [study.prompt_template, *(message.text for message in study.seeded_messages)]
    texts += [spoken(card_of(state.session, name)) for name in state.session.simulation_config.agent_names]
    told = "".join(spaced_words(text) for text in texts)
    return all(spaced_words(one) in told for one in found)


def unlicensed(text: str, _prompt: Prompt, state: SessionState) -> str | None:
    """What a treatment has to allow by its `licences`: insults, strong words, attacks on political camps."""
    licences = state.session.experimental_config.licences
    words = word_set(text)
    if "incivility" not in licences and _insults(text, words, state):
        return "insult"
    if "profanity" not in licences and (not words.isdisjoint(phrases.PROFANE) or phrases.PROFANITY.among(text)):
        return "profanity"
    return "political_attack" if "political_attack" not in licences and _attacks(words) else None


def _attacks(words: frozenset[str]) -> bool:
    if words.isdisjoint(phrases.ATTACKING):
        return False
    # a party may be one with cake, and what is on the left a street's side: those are attacked as people are
    ambiguous = not words.isdisjoint(phrases.PERHAPS_PARTISAN) and not words.isdisjoint(phrases.DENOUNCING)
    return ambiguous or not words.isdisjoint(phrases.PARTISANS)


def _insults(text: str, words: frozenset[str], state: SessionState) -> bool:
    if phrases.INSULT.among(text):
        return True
    if words.isdisjoint(phrases.OF_PEOPLE):
        return False
    named = word_set(state.session.participant_name)
    # "you" is nobody's name in particular
    return bool(named - {"you"}) and named <= words


CHECKS: tuple[Check, ...] = (
    empty,
    name_prefix,
    quoted,
    assistant_speak,
    bot_answer,
    leak,
    form,
    near_duplicate,
    too_long,
    wrong_script,
    wrong_language,
    harmful,
    unlicensed,
)
"""In the order in which they are asked."""


def _common(words: Sequence[str], source: str, least: int) -> list[str]:
    """The runs of so many words that are in the source as well."""
    known, length = word_set(source), 0
    # so many of the words must be there at all: nearly never are they
    if len(known) < least // 2 or sum(map(known.__contains__, words)) < least:
        return []
    source_words, found = "", []
    for place, word in enumerate(words, 1):
        length = length + 1 if word in known else 0
        if length >= least:
            # its words are all there: nearly never, so only then it is looked for as a whole
            source_words = source_words or spaced_words(source)
            run = spaced(words[place - least : place])
            found += [run] if run in source_words else []
    return found


@value
class _Script:
    """The script of more than half of a text's letters, if there is one; how many those are; and all letters."""

    name: str | None
    letters: int
    known: int


_NO_LETTERS = bytes(set(range(128)) - set(string.ascii_letters.encode()))


@lru_cache(1024)
def _script(text: str) -> _Script:
    """Kana count as Han, for Japanese writes both."""
    plain = len(text.encode("ascii", "ignore").translate(None, _NO_LETTERS))
    others = [] if text.isascii() else [char for char in text if char > "\x7f" and char.isalpha()]
    if not others:
        return _Script("LATIN" if plain else None, plain, plain)
    names = [unicodedata.name(char, "").partition(" ")[0] for char in others]
    found = Counter({"LATIN": plain})
    found.update(_SAME_SCRIPT.get(name, name) for name in names)
    name, letters = found.most_common(1)[0]
    known = plain + len(others)
    return _Script(name, letters, known) if 2 * letters > known else _Script(None, 0, known)
