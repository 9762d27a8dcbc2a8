"""A classifier two-sample test: how well a simple classifier tells sessions of two kinds apart. Pure.

Logistic regression with a ridge penalty of 1 on standardised features, as fitted by Newton's method, in five folds that
are drawn by a seed and hold as much of either kind; the area under the ROC curve of the sessions held out, as the mean
over the folds. 0.5: nobody could tell them apart this way; 1: always.
"""

import math
from collections.abc import Sequence

from roomful.core.chance import draw
from roomful.realism.numeric import average, rank_area, spread

FOLDS = 5
RIDGE = 1.0
SESSIONS_LEAST = 2 * FOLDS
"""Sessions of either kind below which nothing is told."""
SESSIONS_MOST = 1000
"""Sessions of either kind that are looked at; of more, so many are drawn: it would take minutes to learn no more."""
STEPS_MOST = 30

type Features = Sequence[Sequence[float | None]]


def two_sample_auc(ours: Features, theirs: Features, seed: int) -> float | None:
    """How well sessions of the two kinds are told apart, 0.5 … 1 but for chance; None of fewer than ten of either.

    A value that a session has not (None) is taken for the mean of those that are there; a feature that a kind has in
    no session is left out.
    """
    if min(len(ours), len(theirs)) < SESSIONS_LEAST:
        return None
    ours, theirs = _some(ours, seed, "ours"), _some(theirs, seed, "theirs")
    kept = [place for place in range(len(ours[0])) if _known(ours, place) and _known(theirs, place)]
    positive = [[row[place] for place in kept] for row in ours]
    negative = [[row[place] for place in kept] for row in theirs]
    of_ours, of_theirs = _folds(len(ours), seed, "ours"), _folds(len(theirs), seed, "theirs")
    areas = [
        _held_out(_split(positive, of_ours, fold), _split(negative, of_theirs, fold)) if kept else 0.5
        for fold in range(FOLDS)
    ]
    return average([area for area in areas if area is not None])


def _some(rows: Features, seed: int, kind: str) -> Features:
    if len(rows) <= SESSIONS_MOST:
        return rows
    return [rows[number] for number in _drawn_order(len(rows), seed, kind)[:SESSIONS_MOST]]


def _drawn_order(count: int, seed: int, kind: str) -> list[int]:
    return sorted(range(count), key=lambda number: draw(seed, "fold", kind, number))


def _known(rows: Features, place: int) -> bool:
    return any(row[place] is not None for row in rows)


def _folds(count: int, seed: int, kind: str) -> list[int]:
    """The fold of each session: drawn, and as many in one as in another."""
    found = [0] * count
    for place, number in enumerate(_drawn_order(count, seed, kind)):
        found[number] = place % FOLDS
    return found


def _split(rows: Features, folds: Sequence[int], fold: int) -> tuple[Features, Features]:
    """The sessions to learn from, and those held out."""
    learnt = [row for row, its in zip(rows, folds, strict=True) if its != fold]
    return learnt, [row for row, its in zip(rows, folds, strict=True) if its == fold]


def _held_out(ours: tuple[Features, Features], theirs: tuple[Features, Features]) -> float | None:
    learnt = [*ours[0], *theirs[0]]
    scales = [_scale(learnt, place) for place in range(len(learnt[0]))]
    weights = fitted([_scaled(row, scales) for row in learnt], [1.0] * len(ours[0]) + [0.0] * len(theirs[0]))

    def scores(rows: Features) -> list[float]:
        return [math.sumprod(weights, [1.0, *_scaled(row, scales)]) for row in rows]

    return rank_area(scores(ours[1]), scores(theirs[1]))


def _scale(rows: Features, place: int) -> tuple[float, float]:
    values = [value for row in rows if (value := row[place]) is not None]
    return average(values) or 0.0, spread(values) or 1.0


def _scaled(row: Sequence[float | None], scales: Sequence[tuple[float, float]]) -> list[float]:
    return [0.0 if value is None else (value - mean) / sd for value, (mean, sd) in zip(row, scales, strict=True)]


def fitted(rows: Sequence[Sequence[float]], labels: Sequence[float]) -> list[float]:
    """The weights of a logistic regression with the ridge penalty, the intercept first, which is not penalised."""
    features = [[1.0, *row] for row in rows]
    weights = [0.0] * len(features[0])
    loss = _loss(features, labels, weights)
    for _ in range(STEPS_MOST):
        step = _newton(features, labels, weights)
        scale, found, better = 1.0, weights, loss
        # a whole step may go too far where the two kinds are almost apart
        while scale > 1e-6:
            found = [weight - scale * change for weight, change in zip(weights, step, strict=True)]
            better = _loss(features, labels, found)
            if better <= loss:
                break
            scale /= 2
        gained = loss - better
        if gained <= 0:
            return weights
        weights, loss = found, better
        if gained < 1e-10:
            return weights
    return weights


def _loss(features: Sequence[Sequence[float]], labels: Sequence[float], weights: Sequence[float]) -> float:
    found = RIDGE / 2 * math.sumprod(weights[1:], weights[1:])
    for row, label in zip(features, labels, strict=True):
        margin = math.sumprod(weights, row) * (1 - 2 * label)
        found += margin + math.log1p(math.exp(-margin)) if margin > 0 else math.log1p(math.exp(margin))
    return found


def _newton(features: Sequence[Sequence[float]], labels: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The step of Newton's method: the inverse of the second derivatives times the first."""
    size = len(weights)
    slope = [0.0] + [RIDGE * weight for weight in weights[1:]]
    curve = [[RIDGE if place == other and place else 0.0 for other in range(size)] for place in range(size)]
    for row, label in zip(features, labels, strict=True):
        chance = 0.5 * (1 + math.tanh(math.sumprod(weights, row) / 2))
        weight = chance * (1 - chance)
        for place, value in enumerate(row):
            slope[place] += (chance - label) * value
            part, line = weight * value, curve[place]
            for other in range(place + 1):
                line[other] += part * row[other]
    for place in range(size):
        for other in range(place):
            curve[other][place] = curve[place][other]
    return solved(curve, slope)


def solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """The solution of a symmetric, positive definite system of linear equations, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for place, pivot in enumerate(rows):
        for row in rows[place + 1 :]:
            factor = row[place] / pivot[place]
            for column in range(place, size + 1):
                row[column] -= factor * pivot[column]
    found = [0.0] * size
    for place in reversed(range(size)):
        rest = math.fsum(rows[place][column] * found[column] for column in range(place + 1, size))
        found[place] = (rows[place][size] - rest) / rows[place][place]
    return found
