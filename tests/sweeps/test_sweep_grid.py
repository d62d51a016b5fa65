"""Grids, points and fronts, without running anything."""

from __future__ import annotations

import itertools

import nengo
import numpy as np
import pytest
from hypothesis import given, strategies as st

import nengo_energy as ne
from nengo_energy.common.pareto import cheapest, is_on_front
from nengo_energy.sweeps.data import check_data
from nengo_energy.sweeps.grid import plan_grid


def test_timesteps_and_devices_share_simulations():
    """3 scales x 2 synapses are 6 simulations, x 4 timesteps 24 points."""
    plan = plan_grid(
        {
            "scale_firing_rates": [10, 100, 1000],
            "timesteps": [50, 10, 20, 5],
            "synapse": [None, 0.005],
            "devices": ["loihi", "cpu"],
        }
    )
    assert (len(plan.points), len(plan.simulations)) == (24, 6)
    assert {s.timesteps for s in plan.simulations} == {(5, 10, 20, 50)}
    assert plan.devices == ["loihi", "cpu"]
    # the last name changes fastest
    first = [tuple(p.settings[n] for n in plan.axes) for p in plan.points[:3]]
    assert first == [(10, 50, None), (10, 50, 0.005), (10, 10, None)]
    assert plan.points[0].simulation == plan.points[2].simulation
    assert plan.points[0].simulation != plan.points[1].simulation
    assert plan.points[0].settings["dt"] == 0.001


def test_what_changes_the_simulation_is_simulated_apart():
    grid = {
        "dt": [0.001, 0.002],
        "simulator": ["nengo", "loihi"],
        "neuron": ["LIF", nengo.SpikingRectifiedLinear(amplitude=0.5)],
        "warmup": [0, 10],
        "scale_firing_rates": [{"a": 10}, {"a": 20}],
    }
    plan = plan_grid(grid)
    assert len(plan.points) == len({p.simulation for p in plan.points}) == 32
    assert plan.axes["neuron"] == ["LIF", "SpikingRectifiedLinear(amplitude=0.5)"]


def test_keys_are_the_same_in_another_order_and_process():
    one = plan_grid({"dt": [0.001], "scale_firing_rates": [100, np.float64(200)]})
    other = plan_grid({"scale_firing_rates": [200, 100.0]})
    keys = [[s.key for s in plan.simulations] for plan in (one, other)]
    assert keys[0][1] == keys[1][0] and len(set(keys[0])) == 2
    # printf '{"dt": 0.001, "neuron": null, "scale_firing_rates": null, "simulator":
    # "compiled", "synapse": null, "warmup": 0}' | sha256sum
    assert plan_grid({"dt": 0.001}).simulations[0].key == "30f030365b473317"


def build(width, timesteps=3):
    """A function that builds models."""


def test_parameters_of_the_users_function():
    plan = plan_grid({"width": [4, 8], "timesteps": [5, 6]}, build)
    assert [dict(s.parameters) for s in plan.simulations] == [
        {"width": 4},
        {"width": 8},
    ]
    assert len(plan.points) == 4
    anything = plan_grid({"depth": [1]}, lambda **options: None)
    assert anything.points[0].settings["depth"] == 1


def test_simulations_of_one_model_and_of_one_network_come_in_a_row():
    """Models may take long to build, and to convert; points keep the user's order."""
    axes = {"dt": [1e-3, 2e-3], "scale_firing_rates": [9, 5], "width": [8, 4]}
    plan = plan_grid(axes, build)
    found = [
        (s.parameters["width"], s.settings["scale_firing_rates"], s.settings["dt"])
        for s in plan.simulations
    ]
    assert found == list(itertools.product([8, 4], [9, 5], [1e-3, 2e-3]))
    points = [tuple(p.settings[name] for name in axes) for p in plan.points]
    assert points == list(itertools.product(*axes.values()))


