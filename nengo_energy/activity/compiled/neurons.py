"""Neurons of a network: compiled where they are known, else by their own ``step``."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Mapping

import nengo
import numpy as np

from ...compat.counting import KINDS
from ...compat.neurons import IntegrateAndFire
from . import neuron_kernels as kernels
from .parts import Part, Spikes, Stretch, Value, dense


@dataclass(frozen=True)
class Current:
    """What flows into neurons: ``bias + gain * drive``.

    Attributes
    ----------
    bias : (n_neurons,) ndarray
        Never changes.
    drive : Part
        Of n_neurons.
    gain : float
        The same for all neurons.
    """

    bias: np.ndarray
    drive: Part
    gain: float = 1.0

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.bias)


def neurons_part(
    neuron_type: Any,
    current: Current,
    state: Mapping[str, np.ndarray],
    dt: float,
    exact: bool = False,
) -> Neurons:
    """Return the part for neurons of a type.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The type.
    current : Current
        What flows into the neurons.
    state : mapping of {str: (n_neurons,) ndarray}
        State before the first timestep.
    dt : float
        Length of a timestep [s].
    exact : bool
        Compute as the type's ``step`` does to the last bit; otherwise exponential
        functions may be rounded differently.
    """
    name = type(neuron_type).__name__
    module = type(neuron_type).__module__
    if module in ("nengo.neurons", "nengo_loihi.neurons", IntegrateAndFire.__module__):
        if name in SINGLE and not (exact and name in EXPONENTIAL):
            return Single(neuron_type, current, state, dt)
        if name in SEVERAL:
            return Several(neuron_type, current, state, dt)
    return Stepped(neuron_type, current, state, dt)


SINGLE = {
    "LoihiSpikingRectifiedLinear": kernels.LOIHI_RELU,
    "LoihiRectifiedLinear": kernels.LOIHI_RELU,
    "LIF": kernels.LIF,
    "LoihiLIF": kernels.LOIHI_LIF,
}
"""Compiled types that spike at most once in a timestep."""

EXPONENTIAL = ("LIF", "LoihiLIF")
"""Those of them that take exponential functions of numba's."""

SEVERAL = {
    "SpikingRectifiedLinear": kernels.RELU,
    "RegularSpiking": kernels.REGULAR,
    "IntegrateAndFire": kernels.INTEGRATE,
}
"""Compiled types that may spike several times in a timestep."""


