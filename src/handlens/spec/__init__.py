"""Frozen descriptions of models: what to build, never how. Parsed from text, never evaluated."""

from handlens.spec.network import LAYERS, Activation, Dense, Dropout, Flatten, Layer
from handlens.spec.recipe import (
    Estimator,
    EstimatorRecipe,
    NetworkRecipe,
    Recipe,
    digest,
    estimator,
    from_dict,
    to_dict,
    zoo,
    zoo_names,
)
from handlens.spec.text import explained, parse, parse_list, to_text
from handlens.spec.training import OPTIMIZERS, SGD, Adam, Optimizer

__all__ = [
    "LAYERS",
    "OPTIMIZERS",
    "SGD",
    "Activation",
    "Adam",
    "Dense",
    "Dropout",
    "Estimator",
    "EstimatorRecipe",
    "Flatten",
    "Layer",
    "NetworkRecipe",
    "Optimizer",
    "Recipe",
    "digest",
    "estimator",
    "explained",
    "from_dict",
    "parse",
    "parse_list",
    "to_dict",
    "to_text",
    "zoo",
    "zoo_names",
]
