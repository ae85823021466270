"""Over-fitting in words: what the curves of a training, and the gaps between its scores, say beyond noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handlens.evaluate.intervals import Interval, wilson
from handlens.records import Epoch

Floats = NDArray[np.float64]
State = Literal["not yet fitted", "well fitted", "over-fitted", "cannot tell"]
FEWEST = 4  # epochs from which a curve's noise can be told from its bend
SMALL = 0.02  # of the loss: a rise or fall that nobody would act upon
LOUD = 0.2  # of the loss: noise in which such a rise or fall would drown leaves nothing to say
LEVEL = 0.025


@dataclass(frozen=True)
class Fitting:
    """What the validation loss by epoch says.

    Attributes:
        state: see `judge`.
        epochs: that all replicates reached.
        lowest: the epoch (from 1) with the lowest mean validation loss.
        since: of an over-fitted training the first epoch after the lowest one; else None.
        rise: mean validation loss at the end over the lowest, less 1; `fall`: over the last quarter of the
            epochs, how much of the loss went away (shares).
        noise: the standard error of the rise (a share of the lowest loss).
        accuracy_change: validation accuracy at the end less that of the epoch `lowest` (a share), and
            `accuracy_noise`: its standard error.
    """

    state: State
    epochs: int
    lowest: int
    since: int | None
    rise: float
    fall: float
    noise: float
    accuracy_change: float
    accuracy_noise: float

    @property
    def words(self) -> str:
        """The state as it is said: `over-fitted since epoch 7`."""
        return f"{self.state} since epoch {self.since}" if self.since else self.state


@dataclass(frozen=True)
class Gap:
    """How much better one part's accuracy is than another's: a difference of shares with its 95 %
    interval."""

    first: str
    second: str
    interval: Interval

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval.low > 0 or self.interval.high < 0


def curves(histories: Sequence[Sequence[Epoch]]) -> tuple[Floats, Floats] | None:
    """Validation loss and accuracy, float64 [replicates, epochs], of the epochs that all replicates reached.

    None where there are no epochs, or some without finite validation scores.
    """
    common = min((len(history) for history in histories), default=0)
    if not common:
        return None
    loss, accuracy = (
        np.array(
            [[math.nan if (v := getattr(e, name)) is None else v for e in h[:common]] for h in histories],
            dtype=np.float64,
        )
        for name in ("validation_loss", "validation_accuracy")
    )
    return (loss, accuracy) if np.isfinite(loss).all() and np.isfinite(accuracy).all() else None


def judge(loss: Floats, accuracy: Floats, images: int) -> Fitting:
    """Whether a training stopped too early, about right, or too late, by its validation loss.

    With M the mean loss over the replicates, both ends averaged over a tenth of the epochs (at least one):

    - *over-fitted since epoch e*: M at the end lies above its lowest value, at epoch e - 1, by more than 2 %
      of it and by more than noise: q standard errors, q the normal's point at 2.5 % / epochs since the lowest
      epoch is chosen among all (Bonferroni). Loss, not accuracy, decides: a network that becomes surer of its
      errors is over-fitted even while its accuracy stays.
    - *not yet fitted*: M fell by more than 2 % over the last quarter of the epochs, and by more than two
      standard errors.
    - *well fitted*: neither. *cannot tell*: fewer than four epochs, or neither, but two standard errors are
      more than 20 % of the loss.

    The standard error holds what differs from seed to seed and from epoch to epoch - the larger of the spread
    of the replicates' own differences and of what remains of the curves when replicate and epoch are taken
    out; of one replicate `sqrt(median (L[e-1] - 2 L[e] + L[e+1])^2 / 2.73)`, second differences being blind
    to a slope (after von Neumann 1941, Annals of Mathematical Statistics 12). And it holds the choice of
    validation images: the loss comes from about `m = images * (1 - accuracy)` wrong ones, so a difference D
    between two epochs has about the standard error `|D| / sqrt(m)`: with m below q^2 none is more than noise.

    Args:
        loss, accuracy: float64 [replicates, epochs], on validation images, of every epoch.
        images: validation images.
    """
    replicates, epochs = loss.shape
    mean = loss.mean(axis=0)
    width = max(1, epochs // 10)
    start = int(np.convolve(mean, np.ones(width), "valid").argmin())
    at, end = slice(start, start + width), slice(epochs - width, epochs)
    low = start + int(mean[at].argmin())
    wrong = max(images * float(1 - accuracy[:, end].mean()), 1.0)

    def difference(late: slice, early: slice) -> tuple[float, float]:
        each = loss[:, late].mean(axis=1) - loss[:, early].mean(axis=1)
        seeds = float(each.var(ddof=1)) / replicates if replicates > 1 else 0.0
        d = float(each.mean())
        return d, math.sqrt(max(seeds, _jumps(loss) ** 2 * 2 / width / replicates) + d * d / wrong)

    base = max(float(mean[at].mean()), 1e-12)
    rise, noise = difference(end, at)
    quarter = max(width, epochs // 4)
    before = slice(max(0, epochs - width - quarter), max(0, epochs - width - quarter) + width)
    fall, fall_noise = difference(before, end)
    state = _state(epochs, base, (rise, noise), (fall, fall_noise))
    change = accuracy[:, end].mean(axis=1) - accuracy[:, at].mean(axis=1)
    after = float(mean[end].mean())
    return Fitting(
        state=state,
        epochs=epochs,
        lowest=low + 1,
        since=low + 2 if state == "over-fitted" else None,
        rise=rise / base,
        fall=fall / max(fall + after, 1e-12),
        noise=noise / base,
        accuracy_change=float(change.mean()),
        accuracy_noise=_accuracy_noise(change, accuracy[:, end], images),
    )


def _state(epochs: int, base: float, rise: tuple[float, float], fall: tuple[float, float]) -> State:
    """By the lowest loss, and the changes since then and over the last quarter, each with its noise."""
    small, q = SMALL * base, _quantile(LEVEL / epochs)
    if epochs < FEWEST:
        return "cannot tell"
    if rise[0] > max(small, q * rise[1]):
        return "over-fitted"
    if fall[0] > max(small, 2 * fall[1]):
        return "not yet fitted"
    return "cannot tell" if 2 * fall[1] > LOUD * base else "well fitted"


def _accuracy_noise(change: Floats, accuracy: Floats, images: int) -> float:
    """Standard error of a change of accuracy on the same images: at most as many answers change as are wrong
    at either end, so its binomial variance is at most `2 p (1 - p) / images`; and the replicates' own
    spread."""
    p = float(accuracy.mean())
    seeds = float(change.var(ddof=1)) / len(change) if len(change) > 1 else 0.0
    return math.sqrt(2 * p * (1 - p) / max(images, 1) + seeds)


def _jumps(loss: Floats) -> float:
    """Standard deviation of one epoch's loss, of one replicate, around the curve that all of them follow."""
    replicates, epochs = loss.shape
    if replicates > 1:
        rest = loss - loss.mean(axis=1, keepdims=True) - loss.mean(axis=0) + loss.mean()
        return math.sqrt(float(np.square(rest).sum()) / max((replicates - 1) * (epochs - 1), 1))
    if epochs < 3:
        return 0.0
    second = loss[:, :-2] - 2 * loss[:, 1:-1] + loss[:, 2:]
    # The first epochs bend; the median of squares (0.455 of their mean) knows nothing of that.
    return math.sqrt(float(np.median(np.square(second))) / 0.4549 / 6)


