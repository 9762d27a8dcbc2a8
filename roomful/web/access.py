"""Who may start a session: tokens, addresses, origins."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_address

DEMO_TOKEN = "1234"  # noqa: S105
"""Starts a session of its own each time, until the study has participant tokens."""

ADDRESSES_MOST = 10_000
"""Addresses that are remembered at a time; the one that was quiet longest is forgotten first."""


def is_demo(token: str) -> bool:
    """Whether this is the demo token, compared in constant time."""
    return compare_digest(token.encode("utf-8", "surrogatepass"), DEMO_TOKEN.encode())


def client_address(peer: str, headers: Mapping[str, str], trusted: Collection[IPv4Network | IPv6Network]) -> str:
    """The address of who really asks: `X-Forwarded-For` is believed as far as trusted proxies wrote it."""
    address = peer
    for forwarded in reversed(headers.get("x-forwarded-for", "").split(",")):
        if not _is_in(address, trusted) or not forwarded.strip():
            break
        address = forwarded.strip()
    return address


def _is_in(address: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks if network.version == parsed.version)


class Starts:
    """Counts starts by address: at most so many within any minute."""

    def __init__(self, most_per_minute: int, clock: Callable[[], float]) -> None:
        self._most = most_per_minute
        self._clock = clock
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Take one start, if this address has one left."""
        now = self._clock()
        recent = [time for time in self._times.pop(address, []) if now - time < 60]
        allowed = len(recent) < self._most
        self._times[address] = [*recent, now] if allowed else recent
        while len(self._times) > ADDRESSES_MOST:
            self._times.popitem(last=False)
        return allowed
