"""Models of public reports, each for a kind: what they compute, or why they can't."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from counted_layers import newest_keras
from rate_outputs import rate_outputs
from test_model_cases import check_rates, model_of, randomized

import nengo_energy as ne
from nengo_energy.cli import program as cli
from nengo_energy.compat import import_tensorflow, import_tf_keras
from nengo_energy.conversion.layers import registry

pytestmark = pytest.mark.tensorflow

BENT = {
    "relu6": lambda layers: "relu6",
    "leaky_relu": lambda layers: "leaky_relu",
    "ReLU": lambda layers: layers.ReLU(),
    "ReLU with a ceiling and a slope": lambda layers: layers.ReLU(2.0, 0.25),
    "LeakyReLU": lambda layers: layers.LeakyReLU(),
}


@pytest.mark.parametrize("name", BENT)
def test_activations_by_name_and_as_layers(keras: ModuleType, name: str) -> None:
    activation = BENT[name](keras.layers)
    if name == "leaky_relu" and not hasattr(keras.activations, name):
        pytest.skip("Keras 2 has no such name")
    conv = keras.layers.Conv2D(3, 2, activation=activation)
    # so that the activation isn't an output's
    after = [keras.layers.Flatten(), keras.layers.Dense(3)]
    model = model_of(keras, (4, 4, 2), conv, *after)
    snn = ne.convert(model)
    check_rates(model, snn)
    types = {p.neuron_type for p in snn.topology.populations}
    assert types == {"LoihiSpikingRectifiedLinear"}
    assert snn.host_layers == () and not snn.finals


def test_arithmetic_on_inputs_and_between_layers(keras: ModuleType) -> None:
    one, two = keras.Input((5,)), keras.Input((5,))
    dense = [keras.layers.Dense(5, activation="relu") for _ in range(2)]
    x = dense[0](one / 255.0) + dense[1](two * 2 - 1)
    x = keras.layers.ReLU()(x - 0.25) + 3.0
    model = randomized(keras.Model([one, two], keras.layers.Dense(3)(x)))
    snn = ne.convert(model)
    check_rates(model, snn)
    assert snn.host_layers == ()
    assert sum(p.n_neurons for p in snn.topology.populations) == 15


def test_open_sizes_come_from_data_or_are_given(keras: ModuleType) -> None:
    layers = keras.layers
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, activation="relu")(image)
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    model = randomized(keras.Model(image, x))
    x = np.random.RandomState(0).uniform(size=(3, 9, 7, 3))
    by_data = ne.convert(model, scale_firing_rates="auto", example_data=x)
    given = ne.convert(model, input_shape=(9, 7, 3))
    for snn in (by_data, given):
        assert [p.n_neurons for p in snn.topology.populations] == [7 * 5 * 4]
        (got,) = rate_outputs(snn, [x])
        np.testing.assert_allclose(got, model(x), atol=1e-5)
    series = keras.Input((None, 2))
    x = layers.Conv1D(3, 4, activation="relu")(layers.Cropping1D(100)(series))
    model = randomized(keras.Model(series, layers.GlobalAveragePooling1D()(x)))
    snn = ne.convert(model, input_shape=(220, 2))
    assert [p.n_neurons for p in snn.topology.populations] == [17 * 3]


def test_images_of_a_series_pass_a_model_each(keras: ModuleType) -> None:
    """A network within TimeDistributed, as for video: each image has its neurons."""
    layers = keras.layers
    parts = [layers.Conv2D(2, 3, activation="relu"), layers.MaxPooling2D()]
    inner = model_of(keras, (6, 6, 1), *parts, layers.Flatten())
    series = keras.Input((3, 6, 6, 1))
    x = layers.Flatten()(layers.TimeDistributed(inner)(series))
    model = randomized(keras.Model(series, layers.Dense(2)(x)))
    snn = ne.convert(model, scale_firing_rates=100)
    check_rates(model, snn)
    # 4 x 4 x 2 of the convolution, and pairs of them, and pairs of those
    assert [p.n_neurons for p in snn.topology.populations] == [32, 16, 8] * 3
    x = np.random.RandomState(0).uniform(size=(2, 3, 6, 6, 1))
    compared = snn.compare(x, timesteps=5, progress=False)
    assert len(compared.to_frame()) == 9


def test_sizes_that_only_running_shows() -> None:
    """As for patches of keras.io's image transformer; a choice of values has none."""
    keras, tf = import_tf_keras(), import_tensorflow()
    image = keras.Input((4, 4, 2))
    patches = keras.layers.Lambda(
        lambda v: tf.reshape(
            tf.image.extract_patches(
                v, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"
            ),
            [tf.shape(v)[0], -1, 8],
        )
    )
    x = keras.layers.Dense(3, activation="relu")(patches(image))
    assert x.shape[1] is None
    model = randomized(keras.Model(image, keras.layers.Flatten()(x)))
    snn = ne.convert(model)
    check_rates(model, snn)
    assert [p.n_neurons for p in snn.topology.populations] == [4 * 3]
    chosen = keras.layers.Lambda(
        lambda v: tf.boolean_mask(v, v[0, :, 0, 0] > 0.5, axis=1), name="chosen"
    )
    x = keras.layers.GlobalAveragePooling2D()(chosen(image))
    with pytest.raises(ne.UnsupportedError, match="'chosen'.* a fixed number"):
        ne.convert(keras.Model(image, keras.layers.Dense(2)(x)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused_by_layer(
    keras: ModuleType, value: float
) -> None:
    dense = keras.layers.Dense(4, activation="relu", name="broken")
    model = model_of(keras, (3,), dense, keras.layers.Dense(2))
    kernel, bias = dense.get_weights()
    bias[1] = value
    dense.set_weights([kernel, bias])
    with pytest.raises(ne.NengoEnergyError, match="broken"):
        ne.convert(model)


def test_grouped_volumes_are_computed_without_groups() -> None:
    """TensorFlow has none on a CPU, so the outputs are worked out here, by halves."""
    keras = import_tf_keras()
    conv = keras.layers.Conv3D(4, 2, groups=2, name="volume")
    model = model_of(keras, (3, 3, 3, 4), keras.layers.ReLU(), conv)
    options = {"scale_firing_rates": 1000, "neurons": "integrate-and-fire"}
    snn = ne.convert(model, verify=False, **options)
    x = np.random.RandomState(0).uniform(size=(1, 3, 3, 3, 4)).round(1)
    kernel = conv.get_weights()[0]
    wanted = np.zeros((2, 2, 2, 4)) + conv.get_weights()[1]
    for place in np.ndindex(2, 2, 2):
        for tap in np.ndindex(2, 2, 2):
            values = x[0][tuple(np.add(place, tap))]
            for k in range(2):
                half = slice(2 * k, 2 * k + 2)
                wanted[place][half] += values[half] @ kernel[tap][:, half]
    (found,) = snn.measure(x, 400, progress=False).outputs.values()
    np.testing.assert_allclose(found[0], wanted.ravel(), atol=0.1 * np.ptp(wanted))


def test_scaling_layers_of_application_models_are_rebuilt() -> None:
    """Those of ConvNeXt and InceptionResNetV2, which Keras 3 keeps to itself."""
    keras = newest_keras()
    if keras is import_tf_keras():
        pytest.skip("there is no Keras 3")
    scale = importlib.import_module("keras.src.applications.convnext").LayerScale
    sums = importlib.import_module("keras.src.applications.inception_resnet_v2")
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.ReLU()(inputs)
    y = scale(0.5, 3)(keras.layers.Conv2D(3, 1)(x))
    model = keras.Model(inputs, sums.CustomScaleLayer(0.25)([x, y]))
    snn = ne.convert(randomized(model))
    check_rates(model, snn)
    assert snn.host_layers == ()


def test_layers_of_ones_own_convert_as_registered() -> None:
    keras = import_tf_keras()

    class Cubed(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * x * x

    def convert_as_twice(build: Any) -> Any:
        output = build.node()
        build.connect(build.inputs[0], output, transform=2.0)
        return output

    model = model_of(keras, (3,), keras.layers.ReLU(), Cubed(name="own"))
    with registry.isolated():
        ne.register_converter(Cubed, convert_as_twice)
        snn = ne.convert(model, verify=False)
        x = np.array([[0.5, 2.0, -1.0]])
        (got,) = rate_outputs(snn, [x])
    np.testing.assert_allclose(got, [[1.0, 4.0, 0.0]])


def test_a_single_spiking_layer_deploys_from_the_command_line(
    tmp_path: Any, capsys: pytest.CaptureFixture
) -> None:
    keras = import_tf_keras()
    dense = keras.layers.Dense(8, activation="relu", name="hidden")
    model = model_of(keras, (12,), dense, keras.layers.Dense(3, activation="softmax"))
    model.save(tmp_path / "model.h5")
    x = np.random.RandomState(0).uniform(size=(4, 12))
    np.savez(tmp_path / "data.npz", x=x, y=[0, 1, 2, 0])
    words = [str(tmp_path / "model.h5"), "--data", str(tmp_path / "data.npz")]
    assert cli.main(["deploy", *words, "--timesteps", "10"]) == 0
    assert "hidden" in capsys.readouterr().out
