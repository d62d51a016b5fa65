"""NengoLoihi's emulator with its inner loops compiled.

Importing this module imports NengoLoihi and numba; `nengo_energy.activity.emulator`
does it when an emulator is opened.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
from nengo_loihi.emulator import EmulatorInterface

from . import kernels
from .kernels import State
from .program import ChipProgram, build_program, new_state
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


def warm_up(program: ChipProgram) -> None:
    """Run no timestep, so that what has to be compiled is, and say how long it took."""
    start = time.perf_counter()
    recorder, nothing = Recorder({}), np.zeros(0, np.int32)
    kernels.run(
        program.routes,
        program.compartments,
        new_state(program),
        np.zeros(1, np.int64),
        nothing,
        np.zeros((1, 0), np.int32),
        recorder.plan,
        recorder.new_records(0),
        nothing,
        False,
    )
    seconds = time.perf_counter() - start
    if seconds > 0.5:
        logger.info(
            "compiled the emulator's loops in %.1f s; they are kept on disk", seconds
        )


def longest_stretch(noise: Any) -> int:
    """Return how many timesteps may be run in one go.

    Parameters
    ----------
    noise : nengo_loihi.emulator.interface.NoiseState
        Noise of all compartments.
    """
    if not np.any(noise.mult):
        return MAX_STEPS
    return max(1, min(MAX_STEPS, NOISE_BYTES // (4 * noise.n_compartments)))


def draw_noise(noise: Any, rng: np.random.RandomState, n_steps: int) -> np.ndarray:
    """Draw the noise of the next timesteps, as NengoLoihi draws it.

    Returns
    -------
    (n_steps, n_compartments) or (1, 0) int32 ndarray
        Nothing where no compartment has noise: then nobody sees what is drawn.
    """
    if not np.any(noise.mult):
        return np.zeros((1, 0), np.int32)
    return np.stack([noise.sample(rng) for _ in range(n_steps)])


def complain(compartment: Any, overflows: np.ndarray) -> None:
    """Warn of overflows in the order in which they happened, or raise an error.

    Parameters
    ----------
    compartment : nengo_loihi.emulator.interface.CompartmentState
        Knows whether it is an error.
    overflows : (n_steps,) int32 ndarray
        What overflowed in each timestep.
    """
    for overflow in overflows[np.nonzero(overflows)]:
        for bit, name in OVERFLOWS.items():
            if overflow & bit:
                compartment.error(f"Overflow in {name}")


class CompiledWatch:
    """What the compiled emulator counts of each compartment."""

    def __init__(self, state: State):
        self._state = state

    @property
    def overflows(self) -> np.ndarray:
        count: np.ndarray = self._state.overflow_count
        return count.astype(np.int64)

    @property
    def repeats(self) -> np.ndarray:
        count: np.ndarray = self._state.repeat_count
        return count.astype(np.int64)


class FastEmulator(EmulatorInterface):
    """NengoLoihi's emulator with its inner loops compiled.

    It is NengoLoihi's own in all but how a timestep is computed: compartments, probes,
    communication with the host and random numbers are what they were, and so are all
    results.

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
    program : ChipProgram
        The flattened model.
    state : State
        Shares its arrays with ``compartment``.

    Raises
    ------
    UnsupportedError
        If the model does what only NengoLoihi's own emulator can; the message is the
        reason.
    """

    def __init__(
        self, model: Any, seed: int | None = None, program: ChipProgram | None = None
    ):
        super().__init__(model, seed=seed)
        self.program = self._flattened(model) if program is None else program
        own = self.compartment
        self.state = State(
            input=own.input[0],
            current=own.current,
            voltage=own.voltage,
            refractory=own.ref_count,
            spiked=own.spiked,
            spike_count=own.spike_count,
            spikes=np.zeros(own.n_compartments + 9, np.int32),
            sent_count=np.zeros(self.program.n_host_sources, np.int32),
            repeat_count=np.zeros(own.n_compartments, np.int32),
            overflow_count=np.zeros(0, np.int32),
        )
        self.recorder = Recorder(
            {probe: blocks.values() for probe, blocks in self.probes.probes.items()}
        )

    def _flattened(self, model: Any) -> ChipProgram:
        start = time.perf_counter()
        program = build_program(
            self.block_info.slices, self.inputs, self.compartment, model.block_comp_map
        )
        seconds = time.perf_counter() - start
        logger.debug("flattened the network in %.3f s", seconds)
        warm_up(program)
        return program

    def restarted(self, model: Any) -> FastEmulator:
        """Return an emulator of the same model at its first timestep."""
        return type(self)(model, self.seed, self.program)

    def watch(self) -> CompiledWatch:
        """Count overflows and repeats of each compartment from now on."""
        count = np.zeros(self.compartment.n_compartments, np.int32)
        self.state = self.state._replace(overflow_count=count)
        return CompiledWatch(self.state)

    def close(self) -> None:
        """Free what isn't needed to read probes."""
        super().close()
        del self.program, self.state, self.recorder

    def run_steps(self, steps: int) -> None:
        """Run some timesteps."""
        longest = longest_stretch(self.compartment.noise)
        if not self.recorder.complete:
            longest = 1
        while steps > 0:
            self._run(min(steps, longest))
            steps -= longest

    def step(self) -> None:
        """Run a timestep."""
        self._run(1)

    def _run(self, n_steps: int) -> None:
        """Run timesteps in one go."""
        first_event, events = self._events(n_steps)
        records = self.recorder.new_records(n_steps)
        overflows = np.zeros(n_steps, np.int32)
        done = kernels.run(
            self.program.routes,
            self.program.compartments,
            self.state,
            first_event,
            events,
            draw_noise(self.compartment.noise, self.rng, n_steps),
            self.recorder.plan,
            records,
            overflows,
            self.compartment.strict,
        )
        self.t += done
        complain(self.compartment, overflows[:done])
        for probe, k, values in self.recorder.split(records):
            self.probes.outputs[probe][k].extend(values)
        if not self.recorder.complete:
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
                    each.append(self.host_sources(spike_input, spikes))
                    counts[-1] += len(spikes)
        first_event = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        return first_event, np.concatenate([np.zeros(0, np.int32), *each])

    def host_sources(self, spike_input: Any, spikes: Any) -> np.ndarray:
        """Return neurons of a spike input as sources of the program, counted from the
        first one of the host's."""
        indices = np.asarray(spikes, dtype=np.int64)
        n_neurons = spike_input.n_neurons
        if indices.min() < 0 or indices.max() >= n_neurons:
            raise IndexError(
                f"{spike_input.label} has {n_neurons} neurons; got spikes of "
                f"{indices.min()} to {indices.max()}"
            )
        first = self.program.sources[spike_input].start - self.program.n_compartments
        return (indices + first).astype(np.int32)
