"""Many inferences side by side on one placed network, each with its own state."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Sequence

import numpy as np

from . import kernels
from .interface import FastEmulator, complain, draw_noise, longest_stretch
from .kernels import Records
from .program import new_state
from .recording import Recorder


class ChipBatch:
    """Several copies of a chip that run the same network, on all processor cores.

    Each does what the emulator would do that was restarted for it alone, its noise
    included.

    Parameters
    ----------
    emulator : FastEmulator
        An emulator of the network; its own state isn't touched.
    recorder : Recorder
        What to record.
    n_copies : int
        Number of copies.

    Attributes
    ----------
    states : list of State
        One for each copy.
    """

    def __init__(self, emulator: FastEmulator, recorder: Recorder, n_copies: int):
        self.program = emulator.program
        self.compartment = emulator.compartment
        self.recorder = recorder
        self.states = [new_state(self.program) for _ in range(n_copies)]
        self._rng = np.random.RandomState(emulator.seed)

    @property
    def spike_counts(self) -> np.ndarray:
        """Spikes since the first timestep, (n_copies, n_compartments) int32 ndarray."""
        return np.stack([state.spike_count for state in self.states])

    def run(
        self, events: Sequence[tuple[np.ndarray, np.ndarray]], n_steps: int
    ) -> list[Records]:
        """Run timesteps on all copies.

        Parameters
        ----------
        events : sequence of (first_event, events)
            The host's spikes that arrive, for each copy: see `kernels.run`.
        n_steps : int
            Number of timesteps.

        Returns
        -------
        list of Records
            What was recorded, for each copy.
        """
        records = [self.recorder.new_records(n_steps) for _ in self.states]
        overflows = [np.zeros(n_steps, np.int32) for _ in self.states]
        longest = longest_stretch(self.compartment.noise)
        pool = ThreadPoolExecutor(min(_n_cores(), len(self.states)))
        try:
            for begin in range(0, n_steps, longest):
                part = slice(begin, min(begin + longest, n_steps))
                noise = draw_noise(
                    self.compartment.noise, self._rng, part.stop - part.start
                )
                jobs = [
                    pool.submit(
                        kernels.run,
                        self.program.routes,
                        self.program.compartments,
                        state,
                        first[part.start : part.stop + 1],
                        sent,
                        noise,
                        self.recorder.plan,
                        Records(*(values[part] for values in record)),
                        overflow[part],
                        False,
                    )
                    for state, (first, sent), record, overflow in zip(
                        self.states, events, records, overflows
                    )
                ]
                for job in jobs:
                    job.result()
        finally:
            pool.shutdown(cancel_futures=True)  # of use after Ctrl-C
        for overflow in overflows:
            complain(self.compartment, overflow)
        return records


def arriving(
    emulator: FastEmulator,
    spikes: Iterable[tuple[Any, np.ndarray, np.ndarray]],
    n_steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the host sends in the order in which it arrives.

    Parameters
    ----------
    emulator : FastEmulator
        Knows the sources.
    spikes : iterable of (SpikeInput, ndarray, ndarray)
        Where spikes go, the timesteps in which they are sent, ascending and from one
        on, and the neurons.
    n_steps : int
        Timesteps that are run.

    Returns
    -------
    first_event, events
        See `kernels.run`. Spikes arrive in the timestep after the one they are sent in.
    """
    steps, sources = [np.zeros(0, int)], [np.zeros(0, np.int32)]
    for spike_input, at, neurons in spikes:
        n_in_time = np.searchsorted(at, n_steps)
        if n_in_time > 0:
            steps.append(at[:n_in_time])
            sources.append(emulator.host_sources(spike_input, neurons[:n_in_time]))
    step, events = np.concatenate(steps), np.concatenate(sources)
    if len(steps) > 2:
        order = np.argsort(step, kind="stable")
        step, events = step[order], events[order]
    return np.searchsorted(step, np.arange(n_steps + 1)), events


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
