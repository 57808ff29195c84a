"""The denoising autoencoder: it is shown a damaged picture and shall make the undamaged one.

    objective = mean over pictures and pixels of (x - g(f(x~)))^2,    x~ a damaged x

To undo damage it must know what pictures look like, so its latents may be as many as the pixels or
more. `call`, `encode` and `reconstruct` do no damage: show them a noisy picture and they clean it.

Source: Vincent, Larochelle, Bengio and Manzagol, "Extracting and Composing Robust Features with
Denoising Autoencoders", ICML 2008.
"""

import keras
from keras import ops

from aeimage.corruption import Corruption, GaussianNoise
from aeimage.errors import UsageError
from aeimage.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("aeimage")
class DenoisingAutoencoder(Autoencoder):
    """Denoising autoencoder.

    Args:
        shape, latent_size, widths, coder: as for `Autoencoder`, which takes the other arguments.
        corruption: any layer of `aeimage.corruption`, or a number: the standard deviation of
            Gaussian noise, where pixels are in [0, 1].

    Damaged pictures are clipped to [0, 1], as files of noisy pictures are.
    """

    family = "denoising"

    def __init__(
        self,
        shape,
        latent_size,
        widths=None,
        coder="dense",
        *,
        corruption: Corruption | float = 0.3,
        **kwargs,
    ):
        super().__init__(shape, latent_size, widths, coder, **kwargs)
        if isinstance(corruption, dict):
            corruption = keras.saving.deserialize_keras_object(corruption)
        if isinstance(corruption, int | float) and 0.0 <= corruption <= 10.0:
            corruption = GaussianNoise(sigma=255.0 * corruption, name="corruption")
        if not isinstance(corruption, Corruption):
            expected = "a layer of aeimage.corruption, or a noise level from 0 to 10"
            raise UsageError.for_value("corruption", expected, corruption)
        self.corruption = corruption

    def examples(self, pictures, seed=None):
        damaged = self.corruption(pictures * 255.0, seed=seed) / 255.0
        return ops.clip(damaged, 0.0, 1.0), pictures

    def get_config(self):
        corruption = keras.saving.serialize_keras_object(self.corruption)
        return {**super().get_config(), "corruption": corruption}
