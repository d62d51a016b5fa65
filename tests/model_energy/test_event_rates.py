"""Events through pooling and merging, layer by layer, against loops over windows."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras
from nengo_energy.keras_models.relays import relay_events
from nengo_energy.model_energy.rates import BATCH_SIZE, CallRates, measure_rates

pytestmark = pytest.mark.tensorflow


def model_of(keras: ModuleType, shape: tuple, *layers: Any) -> Any:
    return keras.Sequential([keras.Input(shape, name="input"), *layers])


def windows(length: int, size: int, stride: int, padding: str) -> List[range]:
    """Return the positions along one axis that each window covers."""
    if padding == "valid":
        return [
            range(start, start + size)
            for start in range(0, length, stride)
            if start + size <= length
        ]
    n_windows = -(-length // stride)
    before = max((n_windows - 1) * stride + size - length, 0) // 2
    starts = (i * stride - before for i in range(n_windows))
    return [range(max(start, 0), min(start + size, length)) for start in starts]


def sum_in_windows(
    x: np.ndarray, sizes: tuple, strides: tuple, padding: str
) -> np.ndarray:
    """Add up (batch, *spatial, channels) in windows, one by one."""
    axes = [
        windows(length, size, stride, padding)
        for length, size, stride in zip(x.shape[1:-1], sizes, strides)
    ]
    total = np.zeros((len(x), *map(len, axes), x.shape[-1]))
    for where in itertools.product(*(range(len(axis)) for axis in axes)):
        for position in itertools.product(*(axis[i] for axis, i in zip(axes, where))):
            total[(slice(None), *where)] += x[(slice(None), *position)]
    return total


POOLS = [
    (n, size, stride, padding)
    for n in (1, 2, 3)
    for size, stride in ((2, 2), (3, 2), (3, 1), (2, 3))
    for padding in ("valid", "same")
]


@pytest.mark.parametrize("kind", ["AveragePooling", "MaxPooling"])
@pytest.mark.parametrize("n, size, stride, padding", POOLS)
def test_pooling(
    keras: ModuleType, kind: str, n: int, size: int, stride: int, padding: str
) -> None:
    shape = (7, 6, 5)[:n]
    pool = getattr(keras.layers, f"{kind}{n}D")(
        size, stride, padding=padding, name="pool"
    )
    flatten = keras.layers.Flatten(name="flatten")
    x = np.random.RandomState(0).uniform(size=(3, *shape, 2)).astype("float32")
    rates = measure_rates(model_of(keras, (*shape, 2), pool, flatten), x)
    events = sum_in_windows(x, n * (size,), n * (stride,), padding)
    assert rates["pool"][0].arriving == pytest.approx(x.mean(), rel=1e-6)
    assert rates["pool"][0].leaving == pytest.approx(events.mean(), rel=1e-6)
    assert rates["flatten"][0].arriving == pytest.approx(events.mean(), rel=1e-6)


def test_pooling_with_channels_first(keras: ModuleType) -> None:
    x = np.random.RandomState(0).uniform(size=(2, 3, 4, 6)).astype("float32")
    pool = keras.layers.AveragePooling2D((1, 2), 2, data_format="channels_first")
    events = sum_in_windows(np.moveaxis(x, 1, -1), (1, 2), (2, 2), "valid")
    inputs = keras.Input((3, 4, 6))
    graph = keras.Model(inputs, pool(inputs))
    # TensorFlow can't pool that on a CPU, and events don't need it to
    found = relay_events(graph.layers[1], graph.layers[1], [x])
    assert found is not None
    np.testing.assert_allclose(found, np.moveaxis(events, -1, 1), rtol=1e-6)


def test_pooling_after_pooling(keras: ModuleType) -> None:
    layers = [
        keras.layers.MaxPooling1D(3, 1),
        keras.layers.AveragePooling1D(2, 1),
        keras.layers.Dense(1, name="dense"),
    ]
    x = np.eye(6, dtype="float32")[:, :, None]
    # windows of 3, then of 2: an input lies in 1, 2, 3, 2, 1 of the merged windows
    n_windows = np.convolve(np.ones(3), np.ones(2))
    assert list(n_windows) == [1, 2, 2, 1]
    counts = sum_in_windows(sum_in_windows(x, (3,), (1,), "valid"), (2,), (1,), "valid")
    rates = measure_rates(model_of(keras, (6, 1), *layers), x)
    assert rates["dense"][0].arriving == pytest.approx(counts.mean(), rel=1e-6)


@pytest.mark.parametrize("kind", ["GlobalAveragePooling", "GlobalMaxPooling"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(keras: ModuleType, kind: str, keepdims: bool) -> None:
    pool = getattr(keras.layers, f"{kind}2D")(keepdims=keepdims)
    flatten = keras.layers.Flatten(name="flatten")
    x = np.random.RandomState(0).uniform(size=(3, 4, 5, 2)).astype("float32")
    rates = measure_rates(model_of(keras, (4, 5, 2), pool, flatten), x)
    expected = x.sum(axis=(1, 2)).mean()
    assert rates["flatten"][0].arriving == pytest.approx(expected, rel=1e-6)


MOVES = [
    # name, arguments, mean events of the output for inputs of one
    ("Flatten", {}, 1),
    ("Reshape", dict(target_shape=(8, 3)), 1),
    ("Permute", dict(dims=(2, 1)), 1),
    ("ZeroPadding1D", dict(padding=1), 6 / 8),
    ("Cropping1D", dict(cropping=1), 1),
    ("UpSampling1D", dict(size=2), 1),
    ("Dropout", dict(rate=0.5), 1),
    ("BatchNormalization", {}, 1),
    ("ActivityRegularization", {}, 1),
]


@pytest.mark.parametrize("name, arguments, expected", MOVES)
def test_layers_that_pass_events_on(
    keras: ModuleType, name: str, arguments: dict, expected: float
) -> None:
    # pooled before, so that the values themselves are other than the events
    model = model_of(
        keras,
        (12, 4),
        keras.layers.AveragePooling1D(2),
        getattr(keras.layers, name)(name="mover", **arguments),
    )
    rates = measure_rates(model, np.ones((2, 12, 4)))
    assert rates["mover"][0].arriving == 2
    assert rates["mover"][0].leaving == pytest.approx(2 * expected)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("Add", 5),
        ("Subtract", 5),
        ("Average", 5),
        ("Concatenate", 2.5),
        ("Multiply", 6),
    ],
)
def test_merging(keras: ModuleType, name: str, expected: float) -> None:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    merged = getattr(keras.layers, name)(name="merge")([a, b])
    model = keras.Model([a, b], merged)
    rates = measure_rates(model, [2 * np.ones((3, 4)), -3 * np.ones((3, 4))])
    assert rates["merge"][0].arriving == 2.5  # of the values 2 and 3
    assert rates["merge"][0].leaving == expected


def test_neurons_emit_what_they_put_out(keras: ModuleType) -> None:
    x = np.array([[-2.0, 4.0, 6.0]])
    relu = keras.layers.ReLU(name="relu")
    rates = measure_rates(model_of(keras, (3,), relu), x)
    assert rates["relu"][0] == CallRates(4, 10 / 3)


def test_neurons_of_a_layer_with_several_outputs(keras: ModuleType) -> None:
    inputs = keras.Input((None, 2))
    lstm = keras.layers.LSTM(3, return_state=True, name="lstm")
    model = keras.Model(inputs, lstm(inputs))
    x = np.random.RandomState(0).uniform(size=(2, 4, 2)).astype("float32")
    output = np.asarray(model.predict(x, verbose=0)[0])
    rates = measure_rates(model, x)
    assert rates["lstm"][0].leaving == pytest.approx(np.abs(output).mean(), rel=1e-5)


def test_models_within_are_opened_and_shared_calls_apart(keras: ModuleType) -> None:
    pool = keras.layers.AveragePooling1D(2, name="pool")
    dense = keras.layers.Dense(3, name="dense", use_bias=False)
    inner = keras.Sequential([keras.Input((4, 1)), pool, dense], name="inner")
    a, b = keras.Input((4, 1), name="a"), keras.Input((4, 1), name="b")
    model = keras.Model([a, b], keras.layers.Add(name="add")([inner(a), inner(b)]))
    rates = measure_rates(model, [np.ones((2, 4, 1)), 5 * np.ones((2, 4, 1))])
    assert [call.arriving for call in rates["inner/pool"]] == [1, 5]
    assert [call.arriving for call in rates["inner/dense"]] == [2, 10]
    closed = measure_rates(
        model, [np.ones((2, 4, 1)), 5 * np.ones((2, 4, 1))], follow_events=False
    )
    assert [call.arriving for call in closed["inner"]] == [1, 5]
    assert "inner/pool" not in closed


def test_model_within_time_distributed(keras: ModuleType) -> None:
    pool = keras.layers.AveragePooling1D(2, name="pool")
    inner = keras.Sequential([keras.Input((4, 1)), pool], name="inner")
    inputs = keras.Input((None, 4, 1))
    wrapper = keras.layers.TimeDistributed(inner, name="wrapper")
    dense = keras.layers.TimeDistributed(keras.layers.Flatten(), name="flatten")
    model = keras.Model(inputs, dense(wrapper(inputs)))
    x = np.arange(24, dtype="float32").reshape(2, 3, 4, 1)
    rates = measure_rates(model, x)
    assert rates["wrapper/pool"][0].arriving == pytest.approx(11.5)
    assert rates["flatten"][0].arriving == pytest.approx(23)


def test_batches_add_up(keras: ModuleType) -> None:
    n = 2 * BATCH_SIZE + 3
    x = np.random.RandomState(0).uniform(size=(n, 5)).astype("float32")
    model = model_of(keras, (5,), keras.layers.ReLU(name="relu"))
    rates = measure_rates(model, x)
    assert rates["relu"][0].arriving == pytest.approx(x.mean(dtype=float), rel=1e-12)


# Example data


def batches(x: np.ndarray) -> Iterator[Tuple[np.ndarray, int]]:
    for start in range(0, len(x), 2):
        yield x[start : start + 2], 0


def as_dataset(x: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, np.zeros(len(x)))).batch(2)


class Batches:
    """Data as keras.utils.Sequence gives it; indexing it never ends by itself."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x

    def __len__(self) -> int:
        return -(-len(self.x) // 2)

    def __getitem__(self, index: int) -> Tuple[np.ndarray, int]:
        start = 2 * index % len(self.x)
        return self.x[start : start + 2], 0


FORMS: Dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda x: x,
    "float64": lambda x: x.astype(float),
    "list of arrays": lambda x: [x],
    "list of samples": list,
    "nested lists": lambda x: x.tolist(),
    "mapping": lambda x: {"input": x},
    "generator": batches,
    "dataset": as_dataset,
    "sequence": Batches,
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_example_data(form: str) -> None:
    keras = import_tf_keras()
    x = np.random.RandomState(0).uniform(size=(5, 4, 4)).astype("float32")
    model = model_of(keras, (4, 4), keras.layers.ReLU(name="relu"))
    rates = measure_rates(model, FORMS[form](x))
    assert rates["relu"][0].arriving == pytest.approx(x.mean(), rel=1e-6)


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 4, 1)])
@pytest.mark.parametrize("wanted", [(4, 4), (4, 4, 1)])
def test_trailing_axis_of_one(shape: tuple, wanted: tuple) -> None:
    keras = import_tf_keras()
    model = model_of(keras, wanted, keras.layers.ReLU(name="relu"))
    assert measure_rates(model, np.ones(shape))["relu"][0].arriving == 1


