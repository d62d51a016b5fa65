"""Neurons of the chip in place of those that it doesn't have."""

from __future__ import annotations

from typing import Any

from ...compat import import_nengo_loihi

CHIP_NEURON_TYPES = (
    *("LoihiSpikingRectifiedLinear", "LoihiRectifiedLinear", "LoihiLIF", "LIF"),
    "RegularSpiking",
)
"""Neuron types that NengoLoihi puts on the chip as they are."""

EXCHANGED_NEURON_TYPES = ("IntegrateAndFire", "RectifiedLinear", "LIFRate")
"""Neuron types that NengoLoihi doesn't have, and the chip has others like them."""

HOST_NEURON_TYPES = (*CHIP_NEURON_TYPES, "AdaptiveLIF", "Izhikevich")
"""Neuron types whose spikes NengoLoihi passes on to the chip, one a timestep."""

SEVERAL_SPIKES = ("SpikingRectifiedLinear", "IntegrateAndFire")
"""Neuron types that are exchanged because they spike several times in a timestep."""

RATE = "it puts out a rate, and the chip's neurons spike"
SEVERAL = "it spikes several times in a timestep, and the chip's neurons once at most"


def neurons_for_chip(neurons: Any) -> tuple[Any, str] | None:
    """Return the chip's neurons in place of others, and why they are exchanged.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        Others.

    Returns
    -------
    tuple of nengo.neurons.NeuronType and str, or None
        None if the chip has nothing like them.
    """
    name = type(neurons).__name__
    loihi = import_nengo_loihi().neurons
    why = SEVERAL if name in SEVERAL_SPIKES else RATE
    if name in ("RectifiedLinear", *SEVERAL_SPIKES):
        return loihi.LoihiSpikingRectifiedLinear(amplitude=neurons.amplitude), why
    if name == "LIFRate":
        chosen = loihi.LoihiLIF(
            tau_rc=neurons.tau_rc, tau_ref=neurons.tau_ref, amplitude=neurons.amplitude
        )
        return chosen, why
    return None
