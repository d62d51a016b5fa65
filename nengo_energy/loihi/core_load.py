"""What one core of a chip holds, and does for a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from .chip import MAX_SYNAPSE_BITS


@dataclass(frozen=True)
class CoreLoad:
    """What one core holds, and does over all inferences.

    Attributes
    ----------
    chip, core : int
        Chip, and core on it in the order of allocation.
    layer : str
        Population that the neurons are part of.
    compartments, in_axons, out_axons, synapse_bits : int
        What is used of the core.
    updates_active, updates_inactive : int
        Neuron updates with a spike, and without.
    synops, zero_synops : int
        Weights that spikes read here, and how many of them are zero.
    spikes : int
        Spikes that its neurons send to at least one core.
    messages_out, messages_in, messages_from_host : int
        Spikes x destination cores that leave the core, that arrive from cores, and that
        arrive from the host.
    spikes_to_host : int
        Spikes of its neurons that the host reads.
    overflows : int
        Times that an input or current exceeded its bits.
    saturated : int
        Neurons most of whose spikes followed one in the timestep before.
    lost_bits : int
        Bits of the eight of a weight that were given up to hold threshold and biases.
    spiking : bool
        Whether its neurons spike; those that the host reads a decoded value off don't.
    synops_by_form : Mapping of {str: int}
        Its synops by how their weights are stored, where that is known.
    """

    chip: int
    core: int
    layer: str
    compartments: int
    in_axons: int
    out_axons: int
    synapse_bits: int
    updates_active: int
    updates_inactive: int
    synops: int
    zero_synops: int
    spikes: int
    messages_out: int
    messages_in: int
    messages_from_host: int
    spikes_to_host: int
    overflows: int
    saturated: int
    lost_bits: int
    spiking: bool = True
    synops_by_form: Mapping[str, int] = field(default_factory=dict)

    @property
    def synapse_share(self) -> float:
        """Share of the core's synapse memory in use, 0 to 1."""
        return self.synapse_bits / MAX_SYNAPSE_BITS

    def per_timestep(self, n_steps: int) -> dict[str, float]:
        """Return its operations in a mean timestep, as devices price them."""
        synops = {f"synop_{form}": n for form, n in self.synops_by_form.items()}
        operations = {
            **(synops or {"synop": self.synops}),
            "neuron_update_active": self.updates_active,
            "neuron_update_inactive": self.updates_inactive,
            "spike": self.spikes,
            "message": self.messages_out,
            "message_in": self.messages_in + self.messages_from_host,
        }
        return {name: n / n_steps for name, n in operations.items()}
