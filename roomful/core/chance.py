"""Chance as a function of a name: the same seed gives the same name the same number, for ever."""

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()
# to look a method of a type up takes as long as to use it, and a session draws a thousand numbers
_number = int.from_bytes


def _digest(seed: int, name: Sequence[str | int], size: int) -> bytes:
    hashed = _begun(seed, size).copy()
    for part in name:
        hashed.update(_PARTS[part])
    return hashed.digest()


class _Parts(dict[str | int, bytes]):
    """The parts of names as they are hashed. Most are of a few words, or are asked for again with the next word."""

    most = 8192

    def __missing__(self, part: str | int) -> bytes:
        if len(self) >= self.most:
            self.clear()
        # length-prefixed and typed, so that ("a", "bc") and ("ab", "c"), or 1 and "1", never meet
        kind, written = ("str", part) if isinstance(part, str) else ("int", str(part))
        encoded = self[part] = f"{kind}{len(written)}:{written}".encode("utf-8", "surrogatepass")
        return encoded


_PARTS = _Parts()


# a session draws a thousand times by the same seed
@lru_cache(1024)
def _begun(seed: int, size: int) -> blake2b:
    text = str(seed)
    return blake2b(f"int{len(text)}:{text}".encode(), digest_size=size)


def draw(seed: int, *name: str | int) -> float:
    """Return the number in [0, 1) that this seed gives this name, with 53 random bits."""
    return (_number(_digest(seed, name, 8)) >> 11) * 2.0**-53


def derive(seed: int, *name: str | int) -> int:
    """Return a seed of its own for this name: 0 … 2**53 - 1, exact in every JSON reader."""
    return _number(_digest(seed, name, 8)) >> 11


def identifier(seed: int, *name: str | int) -> str:
    """Return the UUID (RFC 9562, version 4's form) that this seed gives this name."""
    text = _digest(seed, name, 16).hex()
    # the version is 4, and the two highest bits of the variant are 10
    variant = "89ab"[int(text[16], 16) & 0b11]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def exponential(mean: float, u: float) -> float:
    """Return the value at quantile `u` of an exponential distribution with this mean."""
    return -mean * math.log1p(-u)


def normal(u: float) -> float:
    """Return the value at quantile `u` of the standard normal distribution."""
    # inv_cdf is undefined at 0; half of draw's resolution is the nearest it can mean
    return _STANDARD_NORMAL.inv_cdf(max(u, 2.0**-54))


def lognormal(median: float, sigma: float, u: float) -> float:
    """Return the value at quantile `u` of a lognormal: ln X ~ N(ln median, sigma)."""
    return median * math.exp(sigma * normal(u))


def gamma(shape: float, seed: int, *name: str | int) -> float:
    """Return a draw of its own name from a gamma distribution of scale 1 (Marsaglia & Tsang 2000)."""
    # below 1 the method does not hold: there a draw of shape + 1 is made smaller (the paper's section 6)
    small = draw(seed, *name, "small") ** (1 / shape) if shape < 1 else 1.0
    d = (shape + 1 if shape < 1 else shape) - 1 / 3
    c = 1 / math.sqrt(9 * d)
    for attempt in count(1):
        x = normal(draw(seed, *name, "x", attempt))
        v = (1 + c * x) ** 3
        u = draw(seed, *name, "u", attempt)
        if v > 0 and math.log1p(-u) < x * x / 2 + d - d * v + d * math.log(v):
            break
    return d * v * small


def weighted[T](options: Sequence[T], weights: Sequence[float], u: float) -> T:
    """Return one of `options` with a probability in proportion to its weight; at least one weight is above 0."""
    left = u * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        left -= weight
        if left < 0:
            return option
    # rounding may leave a rest that is as good as nothing
    return next(option for option, weight in zip(reversed(options), reversed(weights), strict=True) if weight)


def choose[T](options: Sequence[T], u: float) -> T:
    """Return one of `options`, each with the same probability."""
    return options[int(u * len(options))]
