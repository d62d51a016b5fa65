"""EnergyLogger: energies in the logs of Keras's own training, of both versions."""

from __future__ import annotations

import numpy as np
import pytest

import nengo_energy as ne

pytestmark = pytest.mark.tensorflow

keras2 = pytest.importorskip("tf_keras")
keras3 = pytest.importorskip("keras")

X = np.random.default_rng(0).random((32, 8, 8, 1), dtype="float32")
Y = np.arange(32) % 3


def compiled(keras):
    keras.utils.set_random_seed(0)  # of some weights all units die in the first epoch
    layers = [
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(3, "softmax"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    quick = keras.optimizers.SGD(0.5)  # so that epochs differ
    model.compile(quick, loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("keras", [keras2, keras3], ids=["keras2", "keras3"])
def test_energies_stand_beside_the_loss(keras):
    seen = []
    behind = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(dict(logs))
    )
    logger = ne.EnergyLogger(X[:4], ["cpu", "Loihi"], every=2, timesteps=20)
    history = compiled(keras).fit(X, Y, epochs=4, verbose=0, callbacks=[logger, behind])
    # 6 x 6 x 4 x 9 + 144 x 3 multiply-accumulates and 144 + 3 activations of 8.6 nJ
    cpu = (1296 + 432 + 147) * 8.6e-9
    assert history.history["energy cpu"] == pytest.approx([cpu, cpu], rel=1e-12)
    assert ["energy cpu" in logs for logs in seen] == [False, True, False, True]
    assert sorted(logger.estimates) == [1, 3]
    for epoch, energy in zip((1, 3), history.history["energy loihi"]):
        estimate = logger.estimates[epoch]
        assert estimate.settings["timesteps"] == 20
        assert energy == estimate.total("loihi") > 0
    # the network of the weights of that epoch, not of the first
    assert len(set(history.history["energy loihi"])) == 2


@pytest.mark.parametrize(
    "options, message",
    [
        ({"devices": ["loihi3"]}, "device 'loihi3' not found"),
        ({"every": 0}, "every must be a whole number of at least 1; got 0"),
        ({"timesteps": 2.5}, "timesteps must be a whole number"),
    ],
)
def test_wrong_settings_are_refused_before_training(options, message):
    with pytest.raises(ne.NengoEnergyError, match=message):
        ne.EnergyLogger(X[:4], **options)
