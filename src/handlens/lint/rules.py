"""What each rule is called and what it teaches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`title`: a few words; `teaches`: one paragraph; a `note` is no fault and leaves the exit status."""

    title: str
    teaches: str
    note: bool = False


RULES = {
    "stale-weights": Rule(
        "fitted on without fresh weights",
        "A second `fit` goes on from the weights that the first one left. Keras's `compile` sets the "
        "loss, the metrics and a new optimizer; it does not touch the weights, and neither does a new "
        "torch optimizer. The later setting therefore starts where the earlier one ended, has seen the "
        "images more often, and in cross-validation has trained on the images it is now judged by. The "
        "comparison shows the order of the runs, not the settings. Put the model into a function, `def "
        "build_model(): ...`, and call it before every `fit` that should start anew.",
    ),
    "test-as-validation": Rule(
        "test images used as validation data",
        "What the training watches, it is tuned to: early stopping, checkpoints, learning-rate schedules "
        "and the person who looks at the curves all choose by these scores. A score on images that took "
        "part in choosing is too good, and nothing is left to measure by how much. Cut validation images "
        "from the training images (`validation_split=0.1`, or `train_test_split(x_train, y_train, "
        "test_size=0.1, stratify=y_train)`) and open the test images once, at the end.",
    ),
    "chosen-on-test": Rule(
        "a choice made on test scores",
        "The best of several test scores is partly the best luck: whoever takes the maximum of k scores "
        "takes the error that happened to point upwards. The winner's test score is then no estimate for "
        "new images. Choose (the setting, the model, the epoch) on validation images or by "
        "cross-validation on the training images, and score on the test images only the one that was "
        "chosen.",
    ),
    "seed-chosen": Rule(
        "the seed with the best score was picked",
        "A seed is no setting: another seed is another draw of the same experiment, and its best score "
        "says how far luck reaches, not how good the model is. On new images that luck is gone. Fix the "
        "seeds before you look, train with several and report the mean and the spread of all of them.",
    ),
    "fitted-before-split": Rule(
        "fitted before the split",
        "Something that learns from data (a scaler, PCA, a feature selection, an imputer, an oversampler)"
        " has seen the test images before they were set aside, so the test score is no longer that of "
        "unseen images. A scaler leaks little, a feature selection or SMOTE can turn pure noise into a "
        "good score. Split first; then `fit` on the training part and only `transform` the test part, or "
        "put the step into a `Pipeline`, which does so in every fold.",
    ),
    "test-own-statistics": Rule(
        "test images prepared with their own statistics",
        "The test images are fitted or scaled by their own mean, range or components, the training images"
        " by others: the same picture becomes different numbers in training and test. The score then "
        "depends on which other images happen to be in the test set, and a single new image cannot be "
        "classified at all. `fit` on the training images, then `transform` (never `fit_transform`) the "
        "test images.",
    ),
    "sorted-split": Rule(
        "a split of sorted data",
        "`validation_split` takes the last rows as they lie, before any shuffling; so do `KFold` and "
        "slices without shuffling. Of data that are sorted by class, the validation part holds classes "
        "that the training part hardly or never shows, and its score says nothing about the model. "
        "Shuffle images and labels with the same permutation first, or split with `train_test_split(..., "
        "stratify=y)`.",
    ),
    "softmax-and-logits": Rule(
        "the output and the loss do not fit",
        "A cross-entropy loss takes either probabilities or logits (the numbers before the softmax). With"
        " `from_logits=True`, or torch's `CrossEntropyLoss`, it applies the softmax itself: after a "
        "softmax layer it is applied twice, gradients shrink, and training stalls at a loss that cannot "
        "fall near 0. The other way round, raw numbers are taken for probabilities and clipped. Keep "
        "exactly one softmax: either `Dense(k, activation='softmax')` with the plain loss, or `Dense(k)` "
        "with `from_logits=True`; in torch, no softmax before `CrossEntropyLoss`. The loss curves and "
        "every comparison made before that do not count.",
    ),
    "single-softmax": Rule(
        "a softmax over one output",
        "A softmax divides by the sum over the outputs; with a single output it is always exactly 1, "
        "whatever the image. The accuracy is the share of class 1 and never moves. For two classes take "
        "one output with `activation='sigmoid'` and binary cross-entropy, or two outputs with a softmax.",
    ),
    "label-gap": Rule(
        "fewer outputs than the labels need",
        "Labels are used as indices: a label of 24 needs 25 outputs, whether or not every number below it"
        " occurs. Sign-MNIST's labels run from 0 to 24 without 9 (J needs a motion), so there are 24 "
        "classes but the largest index is 24; EMNIST letters run from 1 to 26. Too few outputs raise an "
        "error at best; on a GPU the loss may silently become nan. Renumber the labels first "
        "(`np.unique(y, return_inverse=True)`) and keep the table of names, or take `max(label) + 1` "
        "outputs.",
    ),
    "letter-shift": Rule(
        "the letter table is shifted against the labels",
        "Sign-MNIST numbers its letters 0 to 24 and leaves out 9 (J). With those labels a table without J"
        " names every letter after I one too far (label 10 is K, the table says L); with renumbered "
        "labels 0 to 23 the full alphabet names them one too early. Accuracy stays the same, so nothing "
        "warns you: every picture shown with its name is wrong for 15 of 24 classes. Keep one table with "
        "the numbering: `ascii_uppercase[label]` for the file's own labels, "
        "`'ABCDEFGHIKLMNOPQRSTUVWXY'[label]` for labels 0 to 23.",
    ),
    "misaligned": Rule(
        "predictions and labels in different order",
        "The two lists are not in the same order, because one of them was shuffled and the other was not,"
        " or each by itself. Their agreement is then about 1 / number of classes, however good the model "
        "is; training on such pairs learns nothing. Give the generator or loader of the test images "
        "`shuffle=False`, collect labels and predictions in the same pass, and shuffle images and labels "
        "with one permutation: `order = rng.permutation(len(x)); x, y = x[order], y[order]`.",
    ),
    "one-replicate": Rule(
        "a claim from one training of each model",
        "Two trainings of the very same network with different seeds differ too, often by as much as two "
        "models do. From one training each, nobody can tell the better model from the luckier one. Train "
        "each with several seeds (5 is a start), report mean and spread or an interval for the "
        "difference, and say 'better' only when that interval leaves out zero; `handlens compare "
        "--verdicts` does so.",
    ),
    "train-as-test": Rule(
        "a training score called a test score",
        "The score was measured on images that the model was fitted to. A model that learnt them by heart"
        " would reach 100 % here and know nothing about new images. Score on images that `fit` has not "
        "seen, and call a training score by its name.",
    ),
    "trained-on-test": Rule(
        "the test images were trained on",
        "The images that give the score were among those that the model was fitted to. It is a training "
        "score, whatever its name. Fit on the training part alone (also in `GridSearchCV`); if you fit "
        "once more on all images to hand the model on, report the score from before.",
    ),
    "augmented-before-split": Rule(
        "augmented before the split",
        "Turned, shifted or copied versions of the same picture lie in both parts after the split: the "
        "test images have near twins among the training images, and the score rewards memory. Split "
        "first, then augment the training images alone.",
    ),
    "augmented-test": Rule(
        "random augmentation of test images",
        "The test images are turned or shifted at random: the score is that of harder pictures, changes "
        "from call to call, and cannot be compared with anybody else's. Give validation and test images "
        "their own generator or transform that only scales.",
    ),
    "train-mode": Rule(
        "scored in training mode",
        "The network has dropout or batch normalization, and `model.eval()` was not called before the "
        "test images: units are switched off at random and statistics come from the batch. The score is "
        "too low, changes from call to call and depends on the batch size. Call `model.eval()` (and "
        "`torch.no_grad()`) before scoring, and `model.train()` before the next epoch.",
    ),
    "out-of-order": Rule(
        "cells were not run from top to bottom",
        "The counts beside the cells say that they were run in another order than they are written in. "
        "They were checked in the order of the counts. What the notebook shows may not come out again: "
        "restart the kernel, run all cells, and see whether the numbers stay.",
        note=True,
    ),
    "unreadable-cell": Rule(
        "a cell that cannot be read",
        "This cell is not valid Python, so it was left out; the others were checked. Names that it "
        "defines are unknown to the check.",
        note=True,
    ),
}
