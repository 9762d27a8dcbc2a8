"""Ways out: what a participant is shown at the end of each outcome, and where they are sent."""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import get_args
from urllib.parse import quote

from roomful.core.enrolment import Outcome
from roomful.rules import (
    NAME,
    SWITCH,
    TEXT,
    Fault,
    JSONObject,
    Rule,
    Wrong,
    legible,
    matching,
    nearest,
    object_of,
    or_null,
    shown,
    wrong,
)

OUTCOME_NAMES: tuple[Outcome, ...] = get_args(Outcome.__value__)
"""The whole vocabulary, in the order of its declaration."""

OWN_PARAMETERS = ("CODE", "OUTCOME", "PARTICIPANT", "SESSION")
"""What an address may hold beside the parameters of the entry link: our own, whatever a link brought."""

SIGNATURE = "signature"
"""The parameter that signs those before it."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """What the participant is shown: a text (Markdown), a completion code, an address to go on to."""

    text: str | None = None
    code: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the study declares for an outcome. `text` is what the file `page` holds, where one is named."""

    text: str | None = None
    page: str | None = None
    code: str | None = None
    url: str | None = None
    sign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysOut:
    """The endings of a study, and the key that signs what is returned (None: nothing is signed)."""

    endings: Mapping[Outcome, Ending] = field(default_factory=dict)
    key: str | None = field(default=None, repr=False)

    def way_out(self, outcome: Outcome, parameters: Mapping[str, str]) -> WayOut | None:
        """What an outcome leads to for somebody who came with these parameters; None where nothing is declared.

        A parameter that they did not bring is empty in the address. `PARTICIPANT` and `SESSION` are the caller's to
        give, as their id and the session's.
        """
        ending = self.endings.get(outcome)
        if ending is None:
            return None
        url = ending.url
        if url is not None:
            url = _filled(url, {**parameters, "CODE": ending.code or "", "OUTCOME": outcome})
            url = signed(url, self.key) if ending.sign and self.key else url
        return WayOut(ending.text, ending.code, url)


_PLACE = re.compile(r"\[([^\[\]]*)\]")
_AUTHORITY = re.compile(r"https?://[^/?#]*")


def _filled(url: str, parameters: Mapping[str, str]) -> str:
    """The address with each `[PARAM]` behind its host replaced by the value, percent-encoded."""
    values = {name.casefold(): value for name, value in parameters.items()}
    host = _host(url)
    rest = _PLACE.sub(lambda found: _encoded(values.get(found[1].casefold(), "")), url[len(host) :])
    return host + rest


def _host(url: str) -> str:
    # brackets in there are those of an IPv6 address
    found = _AUTHORITY.match(url)
    return found[0] if found else ""


def _encoded(value: str) -> str:
    return quote(value, safe="", errors="replace")


def signed(url: str, key: str) -> str:
    """The address with the HMAC-SHA256 (hex) of its query as one more parameter; the query is signed as it stands."""
    address, hash_sign, fragment = url.partition("#")
    query = address.partition("?")[2]
    code = hmac.new(key.encode(), query.encode(), sha256).hexdigest()
    return f"{address}&{SIGNATURE}={code}{hash_sign}{fragment}"


# --- what a file may declare

_URL = matching("an address that begins with https:// or http://", r"https?://[^\s/?#]+\S*")

ENDING_RULES: Mapping[str, Rule[object]] = {
    "text": or_null(TEXT),
    "page": or_null(matching("the name of a .md file of the study", r"(?!.*\.\.)[^./\\\x00-\x1f][^\\\x00-\x1f]*\.md")),
    "code": or_null(NAME),
    "url": or_null(_URL),
    "sign": SWITCH,
}


def _check_ending(_found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    if good.get("text") is not None and good.get("page") is not None:
        yield Fault("", "page", f"{shown(good['page'])} beside a text", "one of the two")
    url = good.get("url")
    if good.get("sign") and isinstance(url, str | None) and not (url and url.partition("#")[0].partition("?")[2]):
        yield Fault("", "sign", "true without parameters in the url", "false, or an address with parameters to sign")


_ENDING = object_of(Ending, ENDING_RULES, _check_ending)
_EXPECTED = "an object of outcomes, each an object"


def _read_endings(value: object) -> Mapping[Outcome, Ending]:
    if not isinstance(value, JSONObject):
        raise wrong(value, _EXPECTED)
    faults = list(value.strays(OUTCOME_NAMES))
    good: dict[Outcome, Ending] = {}
    for name in OUTCOME_NAMES:
        if name not in value:
            continue
        try:
            good[name] = _ENDING.read(value[name])
        except Wrong as error:
            faults += [fault.under(name) for fault in error.faults]
    if faults:
        raise Wrong(*faults)
    return good


ENDINGS = Rule(_EXPECTED, _read_endings)


def check_places(endings: Mapping[Outcome, Ending], parameters: Sequence[str]) -> Iterator[Fault]:
    """Faults of `[PARAM]`s that are neither ours nor among these parameters; capitals make no difference."""
    known = {name.casefold(): name for name in (*OWN_PARAMETERS, *parameters)}
    for outcome, ending in endings.items():
        if ending.url is None:
            continue
        for found in _PLACE.finditer(ending.url, len(_host(ending.url))):
            if found[1].casefold() not in known:
                near = nearest(found[1], known.values())
                expected = f"[{near}] (the nearest)" if near else f"one of {', '.join(known.values())}"
                told = f"[{legible(found[1])}], which no entry link declares"
                yield Fault("", f"outcomes.{outcome}.url", told, f"{expected}, or its name in return_parameters")