class Neurons(Part):
    """Neurons of one ensemble; see `neurons_part`.

    Attributes
    ----------
    unit : float
        What a spike puts out.
    """

    keeps_time = False

    def __init__(
        self,
        neuron_type: Any,
        current: Current,
        state: Mapping[str, np.ndarray],
        dt: float,
    ):
        self.dt = dt
        self.sources, self.size, self.state = (current.drive,), current.size, state
        self.current = current
        self.unit = getattr(neuron_type, "amplitude", 1.0) / dt

    @abstractmethod
    def no_counts(self, n_images: int) -> dict[str, np.ndarray]:
        """Return the counts before the first timestep, (n_images, ...) each."""

    @abstractmethod
    def counted(self, counts: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
        """Return what was accumulated; see `nengo_energy.compat.counting.KINDS`."""


class Spiking(Neurons):
    """Neurons whose spikes are listed, and counted, by compiled loops."""

    def no_counts(self, n_images: int) -> dict[str, np.ndarray]:
        count, one = np.zeros((n_images, self.size), np.int32), np.zeros((n_images, 1))
        return {"count": count, "active": one, "peak": one.copy()}

    def _spikes(self, stretch: Stretch, dtype: Any) -> Spikes:
        """Return room for the spikes of a stretch."""
        room, n_rows = stretch.room, stretch.n_images * stretch.n_steps
        n_most = n_rows * self.size
        return Spikes(
            (stretch.n_images, stretch.n_steps, self.size),
            room.array((self, "first"), (n_rows + 1,), np.int64),
            room.array((self, "source"), (n_most + 8,), np.int32),
            room.array((self, "value"), (n_most,), dtype),
        )

    def counted(self, counts: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
        if kind == "active":
            return counts["active"]
        return counts["peak" if kind == "peak" else "count"] * self.unit


class Single(Spiking):
    """Compiled neurons that spike at most once in a timestep."""

    def __init__(self, neuron_type: Any, *args: Any):
        super().__init__(neuron_type, *args)
        self.kernel = SINGLE[type(neuron_type).__name__]
        self.constants = self._constants(neuron_type)

    def run(self, stretch: Stretch) -> Value:
        drive = dense(stretch.values[self.sources[0]])
        state = stretch.states[self]
        voltage = state["voltage"]
        spikes = self._spikes(stretch, drive.dtype)
        spiked = np.zeros(-(-self.size // 8) * 8, np.uint8)
        kernels.run_single(
            self.kernel,
            self.current.bias,
            drive,
            voltage,
            state.get("refractory_time", voltage),
            self.constants.astype(drive.dtype),
            drive.dtype.type(self.unit),
            spiked,
            spikes.first,
            spikes.source,
            spikes.value,
            stretch.counts[self]["count"],
        )
        return spikes

    def _constants(self, kind: Any) -> np.ndarray:
        dt = self.dt
        if not isinstance(kind, nengo.LIF):
            lowest = getattr(kind, "min_voltage", 0.0)
            return np.array([dt, 1.0, 0.0, self.current.gain, lowest])
        tau_rc, tau_ref = kind.tau_rc, kind.tau_ref
        if type(kind).__name__ == "LoihiLIF":
            from nengo_loihi.neurons import discretize_tau_rc, discretize_tau_ref

            tau_rc = discretize_tau_rc(tau_rc, dt)
            tau_ref = discretize_tau_ref(tau_ref, dt)
        rest = [tau_rc, tau_ref, kind.min_voltage, np.expm1(-dt / tau_rc)]
        return np.array([dt, 1.0, 0.0, self.current.gain, *rest])


class Several(Spiking):
    """Compiled neurons that may spike several times in a timestep."""

    def __init__(self, neuron_type: Any, *args: Any):
        super().__init__(neuron_type, *args)
        self.kernel = SEVERAL[type(neuron_type).__name__]

    def run(self, stretch: Stretch) -> Value:
        drive = dense(stretch.values[self.sources[0]])
        state = stretch.states[self]
        counts = stretch.counts[self]
        spikes = self._spikes(stretch, drive.dtype)
        kernels.run_several(
            self.kernel,
            self.current.bias,
            drive,
            state["voltage"],
            np.array([self.dt, 1.0, 0.0, self.current.gain], drive.dtype),
            drive.dtype.type(self.unit),
            stretch.room.array((self, "spikes"), (self.size,), drive.dtype),
            spikes.first,
            spikes.source,
            spikes.value,
            counts["count"],
            counts["active"],
            counts["peak"],
        )
        return spikes


class Stepped(Neurons):
    """Neurons that run by their own ``step``, timestep by timestep."""

    def __init__(self, neuron_type: Any, *args: Any):
        super().__init__(neuron_type, *args)
        self.neuron_type = neuron_type
        self.keeps_time = not self.state

    def no_counts(self, n_images: int) -> dict[str, np.ndarray]:
        return {kind: np.zeros((n_images, self.size)) for kind in KINDS}

    def counted(self, counts: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
        return counts[kind]

    def count(self, stretch: Stretch, output: np.ndarray) -> None:
        """Count what was put out in a stretch of timesteps."""
        counts, size = stretch.counts[self], np.abs(output)
        times = stretch.n_steps if output.shape[1] == 1 else 1
        counts["sum"] += output.sum(axis=1, dtype=float) * times
        counts["magnitude"] += size.sum(axis=1, dtype=float) * times
        # a rate below a spike a timestep stands for a share of the timesteps
        share = np.minimum(size / self.unit, 1.0)
        counts["active"] += share.sum(axis=1, dtype=float) * times
        counts["peak"] = np.maximum(counts["peak"], size.max(axis=1))

    def run(self, stretch: Stretch) -> Value:
        drive = dense(stretch.values[self.sources[0]])
        gain = drive.dtype.type(self.current.gain)
        current = self.current.bias + drive * gain
        n_steps = current.shape[1] if self.keeps_time else stretch.n_steps
        n_images = current.shape[0] if self.keeps_time else stretch.n_images
        shape = (n_images, n_steps, self.size)
        current = np.broadcast_to(current, shape)
        output = stretch.room.array(self, shape, current.dtype)
        states = stretch.states[self]
        for image in range(n_images):
            state = {name: states[name][image] for name in self.state}
            for step in range(n_steps):
                # as in Nengo's simulator, which lets rates of silent neurons pass
                with np.errstate(divide="ignore", over="ignore"):
                    self.neuron_type.step(
                        self.dt,
                        current[image, step].copy(),
                        output[image, step],
                        **state,
                    )
        return output
