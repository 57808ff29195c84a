"""From trained models to files that run without Keras."""
