"""The operations that are counted, and how often one of them happens in a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

OPERATIONS: Mapping[str, str] = {
    "synop": "one synapse driven by one spike",
    "neuron_update_active": "one neuron advanced one timestep in which it spikes",
    "neuron_update_inactive": "one neuron advanced one timestep in which it is silent",
    "spike": "one spike that a neuron sends to at least one synapse",
    "message": "one spike on its way to one core",
    "hop_east_west": "one message passed to the next tile east or west",
    "hop_north_south": "one message passed to the next tile north or south",
    "learning_update": "one weight, decoder or encoder that a learning rule changes in "
    "one timestep: read, added to, written",
    "learning_read": "one weight or encoder that a rule reads to tell how to change it",
    "learning_state": "one value of a rule's own, such as a neuron's filtered spikes, "
    "advanced one timestep",
    "mac": "one multiply-accumulate of the conventional network, or of the host",
    "activation": "one output of a nonlinearity of the conventional network, or of a "
    "neuron on the host in one timestep",
    "addition": "one addition without a weight: pooling, merging",
    "kernel": "one kernel that a processor starts, once per batch",
    "weight_byte": "one byte of a weight that is read, at 32 bits each: once per "
    "batch, or by each synop",
    "activation_byte": "one byte of a layer's input or output, at 32 bits each",
    "state_byte": "one byte of a neuron's state, read or written, at 32 bits each",
}
"""The operations that are counted, each with its meaning."""

FORMS: Mapping[str, tuple[str, ...]] = {
    "synop": ("dense", "sparse", "convolution"),
    "mac": ("dense", "convolution", "depthwise"),
}
"""What an operation can be further: how the weights of a synop are stored, and what
kind of layer a multiply-accumulate is of."""

BATCH_NORM = "batch_norm"
"""Form of what a batch normalization takes, unless it is folded into other weights."""


@dataclass(frozen=True)
class OpCount:
    """How often one operation happens in one layer.

    Attributes
    ----------
    layer : str
        Layer of the Keras model, or object of the Nengo network.
    operation : str
        A key of ``OPERATIONS``.
    total : int or float
        Count over all inferences: exact, an integer, where it was counted; an expected
        value where it follows from rates.
    n_inferences : int
        Number of inferences that ``total`` covers, at least 1.
    std : float
        Standard deviation of the count over inferences [per inference].
    execution : str
        ``"event"`` for the spiking network, ``"dense"`` for the conventional one.
    where : str
        ``"device"``, or ``"host"`` for work that the host does for the device.
    form : str
        One of ``FORMS`` of the operation, empty where it isn't known.
    """

    layer: str
    operation: str
    total: float
    n_inferences: int
    std: float = 0.0
    execution: str = "event"
    where: str = "device"
    form: str = ""

    @property
    def mean(self) -> float:
        """Mean count per inference."""
        return self.total / self.n_inferences
