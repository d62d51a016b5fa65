"""Choose the form of every projection onto the chip, and the shape of its layers."""

from __future__ import annotations

import logging
from typing import Mapping, Sequence

import nengo
import numpy as np

from ..common.exceptions import UnsupportedError
from ..common.plain_text import plain_line
from ..network.biases import fixed_samples
from ..network.convolution_map import Grid
from ..network.topology import Population, Topology
from .blocks import Link
from .chip import MAX_IN_AXONS
from .convolutions import as_convolution, two_dimensional_grid
from .synapses import DenseSynapses, SharedSynapses
from .wiring import Wiring, input_wiring, wire, wire_as_population

logger = logging.getLogger(__name__)


def lay_out(
    topology: Topology, host: set[str], chip: Sequence[Population]
) -> tuple[dict[str, Wiring], dict[str, tuple[int, ...]]]:
    """Choose the forms of the projections into the chip, and the shapes of its layers.

    Parameters
    ----------
    topology : Topology
        The network.
    host : set of str
        Populations that run on the host.
    chip : sequence of Population
        The others.

    Returns
    -------
    tuple of dict and dict
        Wirings by the name of the projection, and shapes by the name of the population.
    """
    wirings: dict[str, Wiring] = {}
    grids: dict[str, Grid] = {}
    for projection in topology.inputs + topology.projections:
        name = plain_line(projection.name)
        logger.info("%s: choosing the form of its weights", name)
        if projection.post in host or isinstance(projection.target, nengo.Node):
            conv = as_convolution(projection.weights)
            if conv is not None:
                grids.setdefault(
                    projection.post, two_dimensional_grid(conv.output_grid)
                )
        elif isinstance(projection.source, nengo.Node):
            wirings[projection.name] = input_wiring(projection)
        else:
            wiring = wire(projection, _uniform_gain(projection.target))
            if isinstance(wiring.synapses, SharedSynapses):
                grid = wiring.synapses.conv.output_grid
                if grids.setdefault(projection.post, grid) != grid:
                    wiring = wire(projection, shareable=False)
            wirings[projection.name] = wiring
    for wiring in wirings.values():
        if isinstance(wiring.synapses, SharedSynapses):
            grids.setdefault(wiring.projection.pre, wiring.synapses.conv.input_grid)
    for pop in chip:
        _limit_axons(pop, grids, wirings)
    return wirings, {pop.name: _shape(pop, grids.get(pop.name)) for pop in chip}


def _limit_axons(
    pop: Population, grids: Mapping[str, Grid], wirings: dict[str, Wiring]
) -> None:
    """Let neurons share axons where more lead to each neuron than a core takes."""
    matrices = [
        w
        for w in wirings.values()
        if w.projection.post == pop.name and isinstance(w.synapses, DenseSynapses)
    ]
    matrices.sort(key=lambda w: w.synapses.n_axons)
    n_axons = sum(w.synapses.n_axons for w in matrices)
    uniform = _uniform_gain(pop.ensemble)
    while n_axons > MAX_IN_AXONS and matrices and uniform:
        largest = matrices.pop()
        name, pre = largest.projection.name, largest.projection.pre
        shared = wire_as_population(largest, grids.get(pre))
        if shared is not None and not isinstance(largest.projection.source, nengo.Node):
            wirings[name] = shared
            n_axons += shared.synapses.n_axons - largest.synapses.n_axons


def _shape(pop: Population, grid: Grid | None) -> tuple[int, ...]:
    if grid is None or np.prod(grid.space) * grid.n_channels != pop.n_neurons:
        return (pop.n_neurons,)
    if grid.channels_last:
        return (*grid.space, grid.n_channels)
    return (grid.n_channels, *grid.space)


def _uniform_gain(ens: nengo.Ensemble) -> bool:
    """Tell whether neurons have one gain, which weights that are shared need."""
    try:
        return bool(np.ptp(fixed_samples(ens, "gain")) == 0)
    except UnsupportedError:
        return False


def link(wiring: Wiring, host: set[str]) -> Link:
    """Return what the search for blocks needs to know of a projection."""
    projection = wiring.projection
    from_host = projection.pre in host or isinstance(projection.source, nengo.Node)
    return Link(None if from_host else projection.pre, projection.post, wiring.synapses)
