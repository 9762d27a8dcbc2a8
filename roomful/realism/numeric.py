"""Numbers about numbers: spread, ranks, distances. None stands for what too few values, or equal ones, cannot tell."""

import math
from collections.abc import Sequence


def average(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation of these values themselves (divided by n); None of fewer than two."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def sample_spread(values: Sequence[float]) -> float | None:
    """The standard deviation of what these values are a sample of (divided by n - 1); None of fewer than two."""
    found = spread(values)
    return None if found is None else found * math.sqrt(len(values) / (len(values) - 1))


def ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value, from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            found[place] = (start + 1 + end) / 2
        start = end
    return found


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's correlation; None where one of the two does not vary."""
    if len(xs) < 2:
        return None
    mean_x, mean_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    both = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    of_x = math.fsum((x - mean_x) ** 2 for x in xs)
    of_y = math.fsum((y - mean_y) ** 2 for y in ys)
    if of_x == 0 or of_y == 0:
        return None
    return max(-1.0, min(1.0, both / math.sqrt(of_x * of_y)))


def rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None where one of the two does not vary."""
    return correlation(ranks(xs), ranks(ys))


def wasserstein(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """The Wasserstein-1 distance of two samples: the area between their distribution functions; None without values."""
    if not xs or not ys:
        return None
    # each value brings its sample's distribution function up by one step
    steps = sorted([(x, 1 / len(xs)) for x in xs] + [(y, -1 / len(ys)) for y in ys])
    area, apart, last = 0.0, 0.0, steps[0][0]
    for value, step in steps:
        area += abs(apart) * (value - last)
        apart += step
        last = value
    return area


def rank_area(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The area under the ROC curve: how often a positive scores above a negative, ties counting half."""
    if not positive or not negative:
        return None
    found = ranks([*positive, *negative])[: len(positive)]
    least = len(positive) * (len(positive) + 1) / 2
    return (math.fsum(found) - least) / (len(positive) * len(negative))
