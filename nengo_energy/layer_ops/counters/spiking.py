"""KerasSpiking's layers."""

from __future__ import annotations

from ..calls import LayerCall
from .registry import Operations, counts


@counts("SpikingActivation")
def count_spiking_activation(call: LayerCall) -> Operations:
    """Activations, of spiking neurons: inputs in one timestep."""
    return Operations(activations=call.input_size, spiking=True)


@counts("Lowpass")
def count_lowpass(call: LayerCall) -> Operations:
    """``y = a y + b x``. Connections: 2 per output."""
    return Operations(connections=2 * call.output_size)


@counts("Alpha")
def count_alpha(call: LayerCall) -> Operations:
    """Two equal low-pass filters in series. Connections: 4 per output."""
    return Operations(connections=4 * call.output_size)
