"""What probes see in every timestep, and networks that are the host's alone."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nengo_energy as ne
from nengo_energy.activity.emulator import open_simulator
from nengo_energy.compat import import_nengo_loihi


@pytest.mark.parametrize(
    "simulator",
    [
        "nengo",
        pytest.param("nengo-dl", marks=pytest.mark.tensorflow),
        pytest.param("loihi", marks=pytest.mark.tensorflow),
    ],
)
def test_outputs_are_those_of_every_timestep(simulator):
    """However seldom a probe records: a node counts 1, 2, ...: the mean over the
    last 11 of 21 timesteps is 16, and over those that are recorded it were 15."""
    with nengo.Network(seed=0) as net:
        clock = nengo.Node(lambda t: np.round(1000 * t), size_out=1, label="clock")
        ens = nengo.Ensemble(5, 1, label="ens")
        out = nengo.Node(size_in=1, label="out")
        nengo.Connection(clock, out, synapse=None)
        nengo.Connection(ens, out, transform=0.0, synapse=None)
        probe = nengo.Probe(clock, sample_every=0.01)
        nengo.Probe(ens, sample_every=0.004)
    activity = ne.measure_activity(net, timesteps=21, simulator=simulator)
    assert_allclose(activity.outputs[probe], [[16]])


@pytest.mark.tensorflow
@pytest.mark.parametrize("emulator", ["fast", "nengo-loihi"])
def test_probes_of_the_chip_may_record_seldom(emulator):
    """As Nengo's do; NengoLoihi stops with an AssertionError."""
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(5, 1, label="ens")
        every = nengo.Probe(ens.neurons)
        seldom = nengo.Probe(ens.neurons, sample_every=0.004)
    with open_simulator(net, emulator=emulator, target="sim") as sim:
        for n_steps in (7, 6, 10):
            sim.run_steps(n_steps)
        assert sim.data[every].any()
        assert len(sim.data[seldom]) == 23 // 4
        assert_array_equal(sim.data[seldom], sim.data[every][3::4])
        assert_allclose(sim.trange(sample_every=0.004), 0.004 * np.arange(1, 6))
    with pytest.raises(ne.UnsupportedError, match="the chip every 0.004 s.*leave its"):
        ne.measure_activity(
            net, timesteps=5, simulator="loihi", emulator=emulator, probes=[seldom]
        )


def test_a_network_of_nodes_says_what_it_is():
    with nengo.Network(seed=0) as net:
        one = nengo.Node([1.0])
        out = nengo.Node(lambda t, x: 2 * x, size_in=1, label="out")
        nengo.Connection(one, out, synapse=None)
        probe = nengo.Probe(out)
    activity = ne.measure_activity(net, timesteps=4)
    assert_allclose(activity.outputs[probe], [[2.0]])
    assert "The network has no neurons" in str(activity)
    assert len(activity.to_frame()) == 0
    counts = ne.count_ops(ne.trace_topology(net), activity)
    with pytest.raises(
        ne.InputError, match="no neurons: it is nodes, and ensembles of Direct"
    ):
        ne.estimate_energy(counts, "loihi")


@pytest.mark.tensorflow
def test_a_network_without_neurons_on_the_chip_is_refused_by_name():
    with nengo.Network(seed=0) as net:
        ens = nengo.Ensemble(5, 1, label="ens")
        import_nengo_loihi().add_params(net)
        net.config[ens].on_chip = False
    with pytest.raises(
        ne.UnsupportedError, match="left for the chip .all of it runs on the host"
    ):
        ne.measure_activity(net, timesteps=4, simulator="loihi")
