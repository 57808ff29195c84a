"""Pictures in and out, through Pillow.

`read_picture` turns a file of any supported kind into 8-bit RGB with its alpha and metadata;
`write_picture` turns that back into a file. Nothing here knows about codecs.
"""

from aeimage.images.picture import Picture
from aeimage.images.reading import (
    PICTURE_SUFFIXES,
    as_picture,
    count_pages,
    from_pillow,
    is_picture_path,
    picture_format,
    read_picture,
)
from aeimage.images.writing import OUTPUT_FORMATS, to_pillow, write_pages, write_picture
from aeimage.limits import DEFAULT_MAX_PIXELS

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "OUTPUT_FORMATS",
    "PICTURE_SUFFIXES",
    "Picture",
    "as_picture",
    "count_pages",
    "from_pillow",
    "is_picture_path",
    "picture_format",
    "read_picture",
    "to_pillow",
    "write_pages",
    "write_picture",
]
