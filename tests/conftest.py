"""What every test process needs: JAX on the processor, its programs compiled fast; no test is about time."""

import os

from hypothesis import settings

# Before anything imports JAX.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

settings.register_profile("house", deadline=None)
settings.load_profile("house")
