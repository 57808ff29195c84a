"""The plain autoencoder: fully connected layers around a few latents.

    objective = mean over pictures and pixels of (x - g(f(x)))^2

or the cross-entropy of each pixel in its place. With linear layers and the squared error its
latents span the same space as the first principal components; what hidden layers gain over these is
the gain of being nonlinear.

Sources: Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks",
Science 313, 2006; the relation to PCA: Baldi and Hornik, "Neural networks and principal component
analysis", 1989.
"""

import keras

from aeimage.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("aeimage")
class DenseAutoencoder(Autoencoder):
    """Vanilla autoencoder; see the module, and `Autoencoder` for the arguments."""

    family = "dense"
