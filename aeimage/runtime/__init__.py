"""Shipped models at work, without TensorFlow: pictures to bytes and back."""
