"""A fork of a process in which TensorFlow ran is refused what it would wait for."""

from __future__ import annotations

import os

import nengo
import pytest

import nengo_energy as ne
from nengo_energy.compat import import_tensorflow


def in_a_fork(work):
    """Return whether a fork that does some work ends well, without waiting for ever."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.tensorflow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forks_are_refused_tensorflow_and_nothing_else():
    import_tensorflow().constant(1.0)  # from here on it has threads

    def refused():
        with pytest.raises(ne.UnsupportedError, match="forked from.*TensorFlow.*spawn"):
            import_tensorflow()

    def measured():
        with nengo.Network(seed=0) as net:
            nengo.Ensemble(5, 1)
        assert ne.measure_activity(net, None, 3).n_inferences == 1

    assert in_a_fork(refused)
    assert in_a_fork(measured)
