"""NIR graph, or a file of one -> NIRModel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Collection

import numpy as np

from ...common.assumptions import Assumption
from ...common.checks import check_choice, check_count, check_positive
from ...common.defaults import DT
from ...common.exceptions import InputError
from . import linear, units  # noqa: F401  (they register what builds each primitive)
from .building import LOSSES, Options
from .graph import Graph, flat_graph
from .model import NIRModel
from .neurons import INTEGRATIONS, RESETS
from .reading import read_graph

SPIKES_ARRIVE = Assumption(
    "nir-input-spikes",
    "Inputs are spikes that arrive on the device: their synops are counted there, and "
    "what sends them is the host's.",
)


def from_nir(
    graph: Any,
    *,
    dt: float | None = None,
    time_unit: float = 1.0,
    integration: str = "euler",
    reset: str = "value",
    inputs: str = "values",
    allow: Collection[str] = (),
    max_bytes: int = 2**30,
) -> NIRModel:
    """Make a Nengo network of a NIR graph, as snnTorch, Norse, sinabs and others write.

    NIR gives neurons by differential equations and leaves it to each framework how
    time is discretised, so that is said here; docs/howto/nir.md has what frameworks do.
    A file is read without running anything that it holds.

    Parameters
    ----------
    graph : str, os.PathLike or nir.NIRGraph
        A ``.nir`` file, or a graph.
    dt : float, optional
        Length of a timestep [s]: by default that for which ``r`` is ``tau / dt``
        throughout, as snnTorch writes, and 1 ms for other graphs.
    time_unit : float
        Unit of the times in the graph [s]; sinabs writes timesteps.
    integration : {"euler", "exponential"}
        How differential equations are discretised: by the forward Euler method
        (snnTorch), or exactly for input that stays in a timestep (sinabs).
    reset : {"value", "subtraction"}
        A spike sets the voltage to ``v_reset``, as NIR says, or takes off what lies
        between that and the threshold, as frameworks do whose export can't say so.
    inputs : {"values", "spikes"}
        Inputs are values, which the host multiplies by the first weights, or spikes (0
        or 1), which arrive on the device and are counted there.
    allow : collection of str
        What may be lost: ``"rounded-delays"``, delays that are no multiples of dt.
    max_bytes : int
        Most memory that the values of a file, or of a node's output, may take.

    Returns
    -------
    NIRModel
        Has the ``network``, and measures, prices and deploys it.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it is no graph, damaged or too large, or its parts don't fit each other.
    UnsupportedError
        If a primitive isn't known, or something would be lost.

    Examples
    --------
    >>> model = ne.from_nir("network.nir")  # doctest: +SKIP
    >>> activity = model.measure(spikes)  # doctest: +SKIP
    >>> print(model.estimate(activity, "loihi"))  # doctest: +SKIP
    """
    max_bytes = check_count("max_bytes", max_bytes)
    check_choice("integration", integration, INTEGRATIONS)
    check_choice("reset", reset, RESETS)
    check_choice("inputs", inputs, ("values", "spikes"))
    time_unit = check_positive("time_unit", time_unit, "s")
    for loss in [allow] if isinstance(allow, str) else allow:
        check_choice("allow", loss, LOSSES)
    if isinstance(graph, (str, os.PathLike)):
        name = Path(graph).stem
        found, source = read_graph(graph, max_bytes), str(graph)
    elif hasattr(graph, "to_dict"):
        name, source = "nir", "the graph"
        found = graph.to_dict()
    else:
        raise InputError(
            "graph must be a nir.NIRGraph or the path of a .nir file; got "
            f"{type(graph).__name__}"
        )
    flat = flat_graph(found, source)
    written = None if dt is not None else written_for(flat)
    if dt is not None:
        dt = check_positive("dt", dt, "s")
    else:
        dt = DT if written is None else written * time_unit
    options = Options(
        dt=dt,
        time_unit=time_unit,
        integration=integration,
        reset=reset,
        inputs=inputs,
        allow=[allow] if isinstance(allow, str) else tuple(allow),
        max_values=max(1, max_bytes // 8),
    )
    how = "forward Euler" if integration == "euler" else "exponential"
    text = f"Time of the graph is discretised by the {how} method, in steps of {dt:g} s"
    if written is not None:
        text += ", the timestep for which its neurons have r = tau / dt"
    said = Assumption("nir-timestep", f"{text}.")
    assumptions = (said, SPIKES_ARRIVE) if inputs == "spikes" else (said,)
    model = NIRModel(flat, name, options, assumptions)
    model.network  # what can't be built is refused here
    return model


def written_for(graph: Graph) -> float | None:
    """Return the timestep for which all leaky neurons have ``r = tau / dt``, if one is.

    snnTorch has no times, so that it writes ``tau = dt / (1 - beta)`` and
    ``r = tau / dt`` for a dt that the file doesn't name, 0.1 ms. Other powers of ten
    are taken as well.
    """
    found = []
    for node in graph.of_kind("LIF", "CubaLIF"):
        tau = node.array("tau" if node.kind == "LIF" else "tau_mem")
        r = node.array("r")
        if tau.size == 0 or np.any(r == 0) or np.all(r == 1) or tau.shape != r.shape:
            return None
        with np.errstate(over="ignore"):
            found.append((tau / r).ravel())
    if not found:
        return None
    each = np.concatenate(found)
    if not np.all((each > 0) & (each < np.inf)):
        return None
    dt = float(f"1e{np.rint(np.log10(np.median(each))):.0f}")
    return dt if np.allclose(each, dt, rtol=1e-4, atol=0) else None
