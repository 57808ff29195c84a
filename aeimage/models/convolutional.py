"""The convolutional autoencoder: strided convolutions down, transposed convolutions up.

    objective = mean over pictures and pixels of (x - g(f(x)))^2

as for the dense one; but f and g look at neighbourhoods and share their weights among places, which
needs fewer weights, and fewer pictures to learn them from.

Sources: Masci, Meier, Cireșan and Schmidhuber, "Stacked Convolutional Auto-Encoders for
Hierarchical Feature Extraction", ICANN 2011; see `aeimage.models.coders`.
"""

import keras

from aeimage.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("aeimage")
class ConvolutionalAutoencoder(Autoencoder):
    """Convolutional autoencoder; see the module, and `Autoencoder` for the arguments."""

    family = "convolutional"

    def __init__(self, shape, latent_size, widths=None, coder="convolutional", **kwargs):
        super().__init__(shape, latent_size, widths, coder, **kwargs)