def _quantile(level: float) -> float:
    from scipy import special

    return float(-special.ndtri(level))


def training_interval(accuracies: Sequence[float], images: int, confidence: float = 0.95) -> Interval:
    """Accuracy over replicates of which only the shares are known, not the images: the same images each time.

    Wilson's interval at the size of sample that has the variance `p (1 - p) / images + s2_seed / replicates`,
    as if every replicate were wrong about the same images, which widens it rather than not.
    """
    from scipy import special

    values = np.asarray(accuracies, dtype=np.float64)
    p, normal = float(values.mean()), float(special.ndtri(0.5 + confidence / 2))
    image = p * (1 - p) / max(images, 1)
    seed = float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
    seed = max(0.0, seed - image / len(values))
    if image <= 0 or seed <= 0:
        return wilson(p * images, images, normal)
    size = p * (1 - p) / (image + seed)
    freedom = (image + seed) ** 2 / (image**2 / max(images - 1, 1) + seed**2 / (len(values) - 1))
    return wilson(p * size, size, float(special.stdtrit(freedom, 0.5 + confidence / 2)))


def gap(first: str, one: Interval, second: str, other: Interval) -> Gap:
    """The first accuracy less the second, of different images, from their two intervals.

    `low = d - sqrt((p1 - l1)^2 + (u2 - p2)^2)`, and the mirror image for the other end: Newcombe 1998
    (Statistics in Medicine 17, method 10) for Wilson's intervals, Zou & Donner 2008 (ibid. 27) for any, so
    whatever the two intervals hold - images, seeds - is in that of the gap.
    """
    d = one.mean - other.mean
    low = d - math.hypot(one.mean - one.low, other.high - other.mean)
    high = d + math.hypot(one.high - one.mean, other.mean - other.low)
    return Gap(first, second, Interval(d, low, high))
