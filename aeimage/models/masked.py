"""The masked autoencoder: pictures with missing pixels in, whole pictures out.

    pixels, mask -- pull-push --> filled ------------------------------------------(+)--> pixels
                                    |                                               ^
                                    '-- with mask -- encoder, decoder, skips -- times mask

Missing pixels are filled smoothly first (`aeimage.pull_push`), so that the network has to learn
only what a smooth filling lacks: edges and texture. Its last layer starts at zero: an untrained one
is pull-push. Its layers are a restorer's, with the mask as fourth channel of the input.

Trained on parts hidden at random, it minimises for each picture, over the hidden pixels alone,

    ( log(mean |x' - x| + 1) + log(rms(x' - x) + 1) ) / 2

x: the picture, x': the output, in levels. Logarithms give hidden dots, scratches and boxes, smooth
pictures and rough ones the same say, though the errors they leave differ a hundredfold.

Sources: Pathak et al., "Context Encoders", 2016; the mask as an input: Liu et al., "Image
Inpainting for Irregular Holes Using Partial Convolutions", 2018.
"""

import keras
from keras import ops

from aeimage import pull_push
from aeimage.errors import UsageError
from aeimage.models.layers import PatchConv2DTranspose
from aeimage.models.restorer import LEVEL_UNIT, Restorer
from aeimage.models.skip_autoencoder import SkipAutoencoder, SkipConfig, exact


@keras.saving.register_keras_serializable("aeimage")
class MaskedAutoencoder(SkipAutoencoder):
    """Fills in missing pixels.

    Args:
        config: sizes.

    Call arguments:
        pixels: (batch, height, width, 3), levels 0...255, of any dtype; whatever is finite where
            they are missing; height and width multiples of `config.multiple`.
        mask: (batch, height, width, 1): 1 where pixels are missing, 0 elsewhere.

    Returns:
        dict of float32 (batch, height, width, 3) each: `pixels`, equal to the input where it is
        known, elsewhere neither clipped nor rounded; and `filled`, what pull-push alone makes.
    """

    def __init__(self, config: SkipConfig | dict, **kwargs):
        leave = PatchConv2DTranspose(3, 2, kernel_initializer="zeros", name="leave")
        super().__init__(config, leave, input_channels=4, **kwargs)

    def call(self, pixels, mask):
        pixels, mask = ops.cast(pixels, "float32"), ops.cast(mask, "float32")
        filled = pull_push.fill(pull_push.weigh(pixels, mask, ops), ops)
        return {"pixels": self.refine(filled, mask), "filled": filled}

    def refine(self, filled, mask):
        """Return what the network makes of pixels that are filled already.

        Args:
            filled: float32 (batch, height, width, 3), levels 0...255.
            mask: float32 (batch, height, width, 1); elsewhere pixels stay as they are.
        """
        inputs = ops.concatenate([(filled - 128.0) / LEVEL_UNIT, mask], axis=-1)
        difference = self.transform(exact(self.enter(inputs)))
        return filled + mask * difference * LEVEL_UNIT


def start_from_restorer(model: MaskedAutoencoder, restorer: Restorer) -> None:
    """Give a masked autoencoder the weights of a restorer of the same widths.

    The first layer ignores the mask at first, and the last one stays zero: the model still is
    pull-push, but its blocks know photographs. Of a deeper restorer, the first blocks of each scale
    are taken.

    Args:
        model: built, untrained.
        restorer: built.

    Raises:
        UsageError: the widths differ, or the restorer has fewer blocks at some scale.
    """
    theirs = {block.name: block for block in restorer.blocks}
    wanted, sizes = vars(model.config), vars(restorer.config)
    if sizes["widths"] != wanted["widths"] or not theirs.keys() >= {b.name for b in model.blocks}:
        expected = f"one of the sizes {wanted}, or with more blocks"
        raise UsageError.for_value("restorer", expected, sizes)
    kernel = restorer.enter.kernel
    ignored = ops.zeros((*kernel.shape[:2], 1, kernel.shape[-1]), kernel.dtype)
    model.enter.kernel.assign(ops.concatenate([kernel, ignored], axis=2))
    model.enter.bias.assign(restorer.enter.bias)
    for mine, other in (
        *zip(model.down, restorer.down, strict=True),
        *zip(model.up, restorer.up, strict=True),
        *((block, theirs[block.name]) for block in model.blocks),
    ):
        mine.set_weights(other.get_weights())
