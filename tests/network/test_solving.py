"""Decoders that are traced against those of Nengo's simulator, but for rounding."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.solvers import LstsqL1, LstsqL2, LstsqL2nz, LstsqMultNoise
from nengo.utils.least_squares_solvers import SVD, Cholesky
from numpy.testing import assert_allclose

from nengo_energy.common.exceptions import UnsupportedError
from nengo_energy.network import solving
from nengo_energy.network.built import BuiltWeights

SOLVERS = [
    *(LstsqL2(), LstsqL2(reg=0.02), LstsqL2(weights=True), LstsqL2nz()),
    *(LstsqL2(solver=Cholesky(transpose=True)), LstsqL2(solver=SVD())),
]


@pytest.mark.parametrize("kept", [0, solving.MAX_KEPT])
def test_decoders_are_those_of_nengo_whatever_is_shared(kept, monkeypatch):
    """By every solver; two ensembles in turns, and other evaluation points."""
    monkeypatch.setattr(solving, "MAX_KEPT", kept)
    with nengo.Network(seed=5) as net:
        many = nengo.Ensemble(40, 2, n_eval_points=30)  # fewer points than neurons
        few = nengo.Ensemble(25, 2)
        post = nengo.Ensemble(10, 2)
        for solver in SOLVERS:
            for pre in (many, few):
                nengo.Connection(pre, post, solver=solver)
                nengo.Connection(pre, post, function=np.square, solver=solver)
        noisy = LstsqMultNoise()  # it can't have fewer points than neurons
        nengo.Connection(few, post, solver=noisy)
        points = np.random.RandomState(0).uniform(-1, 1, size=(60, 2))
        nengo.Connection(few, post, eval_points=points)
    built = BuiltWeights(net, net.all_connections, [], False)
    with nengo.Simulator(net, progress_bar=False) as sim:
        for conn in net.all_connections:
            found = built.model.params[conn].weights
            assert np.any(found)
            assert_allclose(found, sim.data[conn].weights, rtol=1e-9, atol=1e-15)


def test_an_ensemble_that_never_fires_is_refused_with_nengos_reason():
    with nengo.Network(seed=5) as net:
        pre = nengo.Ensemble(5, 1, gain=np.ones(5), bias=np.full(5, -9.0))
        nengo.Connection(pre, nengo.Ensemble(5, 1), solver=LstsqL1())
    with pytest.raises(UnsupportedError, match="matrix is all zero"):
        BuiltWeights(net, net.all_connections, [], False)
