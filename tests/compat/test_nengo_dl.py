"""Counting in NengoDL changes nothing of its graph, and is merged as neurons are."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.builder.neurons import SimNeurons
from numpy.testing import assert_array_equal

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl
from nengo_energy.compat.counting import KINDS, Accumulate
from nengo_energy.compat.nengo_dl import open_nengo_dl

pytestmark = pytest.mark.tensorflow


def products(dimensions):
    """A circular convolution: (d // 2 + 1) x 4 products of two ensembles each."""
    with nengo.Network(seed=1) as net:
        ends = [nengo.Node(np.full(dimensions, 0.5)) for _ in range(2)]
        circle = nengo.networks.CircularConvolution(20, dimensions)
        for node, end in zip(ends, (circle.input_a, circle.input_b)):
            nengo.Connection(node, end)
        out = nengo.Node(size_in=dimensions, label="out")
        nengo.Connection(circle.output, out)
        nengo.Probe(out)
    return net


def test_counters_are_merged_as_their_neurons_are():
    """One operator of each kind for all ensembles, and NengoDL's own plan before it."""
    nengo_dl = import_nengo_dl()
    net = products(8)
    ensembles = net.all_ensembles
    assert len(ensembles) == (8 // 2 + 1) * 4 * 2
    wanted = [(ens, kind, 1000.0) for ens in ensembles for kind in KINDS]
    with nengo_dl.Simulator(net, progress_bar=False) as plain:
        own = [[type(op) for op in ops] for ops in plain.tensor_graph.plan]
    sim, counters = open_nengo_dl(net, 0.001, 1, wanted)
    with sim:
        plan = sim.tensor_graph.plan
    ours = [ops for ops in plan if isinstance(ops[0], Accumulate)]
    rest = [[type(op) for op in ops] for ops in plan if ops not in ours]
    assert rest == own
    n_neurons = sum(1 for kinds in own if kinds[0] is SimNeurons)
    assert n_neurons == 1
    assert [len(ops) for ops in ours] == [len(ensembles)] * len(KINDS)
    assert [{op.kind for op in ops} for ops in ours] == [{kind} for kind in KINDS]


def test_merged_counters_are_read_in_the_order_asked_for():
    """From last to first, of ensembles with other numbers of neurons and amplitudes."""
    with nengo.Network(seed=0) as net:
        ensembles = [
            nengo.Ensemble(
                n,
                1,
                gain=np.ones(n),
                bias=100.0 * n + np.arange(n),
                neuron_type=nengo.RectifiedLinear(amplitude=n),
            )
            for n in (1, 2, 3)
        ]
    wanted = [(ens, "sum", 1.0) for ens in ensembles[::-1]]
    wanted.append((ensembles[1], "active", 2 * 500.0))
    sim, counters = open_nengo_dl(net, 0.001, 2, wanted)
    with sim:
        sim.run_steps(4, progress_bar=False)
        found = counters.read_and_clear()
        again = counters.read_and_clear()
        sim.run_steps(1, progress_bar=False)
        last = counters.read_and_clear()
    expected = [4 * n * (100.0 * n + np.arange(n)) for n in (3, 2, 1)]
    # 200 and 201 Hz where 500 Hz are a spike a timestep
    expected.append(4 * np.array([200, 201]) / 500)
    for values, zeros, one, wanted_values in zip(found, again, last, expected):
        assert values.shape == (2, len(wanted_values))
        np.testing.assert_allclose(values, np.tile(wanted_values, (2, 1)), rtol=1e-6)
        assert not zeros.any()
        np.testing.assert_allclose(one, values / 4, rtol=1e-6)


def test_many_ensembles_count_what_nengo_counts():
    """Ensembles of products, on which single precision spikes as double does."""
    net = products(4)
    wanted = ne.measure_activity(net, timesteps=20)
    found = ne.measure_activity(net, timesteps=20, simulator="nengo-dl")
    assert len(wanted.populations) == 24
    assert sum(pop.spikes.sum() for pop in wanted.populations.values()) > 100
    for name, pop in wanted.populations.items():
        assert_array_equal(found.populations[name].spikes, pop.spikes)


@pytest.mark.parametrize(
    "settings",
    [
        {"stateful": False},
        {"keep_history": False},
        {"stateful": False, "use_loop": False, "planner": "greedy_planner"},
    ],
    ids=lambda settings: ", ".join(settings),
)
def test_a_network_may_be_configured_for_anything(settings):
    """NengoDL's settings say how it is run, and not what it does."""
    nengo_dl = import_nengo_dl()
    net = products(2)
    wanted = ne.measure_activity(net, timesteps=15, warmup=3, simulator="nengo-dl")
    if "planner" in settings:
        planner = getattr(nengo_dl.graph_optimizer, settings["planner"])
        settings = {**settings, "planner": planner}
    with net:
        nengo_dl.configure_settings(**settings)
    found = ne.measure_activity(net, timesteps=15, warmup=3, simulator="nengo-dl")
    for name, pop in wanted.populations.items():
        assert_array_equal(found.populations[name].spikes, pop.spikes)
    (output,), (wanted_output,) = found.outputs.values(), wanted.outputs.values()
    np.testing.assert_allclose(output, wanted_output, rtol=1e-5)
    # the network is still configured as it was
    for name, value in settings.items():
        holder = nengo.Probe if name == "keep_history" else net
        assert getattr(net.config[holder], name) == value
