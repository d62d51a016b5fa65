"""What passed over each group of axons, from what the compiled loop counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .kernels import State
from .program import ChipProgram


@dataclass(frozen=True, eq=False)
class AxonTraffic:
    """What passed over one group of axons since the first timestep.

    Attributes
    ----------
    owner : nengo_loihi.block.LoihiBlock or nengo_loihi.inputs.SpikeInput
        Where the axons begin.
    axon : nengo_loihi.block.Axon
        The group; its ``target`` is the synapses that it leads to.
    spikes : int
        Spikes that arrived: those of the last timestep are still under way.
    synops : int
        Weights that were added for them.
    """

    owner: Any
    axon: Any
    spikes: int
    synops: int


def axon_traffic(program: ChipProgram, state: State) -> list[AxonTraffic]:
    """Return what passed over the axons of a network.

    Nothing is counted for this in the loop but the spikes of each source; the rest is
    multiplied out here.

    Parameters
    ----------
    program : ChipProgram
        The network.
    state : State
        Its state after some timesteps.

    Returns
    -------
    list of AxonTraffic
        In the order of the blocks and of their axons, the host's after them.
    """
    arrived = np.concatenate([state.spike_count - state.spiked, state.sent_count])
    found = []
    for owner, part in program.sources.items():
        for axon in owner.axons:
            routes = program.rows.axon_routes(axon, part)
            spikes = arrived[routes.source].astype(np.int64)
            synops = spikes @ program.rows.size[routes.row]
            found.append(AxonTraffic(owner, axon, int(spikes.sum()), int(synops)))
    return found
