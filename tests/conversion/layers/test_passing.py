"""Linear layers that are too large to be read off leave nothing behind."""

import numpy as np
import tf_keras as keras

import nengo_energy as ne
from nengo_energy.conversion.layers import passing


class Mixed(keras.layers.Layer):
    """The first input, plus what a full matrix makes of the second."""

    def call(self, inputs):
        weights = np.arange(1.0, 17.0, dtype="f4").reshape(4, 4)
        return inputs[0] + keras.backend.dot(inputs[1], keras.backend.constant(weights))


def test_host_takes_a_layer_that_could_be_read_in_part(monkeypatch):
    """Its first input moves, and is found first; the second's matrix is too large."""
    monkeypatch.setattr(passing, "MAX_PROBED", 15)
    layers = keras.layers
    image = keras.Input((3,))
    parts = [layers.Dense(4, activation="relu")(image) for _ in range(2)]
    x = Mixed(name="mixed")(parts)
    snn = ne.convert(keras.Model(image, layers.Dense(2, name="last")(x)))
    assert snn.host_layers == ("mixed",)
    # 4 + 4 values go to the host, and nothing else is read out
    assert sum(p.n_synapses for p in snn.topology.readouts) == 8
    leading = {conn.pre_obj for conn in snn.net.all_connections}
    ends = [node for node in snn.net.all_nodes if node not in leading]
    assert ends == [probe.obj for probe in snn.net.all_probes]
