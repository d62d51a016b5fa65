"""ModelEnergy's methods: look-ups, columns, frames, devices, registration, errors."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import nengo_energy as ne
from nengo_energy import devices
from nengo_energy.common.tables import format_si
from nengo_energy.compat import import_tf_keras

pytestmark = pytest.mark.tensorflow


def dense_model(keras: ModuleType, activation: str | None = "relu") -> Any:
    """Return 4 inputs -> 5 neurons, with weights of one."""
    layer = keras.layers.Dense(
        5, activation=activation, kernel_initializer="ones", name="dense"
    )
    return keras.Sequential([keras.Input((4,), name="input"), layer], name="model")


def nested_model(keras: ModuleType) -> Any:
    inputs = keras.Input((4,), name="input")
    inner = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, activation="relu", name="a"),
            keras.layers.Dense(2, name="b"),
        ],
        name="inner",
    )
    outputs = keras.layers.Dense(1, name="out")(inner(inputs))
    return keras.Model(inputs, outputs, name="outer")


# Loihi as KerasSpiking has it: 27.1 pJ a synop, 81 pJ a neuron update


def test_energies_by_hand(keras: ModuleType) -> None:
    energy = ne.ModelEnergy(dense_model(keras), np.full((2, 4), 3.0))
    synop, neuron = energy.layer_energy("dense", "loihi", 10, dt=0.002)
    assert synop == pytest.approx(27.1e-12 * 20 * 3 * 0.002 * 10, rel=1e-12)
    assert neuron == pytest.approx(81e-12 * 5 * 10, rel=1e-12)
    assert energy.total_energy("loihi", 10, 0.002) == pytest.approx(
        synop + neuron, rel=1e-12
    )
    dense = energy.layer_energy("dense", "cpu", 10, dt=0.002)
    assert dense == pytest.approx((8.6e-9 * 20, 8.6e-9 * 5), rel=1e-12)


def test_active_and_inactive_updates_have_their_own_price() -> None:
    # each neuron puts out 4 x 3 = 12 Hz, so spikes in 1.2 % of timesteps of 1 ms
    energy = ne.ModelEnergy(dense_model(import_tf_keras()), np.full((2, 4), 3.0))
    device = devices.get("loihi-davies2018")
    active = device.energies["neuron_update_active"].value
    inactive = device.energies["neuron_update_inactive"].value
    assert active > inactive
    _, neuron = energy.layer_energy("dense", device, 100)
    expected = 5 * 100 * (0.012 * active + 0.988 * inactive)
    assert neuron == pytest.approx(expected, rel=1e-6)
    # no more than one active update a timestep, at 12,000 Hz
    energy = ne.ModelEnergy(dense_model(import_tf_keras()), np.full((2, 4), 3000.0))
    _, neuron = energy.layer_energy("dense", device, 100)
    assert neuron == pytest.approx(5 * 100 * active, rel=1e-12)


def test_estimate_is_the_same_energy() -> None:
    energy = ne.ModelEnergy(dense_model(import_tf_keras()), np.full((2, 4), 3.0))
    estimate = energy.estimate(["cpu", "loihi"], 10)
    for name in ("cpu", "loihi"):
        assert estimate.total(name) == pytest.approx(
            energy.total_energy(name, 10), rel=1e-12
        )
    codes = [a.code for a in estimate.assumptions]
    assert codes[:3] == [
        "rates-from-activations",
        "one-spike-per-timestep",
        "input-as-spikes",
    ]
    assert estimate.settings["timesteps"] == 10
    assert estimate.settings["model"] == "model"


def test_estimate_takes_all_devices_it_can() -> None:
    model = dense_model(import_tf_keras())
    kinds = {d.kind for d in ne.ModelEnergy(model).estimate("cpu").models}
    assert kinds == {"dense"}
    assert ne.ModelEnergy(model).estimate(devices.get("gpu")).devices == ("gpu",)


def test_event_driven_device_needs_example_data() -> None:
    energy = ne.ModelEnergy(dense_model(import_tf_keras()))
    with pytest.raises(ne.InputError, match="'loihi' is event-driven.*example_data"):
        energy.total_energy("loihi")
    with pytest.raises(ne.InputError, match="example_data must be given"):
        energy.summary_string(("name", "energy loihi"))
    with pytest.raises(ne.InputError, match="example_data must be given"):
        energy.estimate(["cpu", "loihi"])
    assert energy.total_energy("cpu") > 0
    assert len(energy.layer_rates) == 0
    assert "nan" in energy.summary_string(("name", "rate"))


def test_look_up_by_layer_or_name(keras: ModuleType) -> None:
    model = nested_model(keras)
    energy = ne.ModelEnergy(model, np.ones((2, 4)))
    inner = model.get_layer("inner")
    stats = energy.layer_stats
    assert stats["inner/a"] == {"neurons": 3, "connections": 12, "spiking": False}
    assert stats[inner.get_layer("a")] == stats["inner/a"]
    assert stats["inner"] == stats[inner]
    assert stats[inner] == {"neurons": 3, "connections": 18, "spiking": False}
    assert [layer.name for layer in stats] == ["input", "inner", "out"]
    assert len(stats) == 3
    assert "inner/b" in stats and "other" not in stats
    assert stats.get("other") is None
    with pytest.raises(ne.NotFoundError, match="'other' isn't in model 'outer'; known"):
        stats["other"]
    with pytest.raises(ne.NotFoundError, match="layer 'stranger' isn't in model"):
        energy.layer_energy(keras.layers.Dense(1, name="stranger"), "cpu")


def test_model_within_is_the_sum_of_its_layers(keras: ModuleType) -> None:
    energy = ne.ModelEnergy(nested_model(keras), np.ones((2, 4)))
    parts = [energy.layer_energy(f"inner/{name}", "loihi") for name in "ab"]
    whole = energy.layer_energy("inner", "loihi")
    assert whole == pytest.approx(tuple(map(sum, zip(*parts))), rel=1e-12)
    closed = energy.to_frame(("name", "params", "connections", "energy loihi"))
    opened = energy.to_frame(
        ("name", "params", "connections", "energy loihi"), expand_nested=True
    )
    assert list(closed.name) == ["input", "inner", "out"]
    assert {"inner/a", "inner/b", "out"} < set(opened.name)
    for column in ("params", "connections"):
        assert closed[column].sum() == opened[column].sum()
    total = energy.total_energy("loihi")
    assert closed["energy loihi"].sum() == pytest.approx(total, rel=1e-12)
    assert opened["energy loihi"].sum() == pytest.approx(total, rel=1e-12)
    # (12 x rate of a + 6 x rate of b) / 18
    rates = energy.layer_rates
    expected = (12 * rates["inner/a"] + 6 * rates["inner/b"]) / 18
    assert rates["inner"] == pytest.approx(expected, rel=1e-12)
    shown = energy.summary_string(("name", "connections"), expand_nested=True)
    assert "inner/a (Dense)" in shown


def test_frame_is_the_table_unrounded(keras: ModuleType) -> None:
    energy = ne.ModelEnergy(dense_model(keras), np.full((2, 4), 3.0))
    frame = energy.to_frame(
        ("name", "output_shape", "params", "connections", "neurons", "rate")
        + ("energy LOIHI", "synop_energy loihi", "neuron_energy cpu"),
        timesteps_per_inference=10,
    )
    (row,) = frame[frame.name == "dense"].to_dict("records")
    synop, neuron = energy.layer_energy("dense", "loihi", 10)
    assert row == {
        "name": "dense",
        "class_name": "Dense",
        "output_shape": "(None, 5)",
        "params": 25,
        "connections": 20,
        "neurons": 5,
        "rate": 3.0,
        "energy loihi": synop + neuron,
        "synop_energy loihi": synop,
        "neuron_energy cpu": energy.layer_energy("dense", "cpu")[1],
    }
    assert frame.attrs["units"] == {
        "rate": "Hz",
        "energy loihi": "J/inf",
        "synop_energy loihi": "J/inf",
        "neuron_energy cpu": "J/inf",
    }


def test_shared_layer_has_each_call_with_its_own_rate(keras: ModuleType) -> None:
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(3, kernel_initializer="ones", name="dense")
    model = keras.Model(inputs, dense(dense(inputs)))
    energy = ne.ModelEnergy(model, np.ones((2, 3)))
    # first call: 9 connections at 1 Hz; second: 9 at 3 Hz
    assert energy.layer_rates["dense"] == 2
    synop, _ = energy.layer_energy("dense", "loihi")
    assert synop == pytest.approx(27.1e-12 * (9 * 1 + 9 * 3) * 0.001, rel=1e-12)
    # KerasSpiking: 18 connections at 1 + 3 Hz
    strict = ne.ModelEnergy(model, np.ones((2, 3)), strict_compat=True)
    assert strict.layer_rates["dense"] == 4
    synop, _ = strict.layer_energy("dense", "loihi")
    assert synop == pytest.approx(27.1e-12 * 18 * 4 * 0.001, rel=1e-12)


def test_neurons_of_a_shared_layer_count_by_their_number(keras: ModuleType) -> None:
    inputs = [keras.Input((4, 1), name="a"), keras.Input((8, 1), name="b")]
    conv = keras.layers.Conv1D(1, 1, activation="relu", kernel_initializer="ones")
    model = keras.Model(inputs, [conv(x) for x in inputs])
    energy = ne.ModelEnergy(model, [np.ones((2, 4, 1)), 4 * np.ones((2, 8, 1))])
    (line,) = [line for line in energy.layers if line.class_name == "Conv1D"]
    assert line.rates.leaving == (4 * 1 + 8 * 4) / 12


@pytest.mark.parametrize("sizes, shown", [((4, 4), "(None, 2)"), ((4, 6), "multiple")])
def test_output_shape_of_a_shared_layer(
    keras: ModuleType, sizes: tuple, shown: str
) -> None:
    inputs = [keras.Input((size, 1)) for size in sizes]
    flatten = keras.layers.Flatten(name="flatten")
    pooled = [keras.layers.AveragePooling1D(2)(x) for x in inputs]
    model = keras.Model(inputs, [flatten(x) for x in pooled])
    frame = ne.ModelEnergy(model).to_frame(("name", "output_shape"))
    assert list(frame[frame.name == "flatten"].output_shape) == [shown]


def test_additions_of_pooling_are_said(keras: ModuleType) -> None:
    pool = keras.layers.AveragePooling1D(2)
    model = keras.Sequential([keras.Input((4, 1)), keras.layers.ReLU(), pool])
    printed = ne.ModelEnergy(model).summary_string(("name", "energy cpu"))
    assert "4 additions of pooling and merging have no price on cpu" in printed
    assert "additions" not in ne.ModelEnergy(model).summary_string(
        ("name", "energy cpu"), print_warnings=False
    )


@pytest.mark.filterwarnings("ignore::nengo_energy.ExtrapolationWarning")
def test_energy_of_no_layer_is_said(keras: ModuleType) -> None:
    energy = ne.ModelEnergy(dense_model(keras))
    device = devices.get("movidius-ncs")
    assert device.fixed_energy is not None
    estimate = energy.estimate(device)
    layers = 20 * device.energies["mac"].value
    assert energy.total_energy(device) == pytest.approx(layers, rel=1e-12)
    assert estimate.total(device) > layers + device.fixed_energy.value
    printed = energy.summary_string(("name", "energy movidius-ncs"))
    amount = format_si(estimate.total(device) - layers, "J")
    assert f"takes {amount} more per inference that is no layer's" in printed


def test_sequences_are_said(keras: ModuleType) -> None:
    lstm = keras.layers.LSTM(4, name="lstm")
    energy = ne.ModelEnergy(keras.Sequential([keras.Input((5, 3)), lstm]))
    # 4 gates of 4 x (3 + 4), and 3 products a unit; 5 activations a unit
    assert energy.layer_stats["lstm"]["connections"] == 4 * 4 * 7 + 3 * 4
    synop, neuron = energy.layer_energy("lstm", "cpu")
    assert synop == pytest.approx(8.6e-9 * 124 * 5, rel=1e-12)
    assert neuron == pytest.approx(8.6e-9 * 20 * 5, rel=1e-12)
    printed = energy.summary_string(("name", "energy cpu"))
    assert "takes the whole sequence; timesteps: lstm 5" in " ".join(printed.split())


def test_all_devices_take_a_whole_sequence(keras: ModuleType) -> None:
    lstm = keras.layers.LSTM(5, name="lstm")
    model = keras.Sequential([keras.Input((41, 3)), lstm])
    energy = ne.ModelEnergy(model, np.ones((2, 41, 3)))
    # KerasSpiking's loihi pays 81 pJ for an update; 25 activations a timestep
    for timesteps, taken in ((1, 41), (41, 41), (50, 50)):
        _, neuron = energy.layer_energy("lstm", "loihi", timesteps)
        assert neuron == pytest.approx(81e-12 * 25 * taken, rel=1e-12)
        _, neuron = energy.layer_energy("lstm", "cpu", timesteps)
        assert neuron == pytest.approx(8.6e-9 * 25 * 41, rel=1e-12)
        counts = energy.count(timesteps)
        assert counts.timesteps == taken
        (synops,) = [r.total for r in counts.rows if r.operation == "synop"]
        # an input of ones is 1 Hz, so a spike in 1000 timesteps
        connections = energy.layer_stats["lstm"]["connections"]
        assert synops == pytest.approx(connections * taken / 1000, rel=1e-6)


def test_sequence_length(keras: ModuleType) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((None, 4)), layers.TimeDistributed(layers.Dense(16, "relu"))]
    )
    x = np.ones((2, 5, 4))
    one = ne.ModelEnergy(model, x)
    ten = ne.ModelEnergy(model, x, sequence_length=10)
    # as KerasSpiking: dense devices take one timestep, whatever is run on others
    assert one.total_energy("cpu", 10) == pytest.approx(8.6e-9 * 80, rel=1e-12)
    assert "is counted for one timestep" in one.summary_string(
        ("energy cpu",), timesteps_per_inference=10
    )
    for energy in (ten, one.along(10)):
        assert energy.total_energy("cpu") == pytest.approx(8.6e-9 * 800, rel=1e-12)
        for timesteps in (1, 10):
            assert energy.total_energy("loihi", timesteps) == pytest.approx(
                one.total_energy("loihi", 10), rel=1e-12
            )
    snn = ten.to_spiking()  # temporal, as its input shows
    activity = snn.measure(np.ones((2, 7, 4)), 7, progress=False)
    estimate = snn.estimate(activity, ["cpu"])
    frame = one.frame_beside(estimate)
    assert frame["energy cpu"].sum() == pytest.approx(estimate.total("cpu"), rel=1e-12)
    with pytest.raises(ne.InputError, match="sequence_length can't go with strict"):
        ne.ModelEnergy(model, strict_compat=True, sequence_length=10)


def test_nothing_to_pay_for(keras: ModuleType) -> None:
    model = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten()])
    energy = ne.ModelEnergy(model, np.ones((1, 4, 1)))
    assert energy.total_energy("cpu") == energy.total_energy("loihi") == 0


# What can't be counted


def unknown_model(keras: ModuleType) -> Any:
    def call(self: Any, inputs: Any) -> Any:
        # no symbolic tensor of Keras has a graph, so that Keras can't follow
        return inputs if hasattr(inputs, "graph") else abs(inputs.numpy())

    mystery = type("Mystery", (keras.layers.Layer,), {"call": call})
    layers = [keras.Input((3,)), mystery(name="what"), keras.layers.ReLU(name="relu")]
    return keras.Sequential(layers)


def test_unknown_layer_is_an_error(keras: ModuleType) -> None:
    with pytest.raises(ne.UnsupportedError, match="'what' .Mystery.*register_layer"):
        ne.ModelEnergy(unknown_model(keras))


def test_unknown_layer_is_listed_on_request(keras: ModuleType) -> None:
    with pytest.warns(UserWarning, match="'what' .Mystery") as caught:
        energy = ne.ModelEnergy(
            unknown_model(keras), np.ones((2, 3)), on_unsupported="warn"
        )
    assert caught[0].filename == __file__
    assert energy.coverage == 0.5
    assert [row.layer for row in energy.unsupported] == ["what"]
    assert energy.layer_stats["what"]["connections"] is None
    printed = energy.summary_string(("name", "connections", "energy cpu"))
    (line,) = [line for line in printed.splitlines() if line.startswith("what")]
    assert [cell.strip() for cell in line.split("|")] == ["what (Mystery)", "-", "-"]
    assert "Not counted: what (Mystery). The totals are lower bounds; 50%" in printed
    frame = energy.to_frame(("name", "connections", "energy cpu"))
    assert frame.isna().loc[0, "connections"]
    assert frame.isna().loc[0, "energy cpu"]


def test_subclassed_model(keras: ModuleType) -> None:
    class Mine(keras.Model):  # type: ignore[name-defined, misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(ne.UnsupportedError, match="subclassed"):
        ne.ModelEnergy(Mine())


# Registration, with the signatures of KerasSpiking


def test_register_layer(keras: ModuleType) -> None:
    model = unknown_model(keras)
    mystery = type(model.layers[0])

    @ne.ModelEnergy.register_layer(mystery)
    def stats(node: Any) -> dict:
        assert node.input_shapes == node.output_shapes == (None, 3)
        return dict(connections=7 * node.output_shapes[-1], neurons=2)

    assert stats.__name__ == "stats"
    energy = ne.ModelEnergy(model)
    expected = {"neurons": 2, "connections": 21, "spiking": True}
    assert energy.layer_stats["what"] == expected
    assert ne.ModelEnergy.compute_layer_stats(model.layers[0]) == expected
    strict = ne.ModelEnergy(model, strict_compat=True)
    assert strict.layer_stats["what"] == expected
    with pytest.warns(UserWarning, match="'Mystery' already registered"):

        @ne.ModelEnergy.register_layer(mystery)
        def other(node: Any) -> dict:
            return {"spiking": False}

    assert ne.ModelEnergy(model).layer_stats["what"] == {
        "neurons": 0,
        "connections": 0,
        "spiking": False,
    }


@pytest.mark.parametrize(
    "stats, message",
    [
        ({"notastat": 5}, "invalid stat 'notastat'; allowed are connections, neurons"),
        ({"neurons": -1}, "neurons=-1; allowed is a whole number of at least 0"),
        ({"connections": 1.5}, "connections=1.5"),
        ({"connections": float("nan")}, "connections=nan"),
        ({"connections": "many"}, "connections='many'"),
    ],
)
def test_register_layer_checks_what_it_returns(stats: dict, message: str) -> None:
    model = unknown_model(import_tf_keras())
    ne.ModelEnergy.register_layer(type(model.layers[0]))(lambda node: stats)
    with pytest.raises(ne.InputError, match=message):
        ne.ModelEnergy(model)


def test_register_layer_takes_a_class() -> None:
    with pytest.raises(ne.InputError, match="takes a layer class; got 'Dense'"):
        ne.ModelEnergy.register_layer("Dense")(lambda node: {})  # type: ignore


def test_compute_layer_stats(keras: ModuleType) -> None:
    layers = keras.layers
    inner = layers.Dense(5, activation="relu")
    layer = layers.TimeDistributed(inner)
    layer(keras.Input((None, 10)))
    assert ne.ModelEnergy.compute_layer_stats(layer) == {
        "connections": 50,
        "neurons": 5,
        "spiking": False,
    }
    twice = layers.Conv1D(2, 3)
    twice(keras.Input((5, 1)))
    twice(keras.Input((9, 1)))
    nodes = twice._inbound_nodes
    found = [ne.ModelEnergy.compute_layer_stats(twice, node) for node in nodes]
    assert [stats["connections"] for stats in found] == [3 * 3 * 2, 7 * 3 * 2]
    with pytest.raises(ne.InputError, match="stats for layer of type 'object'"):
        ne.ModelEnergy.compute_layer_stats(object())
    with pytest.raises(ne.InputError, match="'new' has never been applied"):
        ne.ModelEnergy.compute_layer_stats(layers.Dense(1, name="new"))


def test_compute_layer_stats_of_an_unknown_class(keras: ModuleType) -> None:
    layer = unknown_model(keras).layers[0]
    with pytest.raises(
        ne.UnsupportedError, match="'what': class Mystery.*register_layer"
    ):
        ne.ModelEnergy.compute_layer_stats(layer)


def test_register_device() -> None:
    energy = ne.ModelEnergy(dense_model(import_tf_keras()), np.full((2, 4), 3.0))
    ne.ModelEnergy.register_device(
        "MyChip", energy_per_synop=2e-9, energy_per_neuron=3e-9, spiking=True
    )
    synop, neuron = energy.layer_energy("dense", "mychip")
    assert synop == pytest.approx(2e-9 * 20 * 3 * 0.001, rel=1e-12)
    assert neuron == pytest.approx(3e-9 * 5, rel=1e-12)
    assert ne.ModelEnergy.devices["MYCHIP"] == {
        "spiking": True,
        "energy_per_synop": 2e-9,
        "energy_per_neuron": 3e-9,
    }
    assert "Total energy per inference [Joules/inf] (MyChip)" in energy.summary_string(
        ("name", "energy mychip")
    )
    with pytest.warns(UserWarning, match="'mychip' already registered"):
        ne.ModelEnergy.register_device("mychip", 1e-9, 1e-9, spiking=False)
    assert energy.layer_energy("dense", "MyChip") == pytest.approx((20e-9, 5e-9))


def test_devices_are_kerasspikings() -> None:
    known = ne.ModelEnergy.devices
    assert known["loihi"]["energy_per_synop"] == pytest.approx(27.1e-12, rel=1e-12)
    assert known["cpu"] == {
        "spiking": False,
        "energy_per_synop": pytest.approx(8.6e-9, rel=1e-12),
        "energy_per_neuron": pytest.approx(8.6e-9, rel=1e-12),
    }
    assert "LOIHI" in known and "other" not in known and 3 not in known
    assert set(known) >= {"cpu", "gpu", "arm", "loihi", "spinnaker", "spinnaker2"}
    assert len(known) == len(devices.names())
    with pytest.raises(ne.NotFoundError, match="device 'other' not found"):
        known["other"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((-1e-9, 1e-9, True), "energies.synop.*-1e-09"),
        ((1e-9, float("nan"), True), "energies.neuron_update.*nan"),
        ((1e-9, float("inf"), False), "energies.activation.*inf"),
        (("a", 1e-9, False), "energies.mac.*'a'"),
        (
            (1e-9, 1e-9, 1),
            "spiking must be True .event-driven. or False .dense.; got 1",
        ),
    ],
)
def test_register_device_checks(arguments: tuple, message: str) -> None:
    with pytest.raises(ne.InputError, match=message):
        ne.ModelEnergy.register_device("odd", *arguments)
    assert "odd" not in devices.names()


# Arguments


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            dict(timesteps_per_inference=-5),
            "timesteps_per_inference .* at least 1; got",
        ),
        (dict(timesteps_per_inference=0), "timesteps_per_inference .* got 0"),
        (dict(timesteps_per_inference=1.5), "timesteps_per_inference .* got 1.5"),
        (dict(dt=-1), r"dt must be a number above 0 \[s\]; got -1"),
        (dict(dt=float("nan")), "dt must be a number above 0"),
        (dict(line_length=3), "line_length must be a whole number of at least 4"),
        (dict(columns=()), "columns is empty"),
        (dict(columns=("name", "notacolumn")), "Unknown column type 'notacolumn'; all"),
        (dict(columns=("name", "energy")), "Unknown column type 'energy'; allowed"),
        (dict(columns=("name", "rate cpu")), "Unknown column type 'rate cpu'"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    energy = ne.ModelEnergy(dense_model(import_tf_keras()), np.ones((2, 4)))
    arguments = {"columns": ("name", "energy cpu"), **arguments}
    with pytest.raises(ne.InputError, match=message):
        energy.summary(**arguments)


def test_unknown_device() -> None:
    energy = ne.ModelEnergy(dense_model(import_tf_keras()))
    with pytest.raises(ne.NotFoundError, match="device 'notadevice' not found; known"):
        energy.total_energy("notadevice")
    with pytest.raises(
        ne.NotFoundError, match="'loihy' not found .did you mean 'loihi"
    ):
        energy.summary(("name", "energy loihy"))


def test_kerasspikings_timestep_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    energy = ne.ModelEnergy(dense_model(import_tf_keras()), np.ones((2, 4)))
    expected = energy.layer_energy("dense", "loihi", dt=0.004)
    assert energy.layer_energy("dense", "loihi") != pytest.approx(expected)
    default = type("default", (), {"dt": 0.004})
    module = type("keras_spiking", (), {"default": default})
    monkeypatch.setitem(__import__("sys").modules, "keras_spiking", module)
    assert energy.layer_energy("dense", "loihi") == pytest.approx(expected, rel=1e-12)


def test_repr() -> None:
    model = dense_model(import_tf_keras())
    assert repr(ne.ModelEnergy(model)) == "<ModelEnergy: 'model' without example data>"


# Assumed beside measured


def test_compare_measured() -> None:
    keras = import_tf_keras()
    ones = {"kernel_initializer": "ones"}
    model = keras.Sequential(
        [
            keras.Input((4,), name="input"),
            keras.layers.Dense(5, activation="relu", name="a", **ones),
            keras.layers.Dense(3, activation="relu", name="b", **ones),
        ]
    )
    energy = ne.ModelEnergy(model, np.full((2, 4), 3.0))
    snn = energy.to_spiking(scale_firing_rates=10)
    activity = snn.measure(np.full((2, 4), 3.0), timesteps=100)
    comparison = energy.compare_measured(activity, ["loihi"])
    a, b = comparison.layers
    # activations of a are 4 x 3 = 12 Hz, and the network spikes ten times as often
    assert (a.layer, b.layer) == ("a", "b")
    assert a.rates == (pytest.approx(12), pytest.approx(120, abs=10))
    assert a.synops == (pytest.approx(20 * 3 * 0.1), None)
    spikes = activity.populations[snn.topology.populations[0].name]
    per_inference = float(spikes.spikes_per_inference.mean())
    assert per_inference > 0
    assert b.synops == (pytest.approx(15 * 12 * 0.1), 3 * per_inference)
    for i, synops in ((0, 15 * 12 * 0.1), (1, 3 * per_inference)):
        expected = 27.1e-12 * synops + 81e-12 * 3 * 100
        assert b.energies["loihi"][i] == pytest.approx(expected, rel=1e-6)
    frame = comparison.to_frame()
    assert list(frame["energy loihi measured"]) == [
        a.energies["loihi"][1],
        b.energies["loihi"][1],
    ]
    assert frame.attrs["units"]["synops assumed"] == "1/inf"
    assert comparison.total("loihi")[1] == frame["energy loihi measured"].sum()
    text = str(comparison)
    # both are of all layers, while an estimate for Loihi leaves the first to the host
    assert a.energies["loihi"][1] == pytest.approx(81e-12 * 5 * 100, rel=1e-9)
    assert "loihi: charged for all layers here; deployed" in text
    assert energy.compare_measured(activity, ["spinnaker2"]).note == ""
    assert "100 timesteps of 1 ms, scale_firing_rates=10" in text
    assert "the host multiplies it" in text


def test_compare_measured_wants_its_own_network() -> None:
    model = dense_model(import_tf_keras())
    energy = ne.ModelEnergy(model, np.ones((2, 4)))
    activity = ne.convert(model).measure(np.ones((2, 4)), timesteps=2)
    with pytest.raises(ne.InputError, match="measured on another network.*to_spiking"):
        energy.compare_measured(activity)
    without = ne.ModelEnergy(model)
    activity = without.to_spiking().measure(np.ones((2, 4)), timesteps=2)
    with pytest.raises(ne.InputError, match="example_data must be given"):
        without.compare_measured(activity)
