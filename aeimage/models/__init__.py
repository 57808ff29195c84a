"""Architectures, in `keras.ops` and `keras.layers` alone: they run on TensorFlow and JAX."""
