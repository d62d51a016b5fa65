"""Rates are what their neurons' curves say, by whatever simulator."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from numpy.testing import assert_allclose

from nengo_energy.activity import rates


@pytest.mark.parametrize("compiled", [True, False])
def test_rates_of_two_layers(compiled, monkeypatch):
    """70 examples in batches of 32, the last of which isn't full; no filter."""
    monkeypatch.setattr(rates, "has_numba", lambda otherwise: compiled)
    with nengo.Network(seed=0) as net:
        inp = nengo.Node(np.zeros(2))
        options = dict(bias=np.array([10.0, -20.0]), gain=np.array([100.0, 50.0]))
        a = nengo.Ensemble(2, 1, neuron_type=nengo.SpikingRectifiedLinear(), **options)
        b = nengo.Ensemble(1, 1, neuron_type=nengo.LIF(), gain=[0.1], bias=[1.0])
        nengo.Connection(inp, a.neurons, synapse=None)
        nengo.Connection(a.neurons, b.neurons, transform=[[1, 2]], synapse=0.1)
    x = np.random.RandomState(0).uniform(-1, 1, size=(70, 2))
    found = rates.wanted_rates(net, {inp: x})
    first = np.maximum(100 * x[:, 0] + 10, 0), np.maximum(50 * x[:, 1] - 20, 0)
    assert_allclose(found[a], np.stack(first, axis=1), rtol=1e-5, atol=1e-4)
    current = 0.1 * (first[0] + 2 * first[1]) + 1
    with np.errstate(divide="ignore"):
        second = 1 / (0.002 - 0.02 * np.log1p(-1 / current))  # tau_ref, tau_rc
    silent = current <= 1
    assert 0 < silent.sum() < 70
    assert_allclose(found[b][:, 0], np.where(silent, 0, second), rtol=1e-3)
