"""What a network's identity hangs on, and what is said where two networks differ."""

from __future__ import annotations

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nengo
import numpy as np
import pytest
from nengo.dists import Choice, Uniform
from nengo.solvers import LstsqL2, NoSolver

import nengo_energy as ne
from nengo_energy.network.fingerprint import differing_aspects, fingerprint


def scaled(factor):
    return lambda x: factor * x**2


def cut_off(x):
    return x * (x > 0.5)


def cut_off_later(x):
    return x * (x > 0.5001)


def threshold(t, x):
    return x > 1


def other_threshold(t, x):
    return x > 2


def decoded_network(seed=0, order="ab", node=threshold, ensemble=(), connection=()):
    """a (20 neurons, 2-D) -> b through a function, and on to a node that computes."""
    tuning = {"n_neurons": 20, "dimensions": 2, "neuron_type": nengo.LIF()}
    options = {"function": scaled(1.0), "synapse": 0.01, **dict(connection)}
    with nengo.Network(seed=seed) as net:
        made = {
            label: nengo.Ensemble(
                label=label, **{**tuning, **dict(ensemble if label == "a" else ())}
            )
            for label in order
        }
        nengo.Connection(made["a"], made["b"], **options)
        nengo.Connection(made["b"], nengo.Node(node, size_in=2))
    return net


ENSEMBLE = {
    "neuron type": ({"neuron_type": nengo.LIFRate()}, "neurons"),
    "parameter": ({"neuron_type": nengo.LIF(tau_rc=0.03)}, "neurons"),
    "amplitude": ({"neuron_type": nengo.LIF(amplitude=0.5)}, "neurons"),
    "noise": ({"noise": nengo.processes.WhiteNoise()}, "neurons"),
    "n_neurons": ({"n_neurons": 21}, "neurons"),
    "radius": ({"radius": 2.0}, "tuning"),
    "encoders": ({"encoders": Choice([[1, 0]])}, "tuning"),
    "given encoders": ({"encoders": np.eye(20, 2) + 1}, "tuning"),
    "normalize": ({"normalize_encoders": False}, "tuning"),
    "intercepts": ({"intercepts": Uniform(-0.5, 0.9)}, "tuning"),
    "max_rates": ({"max_rates": Uniform(100, 120)}, "tuning"),
    "gain and bias": ({"gain": np.ones(20), "bias": np.ones(20)}, "tuning"),
    "n_eval_points": ({"n_eval_points": 99}, "tuning"),
    "seed": ({"seed": 5}, "seeds"),
}
CONNECTION = {
    "transform": ({"transform": 2.0}, "transforms"),
    "random transform": (
        {"transform": nengo.Dense((2, 2), Uniform(0, 1))},
        "transforms",
    ),
    "solver": ({"solver": LstsqL2(reg=0.2)}, "decoders"),
    "weights": ({"solver": LstsqL2(weights=True)}, "decoders"),
    "given decoders": ({"solver": NoSolver(np.ones((20, 2)))}, "decoders"),
    "eval_points": ({"eval_points": np.ones((30, 2))}, "decoders"),
    "scale_eval_points": ({"scale_eval_points": False}, "decoders"),
    "synapse": ({"synapse": 0.02}, "synapses"),
    "kind of synapse": ({"synapse": nengo.Alpha(0.01)}, "synapses"),
    "no synapse": ({"synapse": None}, "synapses"),
    "function": ({"function": np.sin}, "functions"),
    "closure": ({"function": scaled(1.5)}, "functions"),
    "no function": ({"function": None}, "functions"),
    "seed": ({"seed": 5}, "seeds"),
}


def differences(net, other):
    return differing_aspects(fingerprint(net), fingerprint(other))


@pytest.mark.parametrize("change, aspect", ENSEMBLE.values(), ids=ENSEMBLE)
def test_what_tunes_neurons_is_part_of_it(change, aspect):
    assert aspect in differences(decoded_network(), decoded_network(ensemble=change))
    assert fingerprint(decoded_network()) == fingerprint(decoded_network())


@pytest.mark.parametrize("change, aspect", CONNECTION.values(), ids=CONNECTION)
def test_what_makes_weights_is_part_of_it(change, aspect):
    assert aspect in differences(decoded_network(), decoded_network(connection=change))


def test_functions_are_told_apart_where_points_do_not_tell():
    one, other = (
        decoded_network(connection={"function": f}) for f in (cut_off, cut_off_later)
    )
    assert differences(one, other) == ["functions"]


def test_functions_of_nodes_are_part_of_it():
    assert differences(decoded_network(), decoded_network(node=other_threshold)) == [
        "nodes"
    ]


def test_seeds_and_order_decide_what_is_drawn():
    assert differences(decoded_network(), decoded_network(seed=1)) == ["seeds"]
    assert "connections" in differences(decoded_network(), decoded_network(order="ba"))


def test_inputs_labels_and_probes_are_no_part_of_it():
    net, other = decoded_network(), decoded_network()
    for changed, value in ((net, np.zeros(2)), (other, np.ones(2))):
        with changed:
            nengo.Connection(nengo.Node(value), changed.ensembles[0])
    other.ensembles[0].label = "renamed"
    with other:
        nengo.Probe(other.ensembles[1])
    assert fingerprint(net) == fingerprint(other)


def test_copies_are_the_same_network():
    net = decoded_network(connection={"transform": nengo.Dense((2, 2), Uniform(0, 1))})
    assert fingerprint(net.copy()) == fingerprint(net)
    assert fingerprint(deepcopy(net)) == fingerprint(net)


class Squared:
    """A function that is an object, printed by its address."""

    def __call__(self, x):
        return x**2


def test_objects_that_are_called_have_no_address_in_it():
    one, other = (decoded_network(connection={"function": Squared()}) for _ in "ab")
    assert fingerprint(one) == fingerprint(other)
    assert "functions" in differences(
        one, decoded_network(connection={"function": np.sin})
    )


def test_it_is_the_same_in_another_process():
    code = "import test_fingerprint as t; print(t.fingerprint(t.decoded_network()))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {fingerprint(decoded_network())}


def test_activity_of_another_network_is_refused_by_what_differs():
    net, other = decoded_network(), decoded_network(seed=1)
    activity = ne.measure_activity(other, timesteps=1)
    with pytest.raises(ne.InputError, match="another network.*they differ in seeds"):
        ne.count_ops(ne.trace_topology(net), activity)


def test_a_network_without_a_seed_is_known_by_what_it_is_drawn_from():
    net = decoded_network(seed=None)
    topology, activity = ne.trace_topology(net), ne.measure_activity(net, timesteps=100)
    spikes = activity.populations["a"].spikes.sum()
    assert spikes > 0
    # a drives all 20 neurons of b, whatever is drawn
    assert (
        dict(
            (row.layer, row.total)
            for row in ne.count_ops(topology, activity).rows
            if row.operation == "synop"
        )["b"]
        == spikes * 20
    )
    assert "unseeded-weights" in [a.code for a in topology.assumptions]
