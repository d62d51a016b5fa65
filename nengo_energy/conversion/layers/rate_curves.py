"""Spiking neurons whose rate follows any activation function."""

from __future__ import annotations

from typing import Any, Callable

import nengo
import numpy as np
import scipy.special
from nengo.dists import Choice
from nengo.neurons import NeuronType
from nengo.params import NumberParam, Parameter, StringParam

from .curves import FINE

Function = Callable[[np.ndarray], np.ndarray]


def _silu(x: np.ndarray) -> np.ndarray:
    return x * scipy.special.expit(x)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: np.ndarray) -> np.ndarray:
    return 1.05070098735548 * np.where(x > 0, x, 1.67326324235437 * _elu(x))


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * scipy.special.ndtr(x)


def _gelu_by_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _hard_silu(x: np.ndarray) -> np.ndarray:
    return x * np.clip(x / 6 + 0.5, 0, 1)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


def _mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(_softplus(x))


def _softsign(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.abs(x))


KNOWN: tuple[Function, ...] = (
    scipy.special.expit,
    np.tanh,
    _silu,
    _elu,
    _selu,
    _gelu,
    _gelu_by_tanh,
    _hard_silu,
    _softplus,
    _mish,
    _softsign,
    np.exp,
)
"""Functions that need no TensorFlow; which an activation is, its values tell."""


class CurveRate(NeuronType):
    """Neurons whose rate is a function of their input.

    Parameters
    ----------
    function : callable
        Takes and returns (n,) ndarrays.
    name : str
        What the function is called.
    scale : float
        Rate at a value of 1 [Hz].
    """

    negative = True
    spiking = False

    function = Parameter("function")
    name = StringParam("name")
    scale = NumberParam("scale", low=0, low_open=True)
    amplitude = NumberParam("amplitude", low=0, low_open=True)

    def __init__(
        self, function: Function, name: str, scale: float = 1.0, amplitude: float = 1.0
    ):
        super().__init__()
        self.function = function
        self.name = name
        self.scale = scale
        self.amplitude = amplitude

    def gain_bias(self, max_rates: Any, intercepts: Any) -> Any:
        """Return gain 1 and bias 0: the curve is the function's own."""
        return np.ones_like(max_rates), np.zeros_like(intercepts)

    def max_rates_intercepts(self, gain: Any, bias: Any) -> Any:
        """Return the rates at an input of 1, and where the input is zero."""
        rates = self.rates(np.ones((1, len(gain))), gain, bias)[0]
        return rates, -np.asarray(bias) / np.asarray(gain)

    def step(self, dt: float, J: np.ndarray, output: np.ndarray) -> None:
        """Set the output to the rates."""
        output[...] = self.amplitude * self.scale * self.function(J)


def rate_curve(function: Function, name: str, scale: float | None) -> NeuronType:
    """Return spiking neurons whose decoded output is a function of their input.

    They spike regularly. Where the function is negative, so are their spikes.

    Parameters
    ----------
    function : callable
        Takes and returns (n,) ndarrays.
    name : str
        What it is called.
    scale : float, optional
        Rate at a value of 1 [Hz]; the spikes are the smaller.
    """
    scale = 1.0 if scale is None else scale
    with np.errstate(over="ignore"):
        wanted = function(FINE)
        same = [f for f in KNOWN if np.allclose(f(FINE), wanted, rtol=1e-5, atol=1e-6)]
    base = CurveRate(same[0] if same else function, name, scale)
    # half a spike to begin with: counts are rounded, not cut off
    return nengo.RegularSpiking(
        base, amplitude=1 / scale, initial_state={"voltage": Choice([0.5])}
    )
