"""Neurons of this package, in NumPy for Nengo and in TensorFlow for NengoDL."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.dists import Choice
from nengo.neurons import RectifiedLinear, SpikingRectifiedLinear
from nengo.params import NumberParam

from .imports import import_nengo_dl, import_tensorflow, locked


class IntegrateAndFire(RectifiedLinear):
    """Rectified linear neurons that lose nothing of what they receive.

    A spike takes its threshold off the voltage instead of setting it to zero, and the
    voltage may fall below zero, so that after any time a neuron has sent as many spikes
    as its whole input so far amounts to, rounded. Through many layers this keeps what a
    network computes; Loihi's neurons, which reset to zero and stop at zero, lose a
    little in each.

    Parameters
    ----------
    amplitude : float
        Output of a spike times the length of a timestep.
    initial_state : mapping, optional
        See `nengo.neurons.NeuronType`; the voltage begins at half a spike.

    References
    ----------
    B. Rueckauer et al., "Conversion of continuous-valued deep networks to efficient
    event-driven networks for image classification", Frontiers in Neuroscience 11 (2017)
    682, doi:10.3389/fnins.2017.00682 (reset by subtraction). T. Bu et al., "Optimized
    potential initialization for low-latency spiking neural networks", AAAI 36 (2022)
    11-20, doi:10.1609/aaai.v36i1.19874 (half the threshold to begin with).
    """

    negative = False
    spiking = True
    state = {"voltage": Choice([0.5])}

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """Take a timestep."""
        voltage += J * dt
        spikes = np.floor(np.maximum(voltage, 0))
        voltage -= spikes
        output[...] = spikes * (self.amplitude / dt)


class LoihiRectifiedLinear(SpikingRectifiedLinear):
    """Loihi's rectified linear neurons whose voltage may fall below zero.

    As NengoLoihi's ``LoihiSpikingRectifiedLinear``, which stop at zero: what lowers the
    voltage is lost there, and what raises it is not, so that spikes of two sides don't
    cancel.

    Parameters
    ----------
    min_voltage : float
        Where the voltage stops, in thresholds. The chip keeps a power of two.
    amplitude : float
        Output of a spike times the length of a timestep.
    initial_state : mapping, optional
        See `nengo.neurons.NeuronType`; the chip begins at zero.
    """

    min_voltage = NumberParam("min_voltage", high=0)
    state = {"voltage": Choice([0])}

    def __init__(self, min_voltage: float = -4.0, amplitude: float = 1, **options: Any):
        super().__init__(amplitude=amplitude, **options)
        self.min_voltage = min_voltage

    def step(
        self, dt: float, J: np.ndarray, output: np.ndarray, voltage: np.ndarray
    ) -> None:
        """Take a timestep."""
        voltage += J * dt
        spikes = voltage > 1
        output[...] = spikes * (self.amplitude / dt)
        np.maximum(voltage, self.min_voltage, out=voltage)
        voltage[spikes] = 0


@locked
def teach_nengo_dl() -> None:
    """Let NengoDL run these neurons in TensorFlow's graph."""
    import_nengo_dl()
    tf = import_tensorflow()
    from nengo_dl.neuron_builders import SimNeuronsBuilder, TFNeuronBuilder

    if IntegrateAndFire in SimNeuronsBuilder.TF_NEURON_IMPL:
        return

    class IntegrateAndFireBuilder(TFNeuronBuilder):
        """Build `IntegrateAndFire` neurons."""

        spiking = True

        def step(self, J: Any, dt: Any, voltage: Any) -> tuple[Any, Any]:
            voltage += J * dt
            spikes = tf.floor(tf.nn.relu(voltage))
            return spikes * self.alpha, voltage - spikes

        def training_step(self, J: Any, dt: Any, **state: Any) -> Any:
            rates = tf.nn.relu(J)
            return rates if self.amplitude is None else rates * self.amplitude

    SimNeuronsBuilder.TF_NEURON_IMPL[IntegrateAndFire] = IntegrateAndFireBuilder
