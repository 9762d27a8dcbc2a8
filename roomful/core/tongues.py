"""In which language a text is, told by its most frequent words; or by its script, where few languages share that."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from roomful.core.lexicon import spaced_words, word_set

SURE_LEAST = 1.5
"""Frequent words of a language that make a text one of it; a word of several languages counts in parts for each."""
SURE_SHARE = 0.2
"""The share of a text's words that those must be: names and borrowed words prove nothing."""
SURE_LEAD = 2.5
"""How many times as many of them there must be as of any other language."""
SCRIPT_LEAST = 4
"""Letters of a script that tell the language by themselves."""

NAMES: Mapping[str, str] = {
    "en": "English", "de": "German", "es": "Spanish", "ar": "Arabic", "fr": "French", "it": "Italian",
    "pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "sv": "Swedish", "tr": "Turkish", "ru": "Russian",
    "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "el": "Greek", "he": "Hebrew", "hi": "Hindi",
}  # fmt: skip
"""The languages that are told apart."""

_FREQUENT = {
    "en": (
        "the and you that it is are was were have has had they this with for not but what your my of to be will "
        "would can could should just there their them from about how who why when where some any been do does did "
        "doesn don isn i we she he if or than then because which think know really going one too out all more "
        "here right good very much see me no yes so up on at an get got go went like want need anyone someone "
        "nobody today tomorrow people day time again still never always maybe let s t m d re ve ll car love"
    ),
    "de": (
        "und der die das ist nicht ich du wir ihr sie mit für auf ein eine einen einem einer auch noch schon aber "
        "oder wenn wie was wer wo warum weil dass doch mal nur sehr von zum zur im am den dem des sich haben habe "
        "hast hat sind bin bist war wird werden kann können muss müssen mein dein sein kein keine nein ja hier "
        "dort heute morgen immer gut mehr nach bei über unter vor aus uns euch mir dir mich dich ihn ihm gibt "
        "etwas alles machen gerade halt später vorbei komme so wieder nie leider vielleicht finde glaube jetzt "
        "wann ob ihre euer"
    ),
    "es": (
        "que el la los las un una unos unas de del en y pero porque con por para como cuando donde qué quién cómo "
        "dónde está están estoy eres soy son somos es ser hay muy más también ya no sí se lo le les me te nos mi "
        "tu su este esta esto eso ese esa todo todos nada algo aquí ahora bien hoy mañana tengo tiene tienes "
        "puedo puede hacer hace creo gracias claro favor si yo tú usted ella él ellos desde hasta sin sobre al a "
        "o alguien nadie siempre nunca mucho poco vez mismo tan otra otro he ha han visto venir"
    ),
    "fr": (
        "le la les un une des du de et est que qui pas ne je tu il elle nous vous ils elles on avec pour dans sur "
        "mais ou où donc car ce cette ces mon ton son ma ta sa mes tes ses au aux plus très bien oui non aussi "
        "être avoir fait suis es sommes êtes sont ai as avons avez ont qu quoi pourquoi comment quand tout tous "
        "rien ici merci désolé sais"
    ),
    "it": (
        "il lo la i gli le un uno una di del della dei delle che e è non per con su da dal dalla nel nella ma "
        "anche come quando dove perché chi cosa io tu lui lei noi voi loro sono sei siamo siete ho hai ha abbiamo "
        "avete hanno mi ti ci vi si mio tuo suo questo questa quello quella molto più bene sì no grazie tutto "
        "tutti niente qui ora oggi domani al alla"
    ),
    "pt": (
        "o a os as um uma de do da dos das em no na nos nas que e é não com por para mas como quando onde porque "
        "quem eu tu você ele ela nós vocês eles elas sou és são somos está estão estou tem tenho muito mais bem "
        "também já sim meu minha seu sua isso isto este esta aqui hoje amanhã obrigado obrigada tudo nada ao à "
        "pelo pela"
    ),
    "nl": (
        "de het een en van is dat die niet ik jij je we wij jullie ze zij met voor op in aan te om ook nog maar "
        "of als hoe wat wie waar waarom omdat er zijn ben bent was heb hebt heeft hebben kan kunnen moet moeten "
        "mijn jouw geen nee ja hier daar vandaag morgen altijd goed meer naar bij over onder uit ons mij hem haar "
        "iets alles wel"
    ),
    "pl": (
        "i w nie na się z do to jest że jak co ale tak o po już mnie ty ja my wy oni dla czy był była jestem są "
        "mam masz ma może bardzo tylko jeszcze gdzie kiedy dlaczego kto ten ta te tego od przez przy za dobrze "
        "dziś jutro wszystko nic tutaj"
    ),
    "sv": (
        "och att det som en är jag på med för inte du vi ni de av till har den om var men så här där när hur vad "
        "vem varför kan ska måste min din sin ingen nej ja idag imorgon alltid bra mer från över under ut oss mig "
        "dig honom henne något allt"
    ),
    "tr": (
        "ve bir bu da de ne için çok ben sen biz siz onlar o ile ama gibi daha var yok mı mi mu değil evet hayır "
        "kim nerede neden nasıl şu her şey iyi bugün yarın benim senin burada şimdi olarak kadar sonra"
    ),
}


def _known() -> Mapping[str, tuple[tuple[str, ...], float]]:
    """The frequent words, each with the languages in which it is one, and what it counts for each of them."""
    found: dict[str, list[str]] = {}
    for name, words in _FREQUENT.items():
        for word in set(spaced_words(words).split()):
            found.setdefault(word, []).append(name)
    return {word: (tuple(names), 1 / len(names)) for word, names in found.items()}


_KNOWN = _known()
_KEYS = frozenset(_KNOWN)
_SCRIPTS = {
    "ARABIC": "ar", "CYRILLIC": "ru", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "GREEK": "el", "HEBREW": "he",
    "CJK": "zh", "DEVANAGARI": "hi",
}  # fmt: skip
_OTHER = re.compile("[^\0-\u024f\u2000-\u2bff\ufe0f\U0001f000-\U0001faff]")
"""What is neither Latin nor a sign or an emoji."""


# the last messages are looked at again with every reply
@lru_cache(4096)
def tongue(text: str) -> str | None:
    """The language of a text, a key of `NAMES`; None where that cannot be told for sure."""
    if not text.isascii() and _OTHER.search(text):
        return _by_script(text)
    words = word_set(text)
    found: dict[str, float] = {}
    # in the order of the alphabet, so that sums of fractions are the same everywhere
    for word in sorted(words & _KEYS):
        names, share = _KNOWN[word]
        for name in names:
            found[name] = found.get(name, 0.0) + share
    if not found:
        return None
    first = max(found, key=found.__getitem__)
    most = found.pop(first)
    sure = most >= max(SURE_LEAST, SURE_SHARE * len(words)) and most >= SURE_LEAD * max(found.values(), default=0)
    return first if sure else None


def _by_script(text: str) -> str | None:
    letters = [char for char in text if char.isalpha()]
    scripts = Counter(unicodedata.name(char, "").partition(" ")[0] for char in letters)
    # kana are Japanese among whatever other signs
    if scripts["HIRAGANA"] + scripts["KATAKANA"] >= SCRIPT_LEAST // 2:
        return "ja"
    script, count = scripts.most_common(1)[0] if scripts else ("", 0)
    return _SCRIPTS.get(script) if count >= SCRIPT_LEAST and 2 * count > len(letters) else None
