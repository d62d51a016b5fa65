"""What Loihi's chip doesn't have runs on its host, as Nengo runs it."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nengo_energy as ne

pytestmark = pytest.mark.tensorflow  # NengoLoihi imports TensorFlow

LACKING = {
    "AdaptiveLIF": {"neuron_type": nengo.AdaptiveLIF()},
    "Izhikevich": {"neuron_type": nengo.Izhikevich()},
    "WhiteNoise": {"noise": nengo.processes.WhiteNoise(seed=1)},
}


@pytest.mark.parametrize("name", LACKING)
def test_the_host_runs_what_the_chip_lacks(name):
    with nengo.Network(seed=0) as net:
        stim = nengo.Node(0.5, label="stimulus")
        first = nengo.Ensemble(30, 1, label="first", **LACKING[name])
        second = nengo.Ensemble(30, 1, label="second")
        nengo.Connection(stim, first)
        nengo.Connection(first, second)
    before = list(net.all_objects)
    activity = ne.measure_activity(net, timesteps=60, simulator="loihi")
    plain = ne.measure_activity(net, timesteps=60)
    spikes = activity.populations["first"].spikes
    assert spikes.sum() > 20
    if name != "WhiteNoise":  # drawn by a simulator with other operators
        assert_array_equal(spikes, plain.populations["first"].spikes)
    assert activity.populations["second"].spikes.sum() > 20
    (text,) = [a.text for a in activity.assumptions if a.code == "left-to-host"]
    reason = "neurons have noise" if name == "WhiteNoise" else f"chip has no {name}"
    assert "ensemble 'first': runs on the host; " in text and reason in text
    assert net.all_objects == before


def test_nothing_is_said_where_the_chip_has_all():
    with nengo.Network(seed=0) as net:
        a, b = (nengo.Ensemble(20, 1, label=label) for label in "ab")
        b.neuron_type = nengo.RegularSpiking(nengo.LIFRate())
        nengo.Connection(a, b)
    activity = ne.measure_activity(net, timesteps=20, simulator="loihi")
    codes = {assumption.code for assumption in activity.assumptions}
    assert "left-to-host" not in codes
    assert np.sum(activity.populations["a"].spikes) > 0


def test_a_network_without_anything_for_the_chip_says_why():
    with nengo.Network(seed=0) as net:
        nengo.Ensemble(20, 1, neuron_type=nengo.Tanh(), label="curve")
    with pytest.raises(
        ne.UnsupportedError,
        match="left for the chip .ensemble 'curve'.*no Tanh neurons",
    ):
        ne.measure_activity(net, timesteps=20, simulator="loihi")