@pytest.mark.parametrize(
    "grid, message",
    [
        ({}, "grid is empty.*scale_firing_rates"),
        ({"devices": ["loihi"]}, "grid is empty"),
        ({"timesteps": []}, "no values for timesteps"),
        ({"scale": [1]}, "unknown names scale; known: scale_firing_rates, .*function"),
        ({"timesteps": [0]}, "timesteps must be a whole number of at least 1; got 0"),
        ({"timesteps": [5, 5]}, '"timesteps": 5} twice'),
        ({"synapse": [1, 1.0]}, '"synapse": 1.0} twice'),
        ({"scale_firing_rates": [-1]}, "scale_firing_rates must be a number above 0"),
        ({"scale_firing_rates": ["high"]}, "scale_firing_rates must be a number"),
        ({"synapse": [0]}, "synapse must be a number above 0"),
        ({"dt": [0.0]}, "dt must be a number above 0"),
        ({"neuron": ["Perceptron"]}, "neuron must be a neuron type .*LoihiLIF"),
        ({"simulator": ["brian"]}, "simulator must be one of"),
        ({"warmup": [-1]}, "warmup must be"),
        ([{"timesteps": 5}], "grid must be a mapping"),
    ],
)
def test_bad_grids(grid, message):
    with pytest.raises(ne.InputError, match=message):
        plan_grid(grid)


def test_unknown_parameter_of_a_function():
    with pytest.raises(ne.InputError, match="unknown names depth; known: .*width$"):
        plan_grid({"depth": [1]}, build)
    with pytest.raises(ne.InputError, match="can't be told from others"):
        plan_grid({"width": [object()]}, build)


@pytest.mark.parametrize(
    "x, labels, message",
    [
        (np.zeros((3, 2)), [0, 1], r"shape \(3,\)"),
        (np.zeros((0, 2)), [], "at least one"),
        ([np.zeros((3, 2)), np.zeros((4, 2))], [0] * 3, "same number of inferences"),
        ({"a": np.zeros(3), "b": np.zeros(2)}, [0] * 3, "{'a': 3, 'b': 2}"),
        (["a", "b"], [0, 1], "array of numbers"),
    ],
)
def test_bad_data(x, labels, message):
    with pytest.raises(ne.InputError, match=message):
        check_data(x, labels)


def test_chunks_cover_the_data(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(20).reshape(10, 2))
    x = np.load(path, mmap_mode="r")
    data = check_data({"a": x}, np.arange(10), chunk_size=4)
    assert data.spans() == [(0, 4), (4, 8), (8, 10)]
    chunks = [data.chunk(*span) for span in data.spans()]
    np.testing.assert_array_equal(np.concatenate([c.x["a"] for c in chunks]), x)
    np.testing.assert_array_equal(np.concatenate([c.labels for c in chunks]), range(10))
    # of another size, or with other labels, data is another
    assert data.digest() != check_data({"a": x}, np.ones(10), chunk_size=4).digest()
    assert data.digest() != check_data({"a": x + 1}, np.arange(10), 4).digest()


def test_chunks_are_of_8_mebibytes_at_most():
    """An inference of 1 MiB: 8 of them; of 16 bytes: 512."""
    assert check_data(np.zeros((20, 2**17)), np.zeros(20)).chunk_size == 8
    assert check_data(np.zeros((1000, 2)), np.zeros(1000)).chunk_size == 512


values = st.integers(0, 4).map(float)


@given(st.lists(st.tuples(values, values, values), min_size=1, max_size=12))
def test_front_against_its_definition(points):
    """A point is off the front if another is nowhere worse, and somewhere better."""
    expected = [
        not any(
            all(b <= a for a, b in zip(point, other)) and other != point
            for other in points
        )
        for point in points
    ]
    np.testing.assert_array_equal(is_on_front(np.array(points)), expected)


def test_what_is_not_known_is_on_no_front():
    costs = np.array([[1, np.nan], [2, 2], [np.nan, 0], [3, 3]])
    np.testing.assert_array_equal(is_on_front(costs), [False, True, False, False])


def test_cheapest_that_is_accurate_enough():
    energies, accuracies = [1, 5, 2, 2, 2], [0.5, 0.99, 0.9, 0.95, 0.95]
    assert cheapest(energies, accuracies, 0.9) == 3  # as cheap as 2, and better
    assert cheapest(energies, accuracies, 0.96) == 1
    assert cheapest(energies, accuracies, 1.0) is None
