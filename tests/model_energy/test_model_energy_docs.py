"""docs/model_energy.md: every figure in its table, by KerasSpiking itself and by us."""

from __future__ import annotations

import importlib
import importlib.util
import re
import warnings
from types import ModuleType
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest
from paths import ROOT

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tf_keras

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(
        importlib.util.find_spec("keras_spiking") is None,
        reason="KerasSpiking isn't installed",
    ),
]

DOCS = ROOT / "docs" / "model_energy.md"
ROWS = {
    cells[0]: tuple(cells[1:4])
    for cells in (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| model")
    )
}

ModelEnergy = Any
"""The class, KerasSpiking's or ours."""

Figure = Callable[[ModelEnergy, ModuleType], object]


def chain(keras: ModuleType, shape: tuple, *layers: Any) -> Any:
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def synops_of_shared(cls: ModelEnergy, keras: ModuleType) -> object:
    dense = keras.layers.Dense(8, kernel_initializer="identity")
    energy = cls(chain(keras, (8,), dense, dense), np.ones((2, 8)))
    return energy.layer_energy(dense, "loihi")[0]


def nested(cls: ModelEnergy, keras: ModuleType) -> object:
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8)])
    return cls(chain(keras, (8,), inner)).total_energy("cpu")


def concatenate(cls: ModelEnergy, keras: ModuleType) -> object:
    inputs = [keras.Input((10,)), keras.Input((7,))]
    layer = keras.layers.Concatenate()
    energy = cls(
        keras.Model(inputs, layer(inputs)), [np.ones((2, 10)), np.ones((2, 7))]
    )
    return energy.layer_rates[layer]


def transposed(cls: ModelEnergy, keras: ModuleType) -> object:
    layer = keras.layers.Conv2DTranspose(16, 3)
    return cls(chain(keras, (8, 8, 1), layer)).layer_stats[layer]["connections"]


def rate_behind(*names: str) -> Figure:
    def figure(cls: ModelEnergy, keras: ModuleType) -> object:
        arguments = {"AveragePooling2D": (2,), "MaxPooling2D": (2,)}
        layers = [getattr(keras.layers, n)(*arguments.get(n, ())) for n in names]
        dense = keras.layers.Dense(10)
        model = chain(keras, (8, 8, 1), *layers, dense)
        return cls(model, np.ones((2, 8, 8, 1))).layer_rates[dense]

    return figure


def subtract(cls: ModelEnergy, keras: ModuleType) -> object:
    inputs = keras.Input((5,))
    dense = keras.layers.Dense(10)
    model = keras.Model(inputs, dense(keras.layers.Subtract()([inputs, inputs])))
    return cls(model, np.ones((2, 5))).layer_rates[dense]


def cpu_energy(shape: tuple, name: str, *arguments: Any) -> Figure:
    def figure(cls: ModelEnergy, keras: ModuleType) -> object:
        layer = getattr(keras.layers, name)(*arguments)
        return cls(chain(keras, shape, layer)).total_energy("cpu")

    return figure


def one_neuron(cls: ModelEnergy, keras: ModuleType, data: Any = None) -> ModelEnergy:
    return cls(chain(keras, (1,), keras.layers.ReLU(name="relu")), data)


def capitals(cls: ModelEnergy, keras: ModuleType) -> object:
    cls.register_device("MyChip", 1e-9, 2e-9, spiking=False)
    return one_neuron(cls, keras).total_energy("MyChip")


def capital_column(cls: ModelEnergy, keras: ModuleType) -> object:
    table = one_neuron(cls, keras).summary_string(("name", "energy CPU"))
    (total,) = re.findall(r"\(cpu\): (\S+)", table)
    return float(total)


def negative_timesteps(cls: ModelEnergy, keras: ModuleType) -> object:
    energy = one_neuron(cls, keras, np.ones((2, 1)))
    return energy.total_energy("loihi", timesteps_per_inference=-5)


def negative_device(cls: ModelEnergy, keras: ModuleType) -> object:
    cls.register_device("odd", 1e-9, -1.0, spiking=False)
    return one_neuron(cls, keras).total_energy("odd")


def not_a_number(cls: ModelEnergy, keras: ModuleType) -> object:
    energy = one_neuron(cls, keras, np.full((2, 1), np.nan))
    return energy.layer_rates[energy.model.get_layer("relu")]


FIGURES: Dict[str, Figure] = {
    "`Dense(8)` called twice": synops_of_shared,
    "`Sequential` of": nested,
    "`Concatenate` of": concatenate,
    "`Conv2DTranspose(16, 3)`": transposed,
    "`AveragePooling2D(2)`": rate_behind("AveragePooling2D", "Flatten"),
    "`GlobalAveragePooling2D`": rate_behind("GlobalAveragePooling2D"),
    "`MaxPooling2D(2)`": rate_behind("MaxPooling2D", "Flatten"),
    "`Subtract` of": subtract,
    "`DepthwiseConv2D(3)`": cpu_energy((8, 8, 4), "DepthwiseConv2D", 3),
    "`LSTM(4)`": cpu_energy((5, 3), "LSTM", 4),
    "`BatchNormalization`": cpu_energy((8, 8, 4), "BatchNormalization"),
    "device registered": capitals,
    "column": capital_column,
    "`timesteps_per_inference=-5`": negative_timesteps,
    "device of -1 J": negative_device,
    "example data with NaN": not_a_number,
}


def show(figure: Figure, cls: ModelEnergy) -> str:
    """Return a figure as the table has it, or the name of the error in its place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = figure(cls, import_tf_keras())
    except Exception as error:
        return type(error).__name__
    if isinstance(value, (float, np.floating)) and 0 < abs(value) < 1e-3:
        return f"{value:.2e}"
    return f"{value:g}"


def find(start: str) -> Tuple[str, ...]:
    (row,) = [cells for model, cells in ROWS.items() if model.startswith(start)]
    return row


def test_every_row_has_a_figure() -> None:
    assert len(ROWS) == len(FIGURES)


@pytest.mark.parametrize("start", FIGURES)
def test_our_figure(start: str) -> None:
    assert show(FIGURES[start], ne.ModelEnergy) == find(start)[2]


@pytest.mark.parametrize("start", FIGURES)
def test_kerasspikings_figure(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import_nengo_dl()  # imports KerasSpiking for Keras 2
    theirs = importlib.import_module("keras_spiking").ModelEnergy
    monkeypatch.setattr(theirs, "devices", dict(theirs.devices))
    assert show(FIGURES[start], theirs) == find(start)[1]
