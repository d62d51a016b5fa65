"""The tables of KerasSpiking's documentation, digit for digit."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any, Callable, Dict

import numpy as np
import pytest
from kerasspiking_tables import TABLES, Table

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_tf_keras

pytestmark = pytest.mark.tensorflow


def kerasspiking() -> ModuleType:
    """Return KerasSpiking, or skip the test."""
    if importlib.util.find_spec("keras_spiking") is None:
        pytest.skip("KerasSpiking isn't installed")
    import_nengo_dl()  # imports it for Keras 2
    return importlib.import_module("keras_spiking")


# Models


def cnn(keras: ModuleType) -> Any:
    layers = keras.layers
    x = image = keras.Input((28, 28, 1), name="input_1")
    x = layers.Conv2D(filters=2, kernel_size=(7, 7), name="conv2d")(x)
    x = layers.ReLU(name="re_lu")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units=128, name="dense")(x)
    x = layers.ReLU(name="re_lu_1")(x)
    x = layers.Dense(units=10, name="dense_1")(x)
    return keras.Model(image, x)


def temporal_cnn(keras: ModuleType) -> Any:
    layers = keras.layers
    x = video = keras.Input((None, 28, 28, 1), name="input_2")
    conv = layers.Conv2D(filters=2, kernel_size=(7, 7))
    x = layers.TimeDistributed(conv, name="time_distributed")(x)
    x = layers.ReLU(name="re_lu_2")(x)
    x = layers.TimeDistributed(layers.Flatten(), name="time_distributed_1")(x)
    x = layers.Dense(units=128, name="dense_2")(x)
    x = layers.ReLU(name="re_lu_3")(x)
    x = layers.Dense(units=10, name="dense_3")(x)
    return keras.Model(video, x)


def one_layer(keras: ModuleType, shape: tuple, name: str, layer: Any) -> Any:
    inputs = keras.Input(shape, name=name)
    return keras.Model(inputs, layer(inputs))


def fixed_axis(keras: ModuleType) -> Any:
    layer = keras.layers.ReLU(name="re_lu_4")
    return one_layer(keras, (28, 28), "input_3", layer)


def wrapped_axis(keras: ModuleType) -> Any:
    relu = keras.layers.ReLU()
    layer = keras.layers.TimeDistributed(relu, name="time_distributed_2")
    return one_layer(keras, (28, 28), "input_4", layer)


def open_axis(keras: ModuleType) -> Any:
    layer = keras.layers.ReLU(name="re_lu_6")
    return one_layer(keras, (None, 28), "input_5", layer)


def dense_relu(keras: ModuleType) -> Any:
    x = inputs = keras.Input((None, 32), name="input_6")
    x = keras.layers.Dense(units=64, name="dense_4")(x)
    return keras.Model(inputs, keras.layers.ReLU(name="re_lu_7")(x))


def dense_spiking(keras: ModuleType) -> Any:
    spiking = kerasspiking().SpikingActivation("relu", name="spiking_activation")
    if keras is not import_tf_keras():
        pytest.skip("KerasSpiking's layers are Keras 2's")
    x = inputs = keras.Input((None, 32), name="input_7")
    x = keras.layers.Dense(units=64, name="dense_5")(x)
    return keras.Model(inputs, spiking(x))


MODELS: Dict[str, Callable[[ModuleType], Any]] = {
    "cnn": cnn,
    "temporal cnn": temporal_cnn,
    "fixed axis": fixed_axis,
    "wrapped axis": wrapped_axis,
    "open axis": open_axis,
    "dense and ReLU": dense_relu,
    "dense and SpikingActivation": dense_spiking,
}
DATA = {
    "none": None,
    "ones": np.ones((32, 28, 28, 1)),
    "ones without channels": np.ones((32, 28, 28)),
    "fives": np.ones((32, 28, 28, 1)) * 5,
    "ones in time": np.ones((32, 5, 28, 28, 1)),
    "ones of 32": np.ones((8, 10, 32)),
}


N_CONNECTIONS = {
    **{name: 22 * 22 * 2 * 7 * 7 for name in ("conv2d", "time_distributed")},
    **{name: 22 * 22 * 2 * 128 for name in ("dense", "dense_2")},
    **{name: 128 * 10 for name in ("dense_1", "dense_3")},
}
N_NEURONS = 22 * 22 * 2 + 128


class Expected:
    """What cells that hang on random weights must show, by the documented formula."""

    def __init__(self, keras: ModuleType, model: Any, table: Table) -> None:
        data = DATA[table.data]
        assert data is not None
        if data.ndim < len(model.inputs[0].shape):
            data = data[..., None]
        self.timesteps = table.arguments.get("timesteps_per_inference", 1)
        self.dt = table.arguments.get("dt", 0.001)
        self.rates: Dict[str, float] = {}
        for layer in model.layers[1:]:
            part = keras.Model(model.inputs, layer.input)
            values = part.predict(data, verbose=0)
            self.rates[layer.name] = float(np.abs(values).mean())

    def synop_energy(self, layer: str) -> float:
        """Loihi's (23.6 + 3.5) pJ x connections x rate x dt x timesteps."""
        events = self.rates[layer] * self.dt * self.timesteps
        return 27.1e-12 * N_CONNECTIONS[layer] * events

    def total_energy(self) -> float:
        """Synops of all layers, and Loihi's 81 pJ x neurons x timesteps."""
        layers = self.rates.keys() & N_CONNECTIONS.keys()
        neurons = 81e-12 * N_NEURONS * self.timesteps
        return sum(map(self.synop_energy, layers)) + neurons

    def cell(self, heading: str, layer: str) -> str:
        """Return what a cell prints."""
        if heading.startswith("Rate"):
            return f"{self.rates[layer]:.2g}"
        return f"{self.synop_energy(layer):.2g}"


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


