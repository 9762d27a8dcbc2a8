"""What the settings may say of what agents write, may not write, and of what follows on a participant's words."""

from collections.abc import Iterator, Mapping
from typing import get_args

from roomful.core.study import BotQuestionPolicy, ChatLanguage, Distress, Licence
from roomful.rules import TEXT, Fault, Rule, object_of, one_of, or_null, shown

LICENCES: tuple[Licence, ...] = get_args(Licence.__value__)
CHAT_LANGUAGES: tuple[ChatLanguage, ...] = get_args(ChatLanguage.__value__)
POLICIES: tuple[BotQuestionPolicy, ...] = get_args(BotQuestionPolicy.__value__)

LICENCE = one_of(*LICENCES)
"""What a treatment may allow."""

DISTRESS_RULES: Mapping[str, Rule[object]] = {
    "action": one_of("alert", "end", "off"),
    "help_text": or_null(TEXT),
}


def _check_distress(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    text = good.get("help_text")
    if good.get("action") == "end" and not (isinstance(text, str) and text.strip()):
        expected = 'whom to turn to, where action is "end": it is what the page then shows'
        yield Fault("", "help_text", shown(text), expected)


SPOKEN_RULES: Mapping[str, Rule[object]] = {
    "chat_language": or_null(one_of(*CHAT_LANGUAGES)),
    "bot_question_policy": one_of(*POLICIES),
    "distress": object_of(Distress, DISTRESS_RULES, _check_distress),
}
"""Keys of the simulation settings."""
