"""Who may start a session: tokens, addresses, origins."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

DEMO_TOKEN = "1234"  # noqa: S105
"""Starts a session of its own each time, until the study has participant tokens."""

ADDRESSES_MOST = 10_000
"""Addresses that are remembered at a time; the one that was quiet longest is forgotten first."""


def is_demo(token: str) -> bool:
    """Whether this is the demo token, compared in constant time."""
    return compare_digest(token.encode("utf-8", "surrogatepass"), DEMO_TOKEN.encode())


def client_address(peer: str, forwarded: Iterable[str], trusted: Collection[IPv4Network | IPv6Network]) -> str:
    """The address of who really asks: the `X-Forwarded-For` headers are believed as far as trusted proxies wrote them.

    A proxy adds to the last header, or adds one behind it: the client's own claims always come first.
    """
    address = peer
    for claim in reversed(",".join(forwarded).split(",")):
        if not _is_in(address, trusted) or not claim.strip():
            break
        address = claim.strip()
    return address


def network(address: str) -> str:
    """What is counted as one address: with IPv6 the /64, since any host there may use all of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped:
        return str(parsed)
    return str(ip_network((parsed, 64), strict=False))


def _is_in(address: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in one for one in networks if one.version == parsed.version)


class Starts:
    """Counts starts by address: at most so many within any minute."""

    def __init__(self, most_per_minute: int, clock: Callable[[], float]) -> None:
        self._most = most_per_minute
        self._clock = clock
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Take one start, if this address has one left."""
        now, address = self._clock(), network(address)
        recent = [time for time in self._times.pop(address, []) if now - time < 60]
        allowed = len(recent) < self._most
        self._times[address] = [*recent, now] if allowed else recent
        while len(self._times) > ADDRESSES_MOST:
            self._times.popitem(last=False)
        return allowed
