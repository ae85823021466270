import numpy as np
import pytest
from sklearn.datasets import load_digits

from handlens.data import ImageSet


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's digits as training, validation and test `ImageSet`s of 900, 300 and 597 images."""
    pixels, labels = load_digits(return_X_y=True)
    images = np.clip(pixels * 16, 0, 255).astype(np.uint8).reshape(-1, 8, 8, 1)
    parts = (np.s_[:900], np.s_[900:1200], np.s_[1200:])
    return [ImageSet(images[s], labels[s].astype(np.int64), tuple("0123456789")) for s in parts]
