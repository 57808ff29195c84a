"""The colorizer: luminance of a photograph in, its chroma out, at half the resolution.

    luminance -- conv 4x4 /2 -- encoder, decoder with skips -- conv 3x3 --> Cb, Cr at 1/2
                                  |             ^
                                  '- bottom: mean over the picture, dense, added -'

What a sky or a lawn is cannot be told from a small part, so pictures are shown reduced and in one
piece, and the bottom sees the mean of its features over all of them. The last layer starts at zero:
an untrained colorizer leaves pictures grey.

It minimises, over positions at half the resolution,

    mean of (1 + min(|c|, 64) / 32) * huber(|c' - c|)

c = (Cb, Cr) of ITU-T T.871 (JPEG) without their offset of 128, in levels; c' the output. The Huber
loss is linear beyond 16 levels, so that a few wrong colours do not turn all others pale; the weight
does the same for the many nearly grey positions of photographs.

Sources: an autoencoder from luminance to chroma with features of the whole picture: Iizuka et al.,
"Let there be Color!", 2016; weights against desaturation: Zhang et al., "Colorful Image
Colorization", 2016, who classify instead.
"""

import keras
from keras import ops

from aeimage.models.restorer import LEVEL_UNIT
from aeimage.models.skip_autoencoder import SkipAutoencoder, SkipConfig, exact


@keras.saving.register_keras_serializable("aeimage")
class Colorizer(SkipAutoencoder):
    """Guesses the colours of grey photographs.

    Args:
        config: sizes.

    Call arguments:
        luminance: (batch, height, width, 1), levels 0...255, of any dtype; height and width
            multiples of `config.multiple`.

    Returns:
        dict of `chroma`: float32 (batch, height / 2, width / 2, 2), Cb and Cr in levels, 0 for
        grey.
    """

    def __init__(self, config: SkipConfig | dict, **kwargs):
        leave = keras.layers.Conv2D(2, 3, padding="same", kernel_initializer="zeros", name="leave")
        super().__init__(config, leave, input_channels=1, **kwargs)
        width = self.config.widths[-1]
        self.whole = keras.layers.Dense(width, activation="relu", name="whole")
        self.spread = keras.layers.Dense(width, kernel_initializer="zeros", name="spread")

    def build(self, input_shape=None):
        width = self.config.widths[-1]
        self.whole.build((None, width))
        self.spread.build((None, width))
        super().build(input_shape)

    def bottom(self, x):
        """Add what the mean of the coarsest features over the picture tells."""
        mean = ops.mean(x, axis=(1, 2))
        return x + exact(self.spread(self.whole(mean)))[:, None, None, :]

    def call(self, luminance):
        inputs = (ops.cast(luminance, "float32") - 128.0) / LEVEL_UNIT
        return {"chroma": self.transform(exact(self.enter(inputs))) * LEVEL_UNIT}


def luminance_of(pixels):
    """Return the luminance of RGB pixels (..., 3) as float32 (..., 1), levels 0...255."""
    red, green, blue = ops.split(ops.cast(pixels, "float32"), 3, axis=-1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def chroma_of(pixels):
    """Return Cb and Cr of RGB pixels at half the resolution, levels, 0 for grey.

    Args:
        pixels: (batch, height, width, 3), levels 0...255; even height and width.

    Returns:
        float32 (batch, height / 2, width / 2, 2).
    """
    small = ops.average_pool(ops.cast(pixels, "float32"), 2, strides=2, padding="valid")
    light = luminance_of(small)
    blue, red = (small[..., 2:] - light) / 1.772, (small[..., :1] - light) / 1.402
    return ops.concatenate([blue, red], axis=-1)
