"""The compiled simulator counts what Nengo and NengoDL count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from random_dynamics import random_dynamics

import nengo_energy as ne
from nengo_energy.compat import import_nengo_dl, import_nengo_loihi

pytest.importorskip("numba")
pytestmark = pytest.mark.tensorflow

import_nengo_loihi()


def assert_same(found: ne.Activity, wanted: ne.Activity, rtol=1e-9):
    """Spikes are equal, and rates and outputs but for rounding."""
    assert found.populations.keys() == wanted.populations.keys()
    for name, one in found.populations.items():
        other = wanted.populations[name]
        assert_array_equal(one.spikes, other.spikes, name)
        assert_array_equal(one.spikes_per_inference, other.spikes_per_inference)
        assert_array_equal(one.active_per_inference, other.active_per_inference)
        assert_array_equal(one.sent_per_inference, other.sent_per_inference)
        for key, synops in other.synops_per_inference.items():
            assert_array_equal(one.synops_per_inference[key], synops)
        assert one.peak == other.peak
    assert found.outputs.keys() == wanted.outputs.keys()
    for probe, output in wanted.outputs.items():
        scale = np.abs(output).max()
        assert_allclose(found.outputs[probe], output, rtol=rtol, atol=rtol * scale)


def double(net):
    """Let NengoDL, and what takes its place, compute in double precision."""
    with net:
        import_nengo_dl().configure_settings(dtype="float64")
    return net


QUIET = dict(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(max_examples=60, **QUIET)
@given(random_dynamics(), st.integers(0, 7), st.booleans(), st.integers(1, 40))
def test_counts_what_nengo_counts(made, warmup, varying, timesteps):
    """To the last spike, in double precision as Nengo's."""
    net, inp, ensembles, probes = made
    rng = np.random.RandomState(warmup)
    n_steps = (warmup + timesteps,) if varying else ()
    x = rng.uniform(-2, 5, size=(3, *n_steps, inp.size_out))
    options = dict(warmup=warmup, probes=probes, progress=False)
    wanted = ne.measure_activity(net, x, timesteps, simulator="nengo", **options)
    found = ne.measure_activity(
        double(net), x, timesteps, simulator="compiled", **options
    )
    assert found.simulator == "compiled"
    assert_same(found, wanted)