@pytest.mark.parametrize("name", TABLES)
def test_table(keras: ModuleType, name: str, capsys: Any) -> None:
    table = TABLES[name]
    keras.utils.set_random_seed(0)
    model = MODELS[table.model](keras)
    if name == "custom device":
        ne.ModelEnergy.register_device(
            "my-gpu", energy_per_synop=1e-9, energy_per_neuron=2e-9, spiking=False
        )
    energy = ne.ModelEnergy(model, example_data=DATA[table.data])
    energy.summary(print_warnings=False, **table.arguments)
    printed = capsys.readouterr().out.splitlines()

    headings = cells(table.lines[0])
    is_random = any("?" in line for line in table.lines)
    expected = Expected(keras, model, table) if is_random else None
    wanted = []
    for line in table.lines:
        row = cells(line)
        layer = row[0].split(" (")[0]
        if expected is not None and row[0].endswith(": ?"):
            row = [row[0].replace("?", f"{expected.total_energy():.2e}")]
        elif expected is not None:
            row = [
                expected.cell(heading, layer) if cell == "?" else cell
                for heading, cell in zip(headings, row)
            ]
        wanted.append(row)
    assert [cells(line) for line in printed] == wanted


WARNINGS = ["* Rough estimates of operations alone", "* Activations aren't spikes"]


@pytest.mark.parametrize(
    "name, expected", [("ReLU", WARNINGS), ("SpikingActivation", WARNINGS[:1])]
)
def test_warnings(name: str, expected: list[str]) -> None:
    table = TABLES[name]
    model = MODELS[table.model](import_tf_keras())
    energy = ne.ModelEnergy(model, DATA[table.data])
    lines = energy.summary_string(**table.arguments).splitlines()[len(table.lines) :]
    assert len(lines) == len(expected)  # each in one line
    assert all(line.startswith(start) for line, start in zip(lines, expected))


def test_deployment() -> None:
    model = dense_spiking(import_tf_keras())
    energy = ne.ModelEnergy(model, DATA["ones of 32"])
    snn = energy.to_spiking(inference_only=True)
    with snn.simulator("loihi") as sim:
        sim.run_steps(10)
    assert sim.data[snn.outputs[model.output]].shape == (10, 64)
