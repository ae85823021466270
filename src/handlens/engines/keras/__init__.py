"""The engine that trains with Keras, on JAX where it may. Nothing here is imported before it is asked for."""
