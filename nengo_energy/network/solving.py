"""Decoders as Nengo solves for them, with what connections of an ensemble share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable

import nengo
import numpy as np
import scipy.linalg
from nengo.cache import NoDecoderCache
from nengo.solvers import LstsqL2
from nengo.utils.least_squares_solvers import Cholesky

MAX_KEPT = 2**27
"""Most bytes of activities that are kept for the next connection of their ensemble."""


class SharedSolving(NoDecoderCache):
    """Stands in Nengo's builder where its cache of decoders would be.

    Connections of one ensemble with the same evaluation points have its activities in
    common, and by Nengo's own solver the matrix that is factorized, so each is computed
    once. Decoders are the same but for rounding, which in BLAS hangs on where in memory
    matrices lie.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[nengo.Ensemble, _System] = OrderedDict()

    def wrap_solver(self, solver_fn: Callable) -> Callable:
        """Return what solves in the place of Nengo's function."""

        def solve(
            conn: nengo.Connection,
            gain: np.ndarray,
            bias: np.ndarray,
            x: np.ndarray,
            targets: np.ndarray,
            rng: Any = None,
        ) -> Any:
            system = self._system(conn.pre_obj, gain, bias, x)
            if not system.activities.any():
                return solver_fn(conn, gain, bias, x, targets, rng=rng)  # its error
            if _is_plain(conn.solver):
                return system.solve(targets, conn.solver.reg), {}
            return conn.solver(system.activities, targets, rng=rng)

        return solve

    def _system(
        self, ens: nengo.Ensemble, gain: np.ndarray, bias: np.ndarray, x: np.ndarray
    ) -> _System:
        system = self._kept.pop(ens, None)
        if system is None or not np.array_equal(system.x, x):
            system = _System(x, ens.neuron_type.rates(x, gain, bias))
        self._kept[ens] = system
        while sum(each.activities.nbytes for each in self._kept.values()) > MAX_KEPT:
            self._kept.popitem(last=False)
        return system


class _System:
    """Activities of an ensemble, and what they are factorized to."""

    def __init__(self, x: np.ndarray, activities: np.ndarray):
        self.x, self.activities = x, activities
        self._factors: dict[float, Any] = {}

    def solve(self, targets: np.ndarray, reg: float) -> np.ndarray:
        """Return decoders, as ``LstsqL2(reg=reg)`` does."""
        a = self.activities
        m, n = a.shape
        sigma = reg * a.max()
        transpose = m < n and np.size(sigma) == 1
        if reg not in self._factors:
            gram = np.dot(a, a.T) if transpose else np.dot(a.T, a)
            np.fill_diagonal(gram, gram.diagonal() + m * sigma**2)
            self._factors[reg] = scipy.linalg.cho_factor(gram, overwrite_a=True)
        b = targets if transpose else np.dot(a.T, targets)
        solved = scipy.linalg.cho_solve(self._factors[reg], b)
        return np.dot(a.T, solved) if transpose else solved


def _is_plain(solver: Any) -> bool:
    """Tell whether a solver is Nengo's default, whatever its regularization."""
    return (
        type(solver) is LstsqL2
        and type(solver.solver) is Cholesky
        and solver.solver.transpose is None
    )
