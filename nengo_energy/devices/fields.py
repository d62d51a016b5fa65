"""The words of device files: kinds, operations, capacities, and their meanings."""

from __future__ import annotations

from typing import Mapping

KINDS = ("event", "dense")
"""Event devices pay for spikes, dense ones for the conventional network."""

PLACED_OPERATIONS = ("message", "hop_east_west", "hop_north_south")
"""Operations whose number follows from the placement of neurons on cores."""

PRICED_FORMS: Mapping[str, tuple[str, ...]] = {
    "synop": ("synop_dense", "synop_sparse", "synop_convolution"),
    "mac": ("mac_dense", "mac_convolution", "mac_depthwise"),
}
"""Prices that go before that of an operation where its form is known, keys of
counts.FORMS."""

PRICED_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "event": (
        "synop",
        "neuron_update_active",
        "neuron_update_inactive",
        "spike",
        *PLACED_OPERATIONS,
        "addition",
        "weight_byte",
        "state_byte",
        *PRICED_FORMS["synop"],
    ),
    "dense": (
        "mac",
        "activation",
        "addition",
        "kernel",
        "weight_byte",
        "activation_byte",
        *PRICED_FORMS["mac"],
    ),
}
"""The operations that each kind of device can price, keys of counts.OPERATIONS, and
forms of them."""

PER_BATCH = ("kernel", "weight_byte")
"""Operations that a batch takes once, so that each inference bears its share."""

BYTES = ("weight_byte", "activation_byte", "state_byte")
"""Operations that are counted at 32 bits a number; a device may take fewer."""

FOLDED = ("batch_norm",)
"""Forms that a device may fold into the weights of the layer before."""

TIMED_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "event": (*PRICED_OPERATIONS["event"], "message_in", "barrier"),
    "dense": PRICED_OPERATIONS["dense"],
}
"""What each kind of device can give a time for: operations, and on event devices the
arrival of a message at a core and the barrier that ends a timestep."""

SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "neuron_update": ("neuron_update_active", "neuron_update_inactive")
}
"""Words that price several operations at once."""

CAPACITIES: Mapping[str, str] = {
    "chips": "chips of the device, or of a board of it",
    "cores_per_chip": "cores that hold neurons",
    "neurons_per_chip": "neurons",
    "neurons_per_core": "neurons, or compartments",
    "synapses_per_chip": "synapses",
    "synapses_per_core": "synapses",
    "synapse_memory_per_core": "memory for synapses [B]",
    "memory_per_chip": "memory [B]",
    "input_axons_per_core": "axons that arrive at a core",
    "output_axons_per_core": "axons that leave a core",
    "fan_in_per_neuron": "synapses of one neuron",
    "fan_out_per_neuron": "targets of one neuron",
    "weight_bits": "bits of a weight",
    "max_delay": "delay of a synapse [timesteps]",
}
"""What a device holds at most: the words, and what they count."""

PARTS: Mapping[str, str] = {
    "energies": "J",
    "fixed_energy": "J",
    "static_power": "W",
    "powers": "W",
    "times": "s",
    "fixed_time": "s",
    "batch_energy": "J",
    "batch_time": "s",
    "capacity": "",
}
"""The fields of a device that hold quantities, with their SI units."""

PART_WORDS: Mapping[str, str] = {
    "fixed_energy": "fixed energy",
    "static_power": "static power",
    "fixed_time": "fixed time",
    "batch_energy": "energy of a batch",
    "batch_time": "time of a batch",
}
"""How texts call the fields that hold one quantity."""
