"""What the headers of a refusal say."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the Retry-After header asks to wait (RFC 9110): a number, or a date against the answer's own."""
    found = {name.lower(): value for name, value in headers.items()}
    value = found.get("retry-after")
    if value is None:
        return None
    moment, sent = _date(value), _date(found.get("date", ""))
    if moment and sent:
        return max(0.0, (moment - sent).total_seconds())
    return seconds(value)


def seconds(text: str) -> float | None:
    """A number of seconds, at least 0; None if it is none."""
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
