"""A run handed on: ONNX, one HTML page, JSON, Keras's file, a model card."""
