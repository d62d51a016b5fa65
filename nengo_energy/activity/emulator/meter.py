"""Count what happens on a Loihi emulator, NengoLoihi's own or the compiled one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...compat.emulator import chip_emulator, reset_emulator, watched_emulator


class SpikeMeter:
    """Counts what happens on the emulator from reset on, in numbers for each unit.

    Parameters
    ----------
    sim : nengo_loihi.Simulator
        An open simulator that runs on the emulator.
    """

    def __init__(self, sim: Any):
        chip_emulator(sim)
        self.sim = sim
        self._sent = []
        for spike_input in sim.model.inputs:
            sent = np.zeros(spike_input.n_neurons, dtype=np.int64)
            self._sent.append(sent)
            spike_input.add_spikes = _counting(spike_input.add_spikes, sent)
        self.reset()

    def reset(self) -> None:
        """Go back to the first timestep, and forget what was counted."""
        reset_emulator(self.sim)
        for sent in self._sent:
            sent[:] = 0
        self._held_until = 0
        emulator = chip_emulator(self.sim)
        emulator.compartment.error = _accept
        self._watch = watched_emulator(self.sim).watch()

    @property
    def spikes(self) -> np.ndarray:
        """Spikes of each compartment, (n_compartments,) int64 ndarray."""
        count: np.ndarray = chip_emulator(self.sim).compartment.spike_count
        return count.astype(np.int64)

    @property
    def on_their_way(self) -> np.ndarray:
        """Spikes of the last timestep, which arrive in the next, (n_compartments,)."""
        spiked: np.ndarray = chip_emulator(self.sim).compartment.spiked
        return spiked.astype(np.int64)

    @property
    def sent(self) -> list[np.ndarray]:
        """Spikes of each input that the host sent, or a file held, (n_units,) int64."""
        now = chip_emulator(self.sim).t
        since, self._held_until = self._held_until, now
        for spike_input, sent in zip(self.sim.model.inputs, self._sent):
            held = spike_input.permanent
            new = [t for t in range(since + 1, now + 1) if t in held]
            sent += _spikes(spike_input, new)
        return [sent.copy() for sent in self._sent]

    @property
    def waiting(self) -> list[np.ndarray]:
        """Spikes of these that the chip hasn't taken yet."""
        now = chip_emulator(self.sim).t
        return [
            _spikes(
                spike_input,
                [t for t in spike_input.spikes if t not in spike_input.permanent]
                + [t for t in spike_input.permanent if t == now],
            )
            for spike_input in self.sim.model.inputs
        ]

    @property
    def overflows(self) -> np.ndarray:
        """Times that a number of each compartment exceeded its bits."""
        return self._watch.overflows

    @property
    def repeats(self) -> np.ndarray:
        """Spikes of each compartment that followed one in the timestep before."""
        return self._watch.repeats


def _accept(message: str, *args: Any, **kwargs: Any) -> None:
    """Take an overflow without a word: it is counted."""


def _spikes(spike_input: Any, timesteps: list[int]) -> np.ndarray:
    """Return the spikes of an input in some timesteps, (n_units,) int64 ndarray."""
    count = np.zeros(spike_input.n_neurons, dtype=np.int64)
    for t in timesteps:
        np.add.at(count, np.asarray(spike_input.spikes[t], dtype=int), 1)
    return count


def _counting(add_spikes: Any, sent: np.ndarray) -> Any:
    def add(ti: int, spike_idxs: Any, permanent: bool = False) -> None:
        np.add.at(sent, np.asarray(spike_idxs, dtype=int), 1)
        add_spikes(ti, spike_idxs, permanent)

    return add
