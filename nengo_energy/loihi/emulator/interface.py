"""NengoLoihi's emulator with its inner loops compiled.

Importing this module imports NengoLoihi and numba; `nengo_energy.loihi.emulator` does
it when an emulator is opened.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Iterator

import numpy as np
from nengo_loihi.emulator import EmulatorInterface

from ...exceptions import UnsupportedError
from . import kernels
from .program import ChipProgram, build_program
from .recording import Recorder

logger = logging.getLogger(__name__)

MAX_STEPS = 256
"""Most timesteps that are run in one go, so that Ctrl-C is heard."""

NOISE_BYTES = 2**24
"""Most memory for noise that is drawn ahead."""

OVERFLOWS = {
    kernels.INPUT_OVERFLOW: "q0",
    kernels.CURRENT_OVERFLOW: "current",
    kernels.BIASED_OVERFLOW: "u2",
}
"""What NengoLoihi calls the parts of a compartment that overflow."""


class FastEmulator(EmulatorInterface):
    """NengoLoihi's emulator with its inner loops compiled.

    It is NengoLoihi's own in all but how a timestep is computed: compartments, probes,
    host communication and random numbers are what they were, and so are all results.
    What the compiled loops can't do is run by NengoLoihi's; ``reason`` says so.

    Parameters
    ----------
    model : nengo_loihi.builder.Model
        The built model.
    seed : int, optional
        Of the noise.
    program : ChipProgram, optional
        The flattened model, if it is at hand.

    Attributes
    ----------
    program : ChipProgram or None
        The flattened model; None if it couldn't be flattened.
    reason : str
        Why it couldn't; empty if it could.
    sent_count : (n_host_sources,) int32 ndarray
        Spikes of each neuron of the host's that reached the chip.
    """

    def __init__(
        self, model: Any, seed: Any = None, program: ChipProgram | None = None
    ):
        super().__init__(model, seed=seed)
        self.program, self.reason = program, ""
        if program is None:
            start = time.perf_counter()
            try:
                self.program = build_program(
                    self.block_info.slices, self.inputs, self.compartment
                )
            except UnsupportedError as error:
                self.reason = str(error)
                logger.info("NengoLoihi's own emulator is used: %s", self.reason)
                return
            seconds = time.perf_counter() - start
            logger.debug("flattened the network in %.3f s", seconds)
        own = self.compartment
        self.state = kernels.State(
            own.input[0],
            own.current,
            own.voltage,
            own.ref_count,
            own.spiked,
            own.spike_count,
            np.zeros(own.n_compartments + 1, np.int32),
            np.zeros(self.program.n_host_sources, np.int32),
        )
        self.noisy = bool(np.any(own.noise.mult))
        self.recorder = Recorder(self.probes)

    @property
    def sent_count(self) -> np.ndarray:
        """Spikes of each neuron of the host's that reached the chip."""
        return self.state.sent_count

    def restarted(self, model: Any) -> FastEmulator:
        """Return an emulator of the same model at its first timestep."""
        return type(self)(model, self.seed, self.program)

    def close(self) -> None:
        """Free what isn't needed to read probes."""
        super().close()
        self.program = self.state = self.recorder = None

    def run_steps(self, steps: int) -> None:
        """Run some timesteps."""
        if self.program is None:
            super().run_steps(steps)
            return
        for n_steps in self._stretches(steps):
            self._run(n_steps)

    def step(self) -> None:
        """Run a timestep."""
        if self.program is None:
            super().step()
        else:
            self._run(1)

    def _stretches(self, steps: int) -> Iterator[int]:
        """Yield how many timesteps to run in one go."""
        longest = MAX_STEPS
        if self.noisy:
            row = 4 * self.program.n_compartments
            longest = max(1, min(longest, NOISE_BYTES // row))
        if not self.recorder.records_all:
            longest = 1
        while steps > 0:
            yield min(steps, longest)
            steps -= longest

    def _run(self, n_steps: int) -> None:
        """Run timesteps in one go."""
        first_event, events = self._events(n_steps)
        noise = np.zeros((1, 0), np.int32)
        if self.noisy:
            draw = self.compartment.noise.sample
            noise = np.stack([draw(self.rng) for _ in range(n_steps)])
        records = self.recorder.new_records(n_steps)
        overflows = np.zeros(n_steps, np.int32)
        done = kernels.run(
            self.program.routes,
            self.program.compartments,
            self.state,
            first_event,
            events,
            noise,
            self.recorder.plan,
            records,
            overflows,
            self.compartment.strict,
        )
        self.t += done
        if np.any(overflows):
            self._complain(overflows[:done])
        self.recorder.keep(records)
        if not self.recorder.records_all:
            self.probes.update(self.t, self.compartment)

    def _events(self, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Take the host's spikes that arrive in the next timesteps."""
        each: list[np.ndarray] = []
        counts = []
        for t in range(self.t + 1, self.t + n_steps + 1):
            counts.append(0)
            # spikes of the host take a timestep to arrive
            for spike_input in self.inputs if t >= 2 else ():
                spikes = spike_input.spike_idxs(t - 1)
                if len(spikes) > 0:
                    each.append(self._sources(spike_input, spikes))
                    counts[-1] += len(spikes)
        first_event = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        return first_event, np.concatenate([np.zeros(0, np.int32), *each])

    def _sources(self, spike_input: Any, spikes: Any) -> np.ndarray:
        indices = np.asarray(spikes, dtype=np.int64)
        n_neurons = spike_input.n_neurons
        if indices.min() < 0 or indices.max() >= n_neurons:
            raise IndexError(
                f"{spike_input} has {n_neurons} neurons; got spikes of "
                f"{indices.min()} to {indices.max()}"
            )
        first = self.program.sources[spike_input].start - self.program.n_compartments
        return (indices + first).astype(np.int32)

    def _complain(self, overflows: np.ndarray) -> None:
        """Warn of overflows in the order in which they happened, or raise an error."""
        for overflow in overflows:
            for bit, name in OVERFLOWS.items():
                if overflow & bit:
                    self.compartment.error(f"Overflow in {name}")
