"""Images in: files of many formats, data sets known by name, splits, preparation, features."""

from handlens.data.catalogue import Entry, catalogue
from handlens.data.features import Features, features
from handlens.data.formats import Options
from handlens.data.images import Dataset, ImageSet
from handlens.data.load import load
from handlens.data.prepare import KINDS, Preparation, fit_preparation
from handlens.data.split import Split, split

__all__ = [
    "KINDS",
    "Dataset",
    "Entry",
    "Features",
    "ImageSet",
    "Options",
    "Preparation",
    "Split",
    "catalogue",
    "features",
    "fit_preparation",
    "load",
    "split",
]
