"""What NIR has that keeps a state and doesn't spike: integrators, and delays."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import numpy as np
from nengo.base import Process
from nengo.params import EnumParam
from nengo.synapses import Synapse

from .neurons import INTEGRATIONS, approach, values

Step = Callable[[float, np.ndarray], np.ndarray]


class Integration(Process):
    """Puts out a voltage: that of I, LI or CubaLI, by the parameters that it is given.

    ``v' = r * x`` without time constants, ``tau * v' = v_leak - v + r * x`` with one,
    and with two ``tau_syn * i' = w_in * x - i`` gives the current that takes x's place.

    Parameters
    ----------
    parameters : mapping of {str: (n,) ndarray}
        By their names in NIR.
    integration : {"euler", "exponential"}
        How time is discretised.
    """

    integration = EnumParam("integration", values=INTEGRATIONS)
    r = values("r")
    tau, tau_mem = values("tau", optional=True), values("tau_mem", optional=True)
    tau_syn, w_in = values("tau_syn", optional=True), values("w_in", optional=True)
    v_leak = values("v_leak", optional=True)

    def __init__(
        self, parameters: Mapping[str, np.ndarray], integration: str = "euler"
    ):
        super().__init__()
        self.integration = integration
        for name in ("r", "tau", "tau_mem", "tau_syn", "w_in", "v_leak"):
            value = parameters.get(name)
            setattr(self, name, None if value is None else np.asarray(value, float))

    def make_state(
        self, shape_in: Any, shape_out: Any, dt: float, dtype: Any = float
    ) -> dict[str, np.ndarray]:
        rest = 0 if self.v_leak is None else self.v_leak
        voltage = np.array(np.broadcast_to(rest, shape_out), dtype)
        return {"voltage": voltage, "current": np.zeros(shape_out, dtype)}

    def make_step(
        self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Any
    ) -> Step:
        voltage, current = state["voltage"], state["current"]
        tau = self.tau if self.tau_mem is None else self.tau_mem

        def step(t: float, x: np.ndarray) -> np.ndarray:
            if self.tau_syn is not None:
                goal = self.w_in * x
                approach(current, goal, dt, self.tau_syn, self.integration)
                x = current
            if tau is None:
                voltage[...] += dt * self.r * x
            else:
                goal = self.v_leak + self.r * x
                approach(voltage, goal, dt, tau, self.integration)
            return voltage.copy()

        return step


class Delays(Synapse):
    """Each value some timesteps late, one at least.

    Parameters
    ----------
    steps : (n,) ndarray
        Timesteps for each value, whole numbers above 0.
    """

    steps = values("steps")

    def __init__(self, steps: np.ndarray):
        super().__init__(default_size_in=len(steps), default_size_out=len(steps))
        self.steps = np.asarray(steps, dtype=float)

    def make_state(
        self, shape_in: Any, shape_out: Any, dt: float, dtype: Any = float
    ) -> dict[str, np.ndarray]:
        # Nengo gives what a synapse returns one timestep later
        length = int(self.steps.max())
        return {"past": np.zeros((length, *shape_in), dtype), "at": np.zeros(1, int)}

    def make_step(
        self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Any
    ) -> Step:
        past, at = state["past"], state["at"]
        steps, units = self.steps.astype(int) - 1, np.arange(len(self.steps))

        def step(t: float, x: np.ndarray) -> np.ndarray:
            past[at[0]] = x
            delayed = past[(at[0] - steps) % len(past), units]
            at[0] = (at[0] + 1) % len(past)
            return delayed

        return step
