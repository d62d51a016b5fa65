"""Spikes of every unit -> what happens on every core."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Sequence

import numpy as np
import scipy.sparse as sp

from ..compat.loihi_image import AxonImage, ChipImage


@dataclass(frozen=True)
class UnitSpikes:
    """Spikes of each unit that can spike: compartments of the chip, and inputs.

    Attributes
    ----------
    emitted : (n_units,) int64 ndarray
        Spikes in the counted timesteps; compartments first, then the inputs in order.
        Float where some are the expected spikes of rate neurons.
    delivered : (n_units,) ndarray
        Those that arrived within them.
    """

    emitted: np.ndarray = field(repr=False)
    delivered: np.ndarray = field(repr=False)


class Traffic:
    """What a spike of each unit does, as matrices.

    Parameters
    ----------
    image : ChipImage
        What NengoLoihi built.
    """

    def __init__(self, image: ChipImage):
        self.image = image
        sizes = [len(block.neurons) for block in image.blocks]
        self.n_cores = len(sizes)
        self.n_compartments = sum(sizes)
        self.block_of = np.repeat(np.arange(self.n_cores), sizes)
        self._starts = np.concatenate([[0], np.cumsum(sizes + list(image.input_sizes))])
        self.weights = self._matrix([axon.weights for axon in image.axons])
        self.zeros = self._matrix([axon.zeros for axon in image.axons])
        self.leads = self._matrix([axon.leads for axon in image.axons])

    @property
    def n_units(self) -> int:
        """Compartments and units of inputs."""
        return int(self._starts[-1])

    def units_of(self, axon: AxonImage) -> slice:
        """Return the units that an axon leaves."""
        k = axon.source + (self.n_cores if axon.from_host else 0)
        return slice(self._starts[k], self._starts[k + 1])

    def input_units(self, k: int) -> slice:
        """Return the units of an input."""
        return slice(self._starts[self.n_cores + k], self._starts[self.n_cores + k + 1])

    @cached_property
    def drives(self) -> np.ndarray:
        """Whether each compartment sends its spikes to any core, (n_compartments,)."""
        return np.diff(self.leads.tocsr().indptr)[: self.n_compartments] > 0

    def by_core(self, per_unit: np.ndarray) -> np.ndarray:
        """Sum a number of each compartment by core, (n_cores,) ndarray."""
        total = _zeros(self.n_cores, per_unit)
        np.add.at(total, self.block_of, per_unit[: self.n_compartments])
        return total

    def into_cores(self, per_axon: np.ndarray) -> np.ndarray:
        """Sum a number of each axon by the core it leads to, (n_cores,) ndarray."""
        total = _zeros(self.n_cores, per_axon)
        np.add.at(total, [axon.target for axon in self.image.axons], per_axon)
        return total

    def between_cores(self, per_axon: np.ndarray) -> np.ndarray:
        """Return numbers of axons by their ends, (n_cores, n_cores) ndarray."""
        total = _zeros((self.n_cores, self.n_cores), per_axon)
        for axon, value in zip(self.image.axons, per_axon):
            if not axon.from_host:
                total[axon.source, axon.target] += value
        return total

    def by_timestep(self, spikes: np.ndarray) -> dict[str, np.ndarray]:
        """Return what each core does in each timestep, for `counts.ChipUse`.

        Synops and arrivals are those of the spikes that are sent in the timestep.

        Parameters
        ----------
        spikes : (timesteps, n_units) int ndarray
            Spikes of each unit.

        Returns
        -------
        dict of {str: (timesteps, n_cores) int32 ndarray}
        """
        axons = self.image.axons
        own = spikes[:, : self.n_compartments]
        read, left = spikes @ self.weights, spikes @ self.leads
        by_core = _incidence(self.block_of, self.n_cores)
        to_core = _incidence([axon.target for axon in axons], self.n_cores)
        inside = [k for k, axon in enumerate(axons) if not axon.from_host]
        from_core = _incidence([axons[k].source for k in inside], self.n_cores)
        active = own @ by_core
        found = {
            "neuron_update_active": active,
            "neuron_update_inactive": by_core.sum(axis=0) - active,
            "spike": (own * self.drives) @ by_core,
            "message": left[:, inside] @ from_core,
            "message_in": left @ to_core,
        }
        for form in {axon.form for axon in axons}:
            (of_form,) = np.nonzero([axon.form == form for axon in axons])
            synops = read[:, of_form] @ to_core[of_form]
            found[f"synop_{form}" if form else "synop"] = synops
        return {name: np.asarray(n, dtype=np.int32) for name, n in found.items()}

    def from_host(self, per_axon: np.ndarray) -> np.ndarray:
        """Sum numbers of axons from the host by core, (n_cores,) ndarray."""
        host = np.array([axon.from_host for axon in self.image.axons], dtype=bool)
        return self.into_cores(np.where(host, per_axon, 0))

    def _matrix(self, columns: Sequence[np.ndarray]) -> sp.csc_matrix:
        """Put a vector over units for each axon into a (n_units, n_axons) matrix."""
        rows, data, ends = [], [], [0]
        for axon, values in zip(self.image.axons, columns):
            (used,) = np.nonzero(values)
            rows.append(used + self.units_of(axon).start)
            data.append(values[used].astype(np.int64))
            ends.append(ends[-1] + len(used))
        shape = (self.n_units, len(self.image.axons))
        if not rows:
            return sp.csc_matrix(shape, dtype=np.int64)
        return sp.csc_matrix(
            (np.concatenate(data), np.concatenate(rows), ends), shape=shape
        )


def _incidence(owners: np.ndarray | Sequence[int], n_cores: int) -> sp.csr_matrix:
    """Return the matrix that sums columns by the core that each belongs to."""
    rows = np.arange(len(owners))
    ones = np.ones(len(owners), np.int64)
    return sp.csr_matrix((ones, (rows, owners)), shape=(len(owners), n_cores))


def _zeros(shape: int | tuple[int, int], like: np.ndarray) -> np.ndarray:
    """Return zeros to add numbers up in: integers, unless these aren't."""
    return np.zeros(shape, np.result_type(like, np.int64))
