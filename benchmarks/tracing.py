"""Time that tracing takes, beside Nengo's build of the same network.

Semantic pointers are bound by circular convolution: two states drive hundreds of small
ensembles, all by all. Both times are processor time of this run, so that their ratio
holds on any machine. Tracing builds the network in Nengo, for its decoders.

Run ``python benchmarks/tracing.py [DIMENSIONS ...]``.
"""

from __future__ import annotations

import sys
import time
from typing import Callable

import nengo
from nengo import spa

import nengo_energy as ne


def main() -> None:
    """Print a line for each number of dimensions."""
    print("dimensions  projections      synapses  build [s]  trace [s]  ratio")
    for dimensions in map(int, sys.argv[1:] or ("16", "32", "64")):
        network = binding(dimensions)
        build = min(_seconds(_build, network) for _ in range(2))
        trace = min(_seconds(_trace, network) for _ in range(2))
        topology = ne.trace_topology(network)
        print(
            f"{dimensions:10}  {len(topology.projections):11}  {topology.n_synapses:12}"
            f"  {build:9.2f}  {trace:9.2f}  {trace / build:5.2f}"
        )


def binding(dimensions: int) -> spa.SPA:
    """Return a network that binds two semantic pointers into a third."""
    with spa.SPA(seed=0) as network:
        for name in "abc":
            setattr(network, name, spa.State(dimensions))
        network.cortical = spa.Cortical(spa.Actions("c = a * b"))
    return network


def _build(network: nengo.Network) -> None:
    nengo.builder.Model().build(network)


def _trace(network: nengo.Network) -> int:
    return ne.trace_topology(network).n_synapses


def _seconds(call: Callable[[nengo.Network], object], network: nengo.Network) -> float:
    start = time.process_time()
    call(network)
    return time.process_time() - start


if __name__ == "__main__":
    main()
