"""The loop of a training: what happens in an epoch, in a batch, in a piece of a batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from handlens.errors import HandlensError
from handlens.nn import inference
from handlens.nn.arrays import Array
from handlens.nn.average import Average
from handlens.nn.layers import Dropout
from handlens.nn.layers.base import leaves
from handlens.nn.losses import Labels
from handlens.nn.optimizers import Stepper
from handlens.nn.parallel import Team, blas_threads
from handlens.nn.passes import Pass
from handlens.nn.plan import in_pieces, pieces
from handlens.nn.products import sliced
from handlens.nn.settings import Epoch, Settings
from handlens.nn.stream import Stream


class Trainer:
    """A training under way. Use as a context manager: it holds threads.

    Attributes:
        done: epochs that are over.
    """

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings, self.seed, self.done = settings, seed, 0
        self.network = network = settings.network
        self.cut = in_pieces(network.layers)
        workers = settings.threads if self.cut else 1
        steps = network.steps(fuse=settings.fuse)
        self.team = Team(settings.threads)
        product = sliced if self.cut else self.team.product
        self.passes = [Pass(network, steps, product=product) for _ in range(workers)]
        self.feeds = [
            inference.feed(network, settings.images, settings.offset, settings.scale) for _ in range(workers)
        ]
        self.stream = Stream(settings.images)
        most = len(pieces(network.layers, min(settings.batch_size, len(settings.images))))
        self.gradients = np.empty((most if most > 1 else 0, network.parameters.size), network.dtype)
        self.stepper = Stepper(settings.optimizer, network.parameters)
        self.average = None if settings.ema is None else Average(network.parameters, settings.ema)
        self.penalised = [s for s in network.slots if s.parameter.l1 or s.parameter.l2]
        self.random = settings.augment is not None or any(
            isinstance(leaf, Dropout) for layer in network.layers for leaf in leaves(layer)
        )
        self.losses = np.zeros(len(settings.images))  # of each image, in the epoch's order
        self.predicted = np.zeros(len(settings.images), np.int64)

    def __enter__(self) -> Trainer:
        with ExitStack() as stack:
            stack.enter_context(self.team)
            stack.enter_context(blas_threads(1))
            self.held = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    def arrays(self) -> dict[str, Array]:
        """All numbers that training changes, by name, as they stand: the arrays themselves, no copies.

        Together with `counts` they are the whole state of a training between two epochs: random numbers are
        those of (seed, epoch, place in the epoch).
        """
        found = {"parameters": self.network.parameters, "statistics": self.network.statistics}
        found |= {f"memory.{name}": array for name, array in self.stepper.state.items()}
        return found if self.average is None else found | {"average": self.average.average}

    def counts(self) -> dict[str, float]:
        """What has to be known beside the arrays to go on: epochs, steps, the optimizer's running product."""
        return {"done": self.done, "steps": self.stepper.t, "product": self.stepper.product}

    def go_on(self, counts: Mapping[str, float], arrays: Mapping[str, Array]) -> None:
        """Go on from the state of an equal training."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]
        self.done, self.stepper.t = int(counts["done"]), int(counts["steps"])
        self.stepper.product = float(counts["product"])
        if self.average is not None:  # an epoch ends with the average in the place of the weights
            self.average.started = self.average.entered = self.done > 0

    def epoch(self) -> Epoch:
        """Every image once, in an order drawn for this epoch; then the validation images."""
        number = self.done + 1
        images, size = len(self.settings.images), self.settings.batch_size
        if self.average is not None:
            self.average.leave()
        started = time.perf_counter()
        order = self.stream.order(np.random.default_rng([self.seed, number]))
        per_epoch = -(-images // size)
        rate = self.settings.optimizer.learning_rate
        for batch in range(per_epoch):
            step = (number - 1) * per_epoch + batch
            factor = self.settings.schedule.factor(step, self.settings.epochs * per_epoch, per_epoch)
            rate = self.settings.optimizer.learning_rate * factor
            part = slice(batch * size, min((batch + 1) * size, images))
            self._batch(order, part, number, rate)
            self.stream.passed(part.stop)
        seconds = time.perf_counter() - started
        if self.average is not None:
            self.average.enter()
        truth = self.settings.labels[order]
        validation_loss, validation_confusion = self._validate()
        if validation_loss is not None and not np.isfinite(validation_loss):
            raise diverged(number, rate)
        self.done = number
        return Epoch(
            epoch=number,
            loss=float(self.losses.mean()),
            confusion=confusion(truth, self.predicted, self.network.classes),
            validation_loss=validation_loss,
            validation_confusion=validation_confusion,
            seconds=seconds,
            learning_rate=rate,
        )

    def _batch(self, order: NDArray[np.int64], part: slice, number: int, rate: float) -> None:
        """One update from the images `order[part]`."""
        cuts = pieces(self.network.layers, part.stop - part.start)
        share = 1 / (part.stop - part.start) if self.settings.reduction == "mean" else 1.0

        def task(worker: int, i: int) -> None:
            piece = slice(part.start + cuts[i].start, part.start + cuts[i].stop)
            self._piece(worker, order, piece, number, share)
            if len(cuts) > 1:
                self.gradients[i] = self.passes[worker].gradient

        self.team.run(task, len(cuts))
        loss = float(self.losses[part].mean())
        if not np.isfinite(loss):
            raise diverged(number, rate)
        gradient = self.passes[0].gradient
        if len(cuts) > 1:
            gradient = self.gradients[0]
            for other in self.gradients[1 : len(cuts)]:  # always in this order, whoever was first
                gradient += other
        self._penalties(gradient)
        self._clip(gradient)
        self.stepper.step(gradient, rate)
        if self.average is not None:
            self.average.update()

    def _piece(self, worker: int, order: NDArray[np.int64], piece: slice, number: int, share: float) -> None:
        """Forward and back for the images `order[piece]`; `share` scales their gradient."""
        indices = order[piece]
        generator = np.random.default_rng([self.seed, number, piece.start]) if self.random else None
        through, labels = self.passes[worker], self.settings.labels[indices]
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged training is reported by its loss
            x, mix = self._input(worker, indices, generator)
            logits = through.forward(x, training=True, generator=generator)
            losses, dlogits = self.settings.loss.forward(logits, labels)
            if mix is not None:
                kept, partner = mix
                others, dothers = self.settings.loss.forward(logits, labels[partner])
                losses = kept * losses + (1 - kept) * others
                dlogits = kept * dlogits + (1 - kept) * dothers
            self.losses[piece] = losses
            np.argmax(logits, axis=0, out=self.predicted[piece])
            dlogits *= share
            through.backward(dlogits)

    def _input(
        self, worker: int, indices: NDArray[np.int64], generator: np.random.Generator | None
    ) -> tuple[Array, tuple[Array, NDArray[np.int64]] | None]:
        """The images at `indices`, prepared and augmented; how much of each stays and who its partner is."""
        feed, augment = self.feeds[worker], self.settings.augment
        if augment is None or generator is None:
            return feed.batch(indices), None
        x = feed.prepare(augment.images(feed.take(indices), generator))
        mix = augment.mix(len(indices), generator)
        if mix is None:
            return x, None
        kept = mix[0].astype(x.dtype)
        return kept * x + (1 - kept) * x[..., mix[1]], (kept, mix[1])

    def _penalties(self, gradient: Array) -> None:
        """Add the gradient of `l1 * sum(|w|) + l2 * sum(w ** 2)` of every penalised kernel."""
        for slot in self.penalised:
            w, g = self.network.parameters[slot.part], gradient[slot.part]
            if slot.parameter.l2:
                g += w * (2 * slot.parameter.l2)
            if slot.parameter.l1:
                g += np.sign(w) * slot.parameter.l1

    def _clip(self, gradient: Array) -> None:
        """Shorten a gradient that is longer than `clip_norm` to that length."""
        limit = self.settings.clip_norm
        if limit is not None:
            length = float(np.sqrt(np.square(gradient, dtype=np.float64).sum()))
            if length > limit:
                gradient *= limit / length

    def _validate(self) -> tuple[float | None, NDArray[np.int64] | None]:
        if self.settings.validation is None:
            return None, None
        images, labels = self.settings.validation
        with np.errstate(over="ignore", invalid="ignore"):  # a diverged training is reported by its loss
            outputs = inference.logits(
                self.network,
                images,
                offset=self.settings.offset,
                scale=self.settings.scale,
                threads=self.settings.threads,
            )
            losses, _ = self.settings.loss.forward(outputs.T, labels)
        return float(losses.mean(dtype=np.float64)), confusion(
            labels, outputs.argmax(axis=1), self.network.classes
        )


def diverged(epoch: int, rate: float) -> HandlensError:
    """The error of a training whose loss is no number any more."""
    return HandlensError(
        f"the loss is not finite in epoch {epoch} at learning rate {rate:g}",
        where="training",
        expected="a finite loss",
        remedy="lower the learning rate, clip the gradient or scale the images",
    )


def confusion(truth: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    """int64 [classes, classes]: how often images of each class (row) were taken for each (column)."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
