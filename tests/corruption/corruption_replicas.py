"""Calls a layer in two replicas on two logical CPUs and prints which ones drew the same noise."""

import json

import numpy as np
import tensorflow as tf

from aeimage.corruption import GaussianNoise, replica_seed

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layer = GaussianNoise(sigma=10.0, seed=1)
images, seed = tf.zeros((1, 8, 8, 1)), tf.constant([3, 4])


def replicas(call):
    result = tf.function(lambda: strategy.run(call))()
    return [np.asarray(value) for value in strategy.experimental_local_results(result)]


same = replicas(lambda: layer(images, seed=seed))
folded = replicas(lambda: layer(images, seed=replica_seed(seed)))
own = replicas(lambda: layer(images))
print(
    json.dumps(
        {
            "same seed": np.array_equal(*same),
            "replica_seed": np.array_equal(*folded),
            "own generator": np.array_equal(*own),
            "first replica as alone": np.array_equal(folded[0], layer(images, seed=seed)),
        }
    )
)
