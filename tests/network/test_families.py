"""A network of each family of Nengo's examples, counted by brute force."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from nengo_families import FAMILIES, PAGE, check, family, fresh, measured, refused
from random_mixtures import mixture, put_some_on_host

from nengo_energy.compat import import_nengo_loihi


@pytest.mark.parametrize("name", FAMILIES)
def test_synops_equal_those_of_dense_matrices(name):
    assert check(family(name), "nengo").simulator == "nengo"


@pytest.mark.tensorflow
def test_refusals_name_what_it_is_and_what_helps():
    """Reason and remedy of each, and that page and simulators agree on them."""
    found = refused()
    text = PAGE.read_text(encoding="utf-8")
    for name, one in found.items():
        assert one.refusal in text, name
    remedies = {
        "learning by RLS": "SimRLS; measure with simulator='nengo'",
        "a rule of your own": "OwnRule of pre -> post (a rule of somebody's own); ",
        "a loop of nodes without a synapse": "a, b; its values hang on themselves.",
        "a layer that isn't linear": "softmax (a TensorNode, which runs TensorFlow",
        "nothing that the chip has": "'curve': runs on the host; the chip has no Tanh",
    }
    for name, words in remedies.items():
        assert words in found[name].refusal


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_page_says_what_each_simulator_makes_of_each_family():
    """Synops on all of them are counted once more; see `nengo_families.check`."""
    found = measured()
    text = PAGE.read_text(encoding="utf-8")
    assert fresh(text, found) == text
    taken = {
        simulator: [name for name, on in found.items() if not on[simulator].refusal]
        for simulator in ("nengo", "loihi")
    }
    assert len(taken["nengo"]) >= 0.95 * len(FAMILIES)
    # all but the rate neurons' have neurons of Loihi
    assert len(taken["loihi"]) >= 0.9 * (len(FAMILIES) - 1)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**16))
def test_synops_of_mixtures_equal_those_of_dense_matrices(seed):
    """Arrays, learning, loops, slices, full weights, probes: all in one network."""
    assert check(mixture(seed), "nengo").simulator == "nengo"


@pytest.mark.tensorflow
@pytest.mark.parametrize("seed", range(3))
def test_synops_of_mixtures_on_loihi_equal_those_of_dense_matrices(seed):
    """With the spikes of the emulator, some ensembles on its host."""
    net = mixture(seed)
    put_some_on_host(net, import_nengo_loihi().add_params, seed)
    assert check(net, "loihi").simulator == "loihi"
