"""What a restorer's bundle runs, as TensorFlow functions.

    denoise    pixels float32 (1, h, w, 3) [, sigma float32 (1,)] -> pixels, neither clipped nor
               rounded; h and w multiples of the model's
    estimate   pixels -> sigma float32 (1,); restorers with a level map only

`sigma` is the root mean square of the damage in levels.
"""

import tensorflow as tf

from aeimage.models.restorer import Restorer


class RestorerGraphs(tf.Module):
    """The signatures of a restorer.

    Args:
        model: built under the float32 policy.
    """

    def __init__(self, model: Restorer):
        super().__init__()
        self.model = model
        self.weights = [v.value for v in model.trainable_variables]
        model.leave.as_patches = True
        pixels = tf.TensorSpec((1, None, None, 3), tf.float32, name="pixels")
        sigma = tf.TensorSpec((1,), tf.float32, name="sigma")
        if model.config.level_map:
            self.graphs = {
                "denoise": tf.function(self._denoise_at, input_signature=(pixels, sigma)),
                "estimate": tf.function(self._estimate, input_signature=(pixels,)),
            }
        else:
            self.graphs = {"denoise": tf.function(self._denoise, input_signature=(pixels,))}

    def _denoise(self, pixels):
        return {"pixels": self.model(pixels)["pixels"]}

    def _denoise_at(self, pixels, sigma):
        return {"pixels": self.model.restore(pixels, sigma)}

    def _estimate(self, pixels):
        return {"sigma": self.model.estimate(pixels)}
