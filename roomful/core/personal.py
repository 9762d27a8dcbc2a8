"""Data of a real person in a text: ways to reach somebody, where they live, what they pay with."""

import re
from collections.abc import Iterator

_DIGIT_OR_AT = re.compile(r"[\d@]")
_EMAIL = re.compile(r"[\w.+-]+\s?@\s?[\w-]+(\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.,:])[+(]?\d[\d ()/.-]{5,24}\d(?![\w:%])")
"""Digits in a row with what stands between those of a telephone or a card."""
_PHONE = re.compile(
    r"\+\d{2,}|00\d{4,}|0\d{6,}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\d{3}[ .-]\d{3}[ .-]\d{3}|\d{2}([ .-]\d{2}){3,}"
)
"""How numbers are written that people are called by: with a sign for abroad, a nought in front, or in groups."""
_DATE = re.compile(r"(19|20)\d\d\W\d{1,2}\W\d{1,2}|\d{1,2}\W\d{1,2}\W(19|20)?\d\d|(19|20)\d\d\W+(19|20)\d\d")
_PHONE_DIGITS = range(7, 16)
"""How many digits a telephone number has (ITU-T E.164: at most 15)."""
_CARD_DIGITS = range(13, 20)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
_IBAN_LENGTHS = range(15, 35)
_NO_STREET = (
    "the|an?|this|that|our|my|your|on|down|in|up|of|to|at|is|was|and|or|for|from|with|miles?|minutes?|mins?|hours?|"
    "hrs?|days?|years?|km|meters?|lanes?|ways?|stars?|cars?|people|tennis|squash|basketball"
)
"""English words that are in no street's name, as in "a 5 minute drive"."""
_KEIN_ORT = "heim|rück|hin|um|durch|arbeits|schul|rad|fahrrad|park|spiel|sitz|steh|stell|schlaf|lauf"
"""German beginnings of ways and places where nobody lives."""
_SIN_CALLE = "hay|había|tiene|tienen|con|en|es|son|está|están|fue|hace|por|para|al?|que|y|hasta|desde"
_ANTES = "de|del|las?|los|el|un[oa]s?"
"""Spanish words that are in no street's name, and those with which none ends."""
_LA_SHARI = "فيه|به|في|من|مع|على|هناك|طويل|قريب|كبير|صغير|جديد|قديم|عرضه|طوله"
_STREET = re.compile(
    rf"\b\d{{1,5}}[a-z]?,? (?:(?!(?:{_NO_STREET})\b)[^\W\d_]+ ){{1,3}}"
    r"(?:street|avenue|ave|road|rd|lane|drive|boulevard|blvd|court|terrace)\b"
    rf"|\b(?!(?:{_KEIN_ORT})(?:weg|platz)\b)[^\W\d_]{{2,}}(?:straße|strasse|str\.|gasse|allee|weg|platz)\s\d{{1,4}}"
    r"\s?[a-z]?\b(?!\s?(?:min|minuten|std|stunden|k?m|meter|grad|uhr|euro|mal|leute)\b|\s?[€%°])"
    rf"|\b(?:calle|avenida|avda\.?|paseo|plaza|rue) (?:(?!(?:{_SIN_CALLE})\b)[^\W\d_]+ ){{0,4}}"
    rf"(?!(?:{_SIN_CALLE}|{_ANTES})\b)[^\W\d_]+,? (?:n\.?[º°o] ?)?\d{{1,4}}\b"
    # in English things are sent "via" something: the names of Italian streets have capitals
    r"|(?-i:\b[Vv]ia(?:le)? (?:(?:di|del|dell[ae]|dei|degli) )?(?:[A-ZÀ-Ý][^\W\d_]+ ){0,3}[A-ZÀ-Ý][^\W\d_]+,?"
    r" \d{1,4}\b)"
    rf"|شارع (?:(?!(?:{_LA_SHARI})\b)[^\W\d_]+ ){{0,3}}(?!(?:{_LA_SHARI})\b)[^\W\d_]+[،,]? (?:رقم )?\d{{1,4}}\b",
    re.IGNORECASE,
)


def personal(text: str) -> Iterator[str]:
    """What in a text may be a real person's: e-mail and street addresses, telephone, account and card numbers.

    Cards by Luhn's check digit (ISO/IEC 7812-1), accounts by that of an IBAN (ISO 13616). Nothing tells whether a
    number is anybody's.
    """
    if not _DIGIT_OR_AT.search(text):
        return
    for pattern in (_EMAIL, _STREET):
        yield from (found[0] for found in pattern.finditer(text))
    yield from (found[0] for found in _IBAN.finditer(text) if _is_iban(found[0].replace(" ", "")))
    yield from (found[0] for found in _NUMBER.finditer(text) if _reaches(found[0]))


def _reaches(number: str) -> bool:
    digits = "".join(char for char in number if char.isdigit())
    if len(digits) in _CARD_DIGITS and _is_card(digits):
        return True
    if _DATE.fullmatch(number) or len(digits) not in _PHONE_DIGITS or digits.endswith("000000"):
        return False
    # the sign for abroad or a nought in front may be followed by groups of any size
    plain = f"+{digits}" if "+" in number else digits
    return bool(_PHONE.match(number) or _PHONE.match(plain))


def _is_card(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0 and len(set(digits)) > 1


def _is_iban(written: str) -> bool:
    if len(written) not in _IBAN_LENGTHS:
        return False
    return int("".join(str(int(char, 36)) for char in written[4:] + written[:4])) % 97 == 1
