"""TensorFlow implementations of NengoLoihi's neurons, for NengoDL's simulator.

Written from the ``step`` methods of the neurons. In inference they do the same
operations in the same order, so in equal precision they spike in the same timesteps.
In training they use the neurons' rate curves; see :func:`aliased`.

Only :func:`nengo_energy.compat.import_nengo_loihi` imports this module, once it has
NengoDL.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import tensorflow as tf
from nengo_dl.neuron_builders import LIFBuilder, SpikingRectifiedLinearBuilder
from nengo_loihi.neurons import (
    LoihiLIF,
    LoihiSpikingRectifiedLinear,
    discretize_tau_rc,
    discretize_tau_ref,
)

from ..common.exceptions import UnsupportedError


def aliased(rate: Any, amplitude: Any | None, dt: Any) -> Any:
    """Return the rate with an interspike interval rounded up to whole timesteps.

    Parameters
    ----------
    rate : tf.Tensor
        Amplitude times the firing rate of neurons that could spike at any time [Hz].
    amplitude : tf.Tensor or None
        Amplitude of the neurons; None is 1.
    dt : tf.Tensor
        Timestep [s].

    Returns
    -------
    tf.Tensor
        ``amplitude / (dt * ceil(interval / dt))``. Rounding has no useful gradient, so
        the gradient is that of ``rate`` (a straight-through estimate).
    """
    one = tf.ones((), rate.dtype)
    top = one if amplitude is None else amplitude
    active = rate > 0
    interval = top / tf.where(active, rate, one)
    stepped = tf.where(active, top / (dt * tf.math.ceil(interval / dt)), 0 * rate)
    return rate + tf.stop_gradient(stepped - rate)


class LoihiSpikingRectifiedLinearBuilder(SpikingRectifiedLinearBuilder):
    """Build a group of ``LoihiSpikingRectifiedLinear`` or `LoihiRectifiedLinear`.

    At most one spike a timestep; a spike drops what the voltage exceeds one by.
    """

    def build_pre(self, signals: Any, config: Any) -> None:
        super().build_pre(signals, config)
        lowest = [
            SimpleNamespace(min_voltage=getattr(op.neurons, "min_voltage", 0.0))
            for op in self.ops
        ]
        sizes = [op.J.shape[0] for op in self.ops]
        self.min_voltage = signals.op_constant(
            lowest, sizes, "min_voltage", signals.dtype
        )

    def step(self, J: Any, dt: Any, voltage: Any) -> tuple[Any, Any]:
        voltage = voltage + J * dt
        spiked = voltage > 1
        output = tf.cast(spiked, J.dtype) * self.alpha
        lowest = tf.maximum(voltage, self.min_voltage)
        return output, tf.where(spiked, tf.zeros_like(voltage), lowest)

    def training_step(self, J: Any, dt: Any, **state: Any) -> Any:
        return aliased(super().training_step(J, dt, **state), self.amplitude, dt)


class LoihiLIFBuilder(LIFBuilder):
    """Build a group of ``LoihiLIF`` neurons.

    Time constants are rounded as on the chip, and the refractory time counts from the
    end of the timestep of the spike.
    """

    def build_pre(self, signals: Any, config: Any) -> None:
        super().build_pre(signals, config)
        for op in self.ops:
            if op.neurons.nengo_dl_noise is not None:
                raise UnsupportedError(
                    f"{op.neurons}: nengo_dl_noise needs the package nengo-extras"
                )
        dt = signals.dt_val
        rounded = [
            SimpleNamespace(
                tau_rc=discretize_tau_rc(op.neurons.tau_rc, dt),
                tau_ref=discretize_tau_ref(op.neurons.tau_ref, dt),
            )
            for op in self.ops
        ]
        sizes = [op.J.shape[0] for op in self.ops]
        self.tau_rc = signals.op_constant(rounded, sizes, "tau_rc", signals.dtype)
        self.tau_ref = signals.op_constant(rounded, sizes, "tau_ref", signals.dtype)

    def step(
        self, J: Any, dt: Any, voltage: Any, refractory_time: Any
    ) -> tuple[Any, Any, Any]:
        refractory_time = refractory_time - dt
        delta_t = tf.clip_by_value(dt - refractory_time, self.zero, dt)
        voltage = voltage - (J - voltage) * tf.math.expm1(-delta_t / self.tau_rc)
        spiked = voltage > 1
        output = tf.cast(spiked, J.dtype) * self.alpha
        voltage = tf.where(
            spiked, tf.zeros_like(voltage), tf.maximum(voltage, self.min_voltage)
        )
        refractory_time = tf.where(spiked, self.tau_ref + dt, refractory_time)
        return output, voltage, refractory_time

    def training_step(self, J: Any, dt: Any, **state: Any) -> Any:
        return aliased(super().training_step(J, dt, **state), self.amplitude, dt)


BUILDERS: dict[type, type] = {
    LoihiLIF: LoihiLIFBuilder,
    LoihiSpikingRectifiedLinear: LoihiSpikingRectifiedLinearBuilder,
}