def test_trailing_axis_of_a_number_per_sample() -> None:
    keras = import_tf_keras()
    model = model_of(keras, (1,), keras.layers.ReLU(name="relu"))
    assert measure_rates(model, [1.0, 2.0])["relu"][0].arriving == 1.5


BAD = [
    (np.ones((2, 3, 4)), r"'input' must have the shape \(n, 4, 4\); got \(2, 3, 4\)"),
    (np.ones((2, 4, 4, 2)), r"\(n, 4, 4\); got \(2, 4, 4, 2\)"),
    (np.ones(4), r"\(n, 4, 4\); got \(4,\)"),
    (np.full((2, 4, 4), np.nan), "'input' holds NaN or infinity"),
    (np.ones((0, 4, 4)), "is empty"),
    ([], "empty|shape"),
    (np.full((2, 4, 4), "a"), "'input' must be an array of float32"),
    ({"other": np.ones((2, 4, 4))}, "lacks the model's inputs input; it has other"),
    (iter(()), "is empty"),
    (5, r"got \(\)"),
]


@pytest.mark.parametrize("data, message", BAD, ids=range(len(BAD)))
def test_bad_example_data(data: Any, message: str) -> None:
    keras = import_tf_keras()
    model = model_of(keras, (4, 4), keras.layers.ReLU(name="relu"))
    with pytest.raises(ne.InputError, match=message):
        measure_rates(model, data)


def test_bad_example_data_for_two_inputs() -> None:
    keras = import_tf_keras()
    inputs = [keras.Input((3,), name="a"), keras.Input((3,), name="b")]
    model = keras.Model(inputs, keras.layers.Add()(inputs))
    with pytest.raises(ne.InputError, match=r"2 inputs \(a, b\), and .* has one"):
        measure_rates(model, np.ones((2, 3)))
    with pytest.raises(ne.InputError, match="2 inputs .* has 3"):
        measure_rates(model, 3 * [np.ones((2, 3))])
    with pytest.raises(ne.InputError, match="as many samples .* got 2, 4"):
        measure_rates(model, [np.ones((2, 3)), np.ones((4, 3))])
