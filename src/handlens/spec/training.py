"""How a network is trained, as data: optimizers, schedules, losses. Keras's names, arguments and defaults."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from handlens.spec.network import Count, NonNegative, Positive, Share
from handlens.spec.text import description

Unit = Annotated[float, Field(ge=0, le=1)]
Decay = NonNegative | None


@description
class SGD:
    """`velocity = momentum * velocity - rate * gradient`; weights move by the velocity."""

    learning_rate: Positive = 0.01
    momentum: Share = 0.0
    nesterov: bool = False
    decay: NonNegative = 0.0
    weight_decay: Decay = None


@description
class RMSprop:
    """Steps divided by the root of a running mean of squared gradients (Hinton 2012)."""

    learning_rate: Positive = 0.001
    rho: Share = 0.9
    momentum: Share = 0.0
    epsilon: Positive = 1e-7
    centered: bool = False
    weight_decay: Decay = None


@description
class Adagrad:
    """Steps divided by the root of the sum of all squared gradients (Duchi et al. 2011)."""

    learning_rate: Positive = 0.001
    initial_accumulator_value: NonNegative = 0.1
    epsilon: Positive = 1e-7
    weight_decay: Decay = None


@description
class Adadelta:
    """Steps scaled by running means of squared steps over squared gradients (Zeiler 2012)."""

    learning_rate: Positive = 0.001
    rho: Share = 0.95
    epsilon: Positive = 1e-7
    weight_decay: Decay = None


@description
class Adam:
    """Steps scaled by running means of gradient and squared gradient (Kingma & Ba 2015)."""

    learning_rate: Positive = 0.001
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7
    amsgrad: bool = False
    weight_decay: Decay = None


@description
class AdamW:
    """Adam with weights that shrink by themselves (Loshchilov & Hutter 2019)."""

    learning_rate: Positive = 0.001
    weight_decay: Decay = 0.004
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7
    amsgrad: bool = False


@description
class Nadam:
    """Adam with Nesterov's look ahead (Dozat 2016)."""

    learning_rate: Positive = 0.001
    beta_1: Share = 0.9
    beta_2: Share = 0.999
    epsilon: Positive = 1e-7
    weight_decay: Decay = None


@description
class Constant:
    """The optimizer's own learning rate throughout."""


@description
class StepDecay:
    """Times `drop` after every so many epochs."""

    drop: Annotated[float, Field(gt=0, le=1)] = 0.5
    every: Count = 10


@description
class ExponentialDecay:
    """Times `rate` an epoch, with every update, or once an epoch where `staircase`."""

    rate: Annotated[float, Field(gt=0, le=1)] = 0.9
    staircase: bool = False


@description
class InverseTimeDecay:
    """Over `1 + decay * epochs so far`."""

    decay: NonNegative = 0.1


@description
class CosineDecay:
    """Half a cosine down to `alpha` (Loshchilov & Hutter 2017), after a straight rise."""

    alpha: Unit = 0.0
    warmup_epochs: NonNegative = 0.0


@description
class OneCycle:
    """Up from `start` during the share `rise` of the training, then down to `end` (Smith & Topin 2018)."""

    rise: Share = 0.3
    start: Unit = 0.04
    end: Unit = 1e-4


@description
class WarmUp:
    """A straight rise over the first `epochs`."""

    epochs: NonNegative = 1.0


@description
class SoftmaxCrossEntropy:
    """`-log softmax(logits)[label]`, with targets smoothed and classes weighted where asked."""

    label_smoothing: Share = 0.0
    class_weights: tuple[NonNegative, ...] = ()


@description
class MeanSquaredError:
    """The mean over the classes of `(output - onehot(label)) ** 2`."""


@description
class Augmentation:
    """Training images changed at random, anew in every epoch. 0 leaves out the change.

    Attributes:
        shift: pixels, at most, up or down and left or right.
        rotate, shear: degrees, at most, either way.
        zoom: share by which the sides grow or shrink at most.
        flip: the probability that left and right change places.
        crop: whole pixels, at most, by which images move; unlike `shift` it blurs nothing.
        elastic: pixels, the deviation of a smooth random displacement; neighbours within `elastic_reach`
            pixels move together.
        erase: the probability that a rectangle is set to 0.
        noise: grey levels, the deviation of noise on every pixel.
        mixup: above 0, images and their losses are blended in pairs, by a share from Beta(mixup, mixup).
    """

    shift: NonNegative = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: NonNegative = 0.0
    shear: Annotated[float, Field(ge=0, le=60)] = 0.0
    flip: Unit = 0.0
    crop: Annotated[int, Field(ge=0, le=100)] = 0
    elastic: NonNegative = 0.0
    elastic_reach: Positive = 4.0
    erase: Unit = 0.0
    noise: NonNegative = 0.0
    mixup: NonNegative = 0.0


Optimizer = SGD | RMSprop | Adagrad | Adadelta | Adam | AdamW | Nadam
Schedule = Constant | StepDecay | ExponentialDecay | InverseTimeDecay | CosineDecay | OneCycle | WarmUp
Loss = SoftmaxCrossEntropy | MeanSquaredError

OPTIMIZERS: dict[str, type] = {kind.__name__: kind for kind in Optimizer.__args__}
SCHEDULES: dict[str, type] = {kind.__name__: kind for kind in Schedule.__args__}
AUGMENTATIONS: dict[str, type] = {Augmentation.__name__: Augmentation}
LOSSES: dict[str, type] = {kind.__name__: kind for kind in Loss.__args__}
