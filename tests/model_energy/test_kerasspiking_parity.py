"""KerasSpiking's own ModelEnergy beside ours, on the same models and data."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from types import ModuleType
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tf_keras

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(
        importlib.util.find_spec("keras_spiking") is None,
        reason="KerasSpiking isn't installed",
    ),
]

Build = Callable[[ModuleType], Any]

DEVICES = ("cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2")
COLUMNS = ("name", "output_shape", "params", "connections", "neurons", "rate")
ENERGIES = tuple(
    f"{kind} {device}"
    for kind in ("energy", "synop_energy", "neuron_energy")
    for device in ("cpu", "loihi")
)


def chain(shape: tuple, *makers: Callable[[Any], Any]) -> Build:
    """Return a function that builds a chain of layers."""

    def build(keras: ModuleType) -> Any:
        x = inputs = keras.Input(shape)
        for make in makers:
            x = make(keras.layers)(x)
        return keras.Model(inputs, x)

    return build


def dense(units: int, activation: str | None = None) -> Callable[[Any], Any]:
    return lambda layers: layers.Dense(units, activation=activation)


def conv(n: int, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda layers: getattr(layers, f"Conv{n}D")(*args, **kwargs)


def layer(name: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda layers: getattr(layers, name)(*args, **kwargs)


def in_time(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda layers: layers.TimeDistributed(make(layers))


def spiking(name: str = "SpikingActivation", *args: Any) -> Callable[[Any], Any]:
    def make(layers: Any) -> Any:
        return getattr(importlib.import_module("keras_spiking"), name)(*args)

    return make


def sequential(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Conv2D(3, 3, activation="relu")]
        + [layers.Flatten(), layers.Dense(4, activation="softmax")]
    )


def skip(keras: ModuleType) -> Any:
    inputs = keras.Input((12,))
    a = keras.layers.Dense(8, activation="relu")(inputs)
    b = keras.layers.Dense(8, activation="tanh")(a)
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Add()([a, b])))


def two_inputs(keras: ModuleType) -> Any:
    inputs = [keras.Input((7,)), keras.Input((7,))]
    merged = keras.layers.Concatenate()(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, activation="relu")(merged))


def two_outputs(keras: ModuleType) -> Any:
    inputs = keras.Input((7,))
    x = keras.layers.Dense(5, activation="relu")(inputs)
    return keras.Model(inputs, [keras.layers.Dense(3)(x), keras.layers.Dense(2)(x)])


def shared(keras: ModuleType) -> Any:
    inputs = keras.Input((9,))
    twice = keras.layers.Dense(9, activation="relu")
    return keras.Model(inputs, twice(twice(inputs)))


def shared_by_two_sizes(keras: ModuleType) -> Any:
    a, b = keras.Input((6, 6, 1)), keras.Input((8, 8, 1))
    twice = keras.layers.Conv2D(3, 3, activation="relu")
    pooled = [keras.layers.GlobalAveragePooling2D()(twice(x)) for x in (a, b)]
    return keras.Model([a, b], keras.layers.Add()(pooled))


def nested(keras: ModuleType) -> Any:
    inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "relu")])
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.layers.Dense(2)(inner(inputs)))


def derived(keras: ModuleType) -> Any:
    mine = type("MyDense", (keras.layers.Dense,), {})
    return chain((5,), lambda layers: mine(4, activation="relu"))(keras)


MODELS: Dict[str, Tuple[Build, Tuple[Tuple[int, ...], ...]]] = {
    "dense": (chain((11,), dense(5)), ((11,),)),
    "dense relu": (chain((11,), dense(5, "relu"), dense(3, "sigmoid")), ((11,),)),
    "dense linear": (chain((11,), dense(5, "linear")), ((11,),)),
    "dense on images": (chain((3, 4, 5), dense(6, "relu")), ((3, 4, 5),)),
    "conv1d": (chain((9, 3), conv(1, 4, 3, activation="relu")), ((9, 3),)),
    "conv2d": (chain((8, 7, 2), conv(2, 4, (3, 2), strides=2)), ((8, 7, 2),)),
    "conv2d same": (chain((8, 7, 2), conv(2, 4, 3, padding="same")), ((8, 7, 2),)),
    "conv2d dilated": (
        chain((9, 9, 2), conv(2, 4, 3, dilation_rate=2, activation="elu")),
        ((9, 9, 2),),
    ),
    "conv2d groups": (chain((8, 8, 4), conv(2, 6, 3, groups=2)), ((8, 8, 4),)),
    "conv3d": (
        chain((4, 5, 4, 2), conv(3, 3, 2, activation="relu"), layer("Flatten")),
        ((4, 5, 4, 2),),
    ),
    "conv2d transposed": (
        chain((5, 5, 3), layer("Conv2DTranspose", 4, 3, activation="relu")),
        ((5, 5, 3),),
    ),
    "conv1d transposed": (chain((5, 3), layer("Conv1DTranspose", 4, 2)), ((5, 3),)),
    "depthwise": (chain((5, 5, 3), layer("DepthwiseConv2D", 3)), ((5, 5, 3),)),
    "separable": (chain((5, 5, 3), layer("SeparableConv2D", 4, 3)), ((5, 5, 3),)),
    "activations": (
        chain((6, 3), layer("ReLU"), layer("LeakyReLU"), layer("Activation", "tanh")),
        ((6, 3),),
    ),
    "activations of no effect": (
        chain((6, 3), layer("Activation", "linear"), layer("Softmax"), layer("PReLU")),
        ((6, 3),),
    ),
    "pooling": (
        chain(
            (8, 8, 2),
            layer("AveragePooling2D", 2),
            layer("MaxPooling2D", 2),
            layer("GlobalAveragePooling2D"),
            dense(3, "relu"),
        ),
        ((8, 8, 2),),
    ),
    "normalization": (
        chain((8, 2), conv(1, 3, 2), layer("BatchNormalization"), layer("ReLU")),
        ((8, 2),),
    ),
    "shapes": (
        chain(
            (4, 6),
            layer("Reshape", (6, 4)),
            layer("Permute", (2, 1)),
            layer("Dropout", 0.5),
            layer("ZeroPadding1D", 1),
        ),
        ((4, 6),),
    ),
    "recurrent": (chain((5, 3), layer("LSTM", 4), dense(2)), ((5, 3),)),
    "open time": (chain((None, 7), dense(5, "relu"), dense(3)), ((4, 7),)),
    "fixed time": (chain((4, 7), dense(5, "relu"), layer("ReLU")), ((4, 7),)),
    "time distributed": (
        chain(
            (None, 6, 6, 2),
            in_time(conv(2, 3, 3, activation="relu")),
            in_time(layer("Flatten")),
            in_time(dense(4)),
            in_time(layer("Activation", "relu")),
        ),
        ((3, 6, 6, 2),),
    ),
    "time distributed, fixed": (
        chain((3, 6, 2), in_time(conv(1, 3, 2)), in_time(layer("ReLU"))),
        ((3, 6, 2),),
    ),
    "spiking": (
        chain((None, 6), dense(5), spiking("SpikingActivation", "relu")),
        ((4, 6),),
    ),
    "spiking, fixed time": (
        chain((4, 3, 2), spiking("SpikingActivation", "relu")),
        ((4, 3, 2),),
    ),
    "filters": (
        chain((None, 6), dense(5), spiking("Lowpass", 0.01), spiking("Alpha", 0.01)),
        ((4, 6),),
    ),
    "sequential": (sequential, ((6, 6, 2),)),
    "skip": (skip, ((12,),)),
    "two inputs": (two_inputs, ((7,), (7,))),
    "two outputs": (two_outputs, ((7,),)),
    "shared": (shared, ((9,),)),
    "shared by two sizes": (shared_by_two_sizes, ((6, 6, 1), (8, 8, 1))),
    "nested": (nested, ((6,),)),
    "derived": (derived, ((5,),)),
}

#: Models that KerasSpiking gets right, so that strict_compat makes no difference.
RIGHT = [
    "dense",
    "dense relu",
    "dense linear",
    "dense on images",
    "conv1d",
    "conv2d",
    "conv2d same",
    "conv2d dilated",
    "conv2d groups",
    "conv3d",
    "activations",
    "open time",
    "fixed time",
    "time distributed",
    "time distributed, fixed",
    "spiking",
    "spiking, fixed time",
    "sequential",
    "two inputs",
    "two outputs",
    "derived",
]


def both(name: str, **options: Any) -> Tuple[Any, Any, Any]:
    """Return the model, KerasSpiking's object for it, and ours."""
    import_nengo_dl()  # imports KerasSpiking for Keras 2
    theirs = importlib.import_module("keras_spiking")
    keras = import_tf_keras()
    keras.utils.set_random_seed(1)
    build, shapes = MODELS[name]
    model = build(keras)
    rng = np.random.RandomState(2)
    data = [rng.uniform(-1, 3, size=(5, *shape)).astype("float32") for shape in shapes]
    x = data if len(data) > 1 else data[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model, theirs.ModelEnergy(model, x), ne.ModelEnergy(model, x, **options)


def check_equal(model: Any, theirs: Any, ours: Any) -> None:
    for part in model.layers:
        assert ours.layer_stats[part] == theirs.layer_stats[part], part.name
        rate = theirs.layer_rates[part]
        assert ours.layer_rates[part] == pytest.approx(rate, rel=1e-6), part.name
        for device in DEVICES:
            for timesteps, dt in ((1, None), (7, 0.002)):
                expected = theirs.layer_energy(part, device, timesteps, dt)
                found = ours.layer_energy(part, device, timesteps, dt)
                assert found == pytest.approx(expected, rel=1e-6), (part.name, device)
    for device in DEVICES:
        expected = theirs.total_energy(device, 7, 0.002)
        assert ours.total_energy(device, 7, 0.002) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_strict_compat_equals_kerasspiking(name: str) -> None:
    model, theirs, ours = both(name, strict_compat=True)
    assert len(MODELS) >= 25
    check_equal(model, theirs, ours)


@pytest.mark.parametrize("name", RIGHT)
def test_default_equals_kerasspiking_where_it_is_right(name: str) -> None:
    check_equal(*both(name))


@pytest.mark.parametrize("name", ["time distributed", "pooling", "two outputs"])
@pytest.mark.parametrize("line_length", [60, 98, 150, 400])
def test_tables_are_laid_out_alike(name: str, line_length: int) -> None:
    model, theirs, ours = both(name, strict_compat=True)
    for columns in (COLUMNS, ("name", *ENERGIES), (*ENERGIES, "name")):
        arguments = dict(columns=columns, line_length=line_length, print_warnings=False)
        assert ours.summary_string(**arguments) == theirs.summary_string(**arguments)


def test_strict_compat_refuses_what_kerasspiking_fails_on() -> None:
    keras = import_tf_keras()
    inputs = [keras.Input((10,)), keras.Input((7,))]
    model = keras.Model(inputs, keras.layers.Concatenate(name="join")(inputs))
    data = [np.ones((2, 10)), np.ones((2, 7))]
    import_nengo_dl()
    theirs = importlib.import_module("keras_spiking")
    with pytest.raises(ValueError, match="could not (be )?broadcast|inhomogeneous"):
        theirs.ModelEnergy(model, data)
    with pytest.raises(ne.InputError, match="'join' merges inputs of the shapes"):
        with pytest.warns(UserWarning, match=r"as nothing.*: join \(Concatenate\)"):
            ne.ModelEnergy(model, data, strict_compat=True)
    assert ne.ModelEnergy(model, data).layer_rates["join"] == 1
