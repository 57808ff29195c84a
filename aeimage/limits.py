"""Numbers that several stages must agree on."""

DEFAULT_MAX_PIXELS = 178_956_970
"""Largest picture that is read unless asked otherwise: where Pillow, too, raises an error."""

MAX_METADATA_BYTES = 64 * 2**20
"""Largest ICC profile, EXIF block and XMP packet that is kept, in bytes each."""

MODEL_ID_BYTES = 8
"""Length of the id by which files and bundles name a model."""
