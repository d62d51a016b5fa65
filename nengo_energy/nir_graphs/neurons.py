"""Neurons of NIR for Nengo: parameters for each neuron, resets to any voltage.

NIR gives neurons by differential equations; time is discretised here by the forward
Euler method, or by the exact solution for input that is constant in a timestep. In a
timestep the current comes first, then the voltage, then spike and reset.

References
----------
J. E. Pedersen et al., "Neuromorphic intermediate representation: A unified instruction
set for interoperable brain-inspired computing", Nature Communications 15 (2024) 8122,
doi:10.1038/s41467-024-52259-9, table 1.
"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
from nengo.dists import Choice
from nengo.neurons import NeuronType
from nengo.params import EnumParam, NdarrayParam, NumberParam

from ..common.exceptions import UnsupportedError

INTEGRATIONS = ("euler", "exponential")
"""How differential equations are discretised."""

RESETS = ("value", "subtraction")
"""What a spike does: the voltage becomes v_reset, or loses the threshold."""


def values(name: str, optional: bool = False) -> NdarrayParam:
    """Return a parameter that has a value for each neuron."""
    return NdarrayParam(name, shape=("*",), optional=optional)


def approach(
    state: np.ndarray, goal: np.ndarray, dt: float, tau: np.ndarray, integration: str
) -> None:
    """Take a timestep of ``tau * state' = goal - state``, in place."""
    share = dt / tau if integration == "euler" else -np.expm1(-dt / tau)
    state += share * (goal - state)


class _Untuned(NeuronType):
    """Neurons that are reached by their inputs, and have no tuning curves."""

    negative = False
    spiking = True

    amplitude = NumberParam("amplitude", low=0, low_open=True)

    def max_rates_intercepts(self, gain: Any, bias: Any) -> tuple[Any, Any]:
        """Return NaN for each neuron: rates of a constant input aren't worked out."""
        unknown = np.full(np.shape(gain), np.nan)
        return unknown, unknown

    def rates(self, x: Any, gain: Any, bias: Any) -> np.ndarray:
        """Refuse to give rates, which decoders would be made of."""
        raise UnsupportedError(
            f"{type(self).__name__} have no tuning curves, so nothing can be decoded "
            "from them; connect their ensemble's .neurons"
        )


class NIRNeurons(_Untuned):
    """Neurons that spike once in a timestep at most, when they exceed a threshold.

    Parameters
    ----------
    parameters : mapping of {str: (n_neurons,) ndarray}
        Those of the class, by their names in NIR.
    amplitude : float
        Output of a spike times the length of a timestep.
    reset : {"value", "subtraction"}
        Whether a spike sets the voltage to ``v_reset``, or takes as much off as lies
        between it and the threshold.
    integration : {"euler", "exponential"}
        How time is discretised.
    """

    state: dict[str, Any] = {"voltage": Choice([0.0])}

    reset = EnumParam("reset", values=RESETS)
    integration = EnumParam("integration", values=INTEGRATIONS)
    v_threshold = values("v_threshold")
    v_reset = values("v_reset")

    def __init__(
        self,
        parameters: Mapping[str, np.ndarray],
        amplitude: float = 1.0,
        reset: str = "value",
        integration: str = "euler",
    ):
        rest = parameters.get("v_leak")
        super().__init__(None if rest is None else {"voltage": np.array(rest)})
        self.amplitude, self.reset = amplitude, reset
        self.integration = integration
        for name, value in parameters.items():
            setattr(self, name, np.asarray(value, dtype=float))

    def integrate(self, dt: float, J: np.ndarray, voltage: np.ndarray) -> None:
        """Advance the voltage by a timestep, as if there were no threshold."""
        raise NotImplementedError

    def step(
        self,
        dt: float,
        J: np.ndarray,
        output: np.ndarray,
        voltage: np.ndarray,
        **state: np.ndarray,
    ) -> None:
        """Take a timestep."""
        self.integrate(dt, J, voltage, **state)
        spiked = voltage > self.v_threshold
        if self.reset == "value":
            voltage[spiked] = self.v_reset[spiked]
        else:
            voltage -= spiked * (self.v_threshold - self.v_reset)
        output[...] = spiked * (self.amplitude / dt)


class IFNeurons(NIRNeurons):
    """Integrate and fire: ``v' = r * J``."""

    r = values("r")

    def integrate(self, dt: float, J: np.ndarray, voltage: np.ndarray) -> None:
        voltage += dt * self.r * J


class LIFNeurons(NIRNeurons):
    """Leaky integrate and fire: ``tau * v' = v_leak - v + r * J``."""

    tau, r, v_leak = values("tau"), values("r"), values("v_leak")

    def integrate(self, dt: float, J: np.ndarray, voltage: np.ndarray) -> None:
        goal = self.v_leak + self.r * J
        approach(voltage, goal, dt, self.tau, self.integration)


class CubaLIFNeurons(NIRNeurons):
    """Leaky integrate and fire with a synaptic current.

    ``tau_syn * i' = w_in * J - i`` and ``tau_mem * v' = v_leak - v + r * i``.
    """

    state = {"voltage": Choice([0.0]), "current": Choice([0.0])}

    tau_syn, tau_mem = values("tau_syn"), values("tau_mem")
    r, v_leak, w_in = values("r"), values("v_leak"), values("w_in")

    def integrate(  # type: ignore[override]
        self, dt: float, J: np.ndarray, voltage: np.ndarray, current: np.ndarray
    ) -> None:
        approach(current, self.w_in * J, dt, self.tau_syn, self.integration)
        goal = self.v_leak + self.r * current
        approach(voltage, goal, dt, self.tau_mem, self.integration)


class ThresholdNeurons(_Untuned):
    """A spike in each timestep in which the input exceeds a threshold.

    Parameters
    ----------
    threshold : (n_neurons,) ndarray
        Of each neuron.
    amplitude : float
        Output of a spike times the length of a timestep.
    """

    threshold = values("threshold")

    def __init__(self, threshold: np.ndarray, amplitude: float = 1.0):
        super().__init__()
        self.threshold, self.amplitude = threshold, amplitude

    def step(self, dt: float, J: np.ndarray, output: np.ndarray) -> None:
        """Take a timestep."""
        output[...] = (J > self.threshold) * (self.amplitude / dt)
