"""What networks made of other frameworks' models share: prices, ledgers."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, Iterable

import nengo
import numpy as np

from .. import devices as registry
from ..activity.activity import Activity
from ..activity.simulators import Simulators
from ..common.exceptions import InputError
from ..common.random_state import kept_random_state
from ..common.shown import Shown
from ..counts import OpCounts
from ..loihi.accounting import ledger_from_activity, ledger_from_run
from ..loihi.ledger import Ledger
from ..loihi.prepared import LoihiNetwork, Prepared
from ..pricing.energy import estimate_energy

if TYPE_CHECKING:
    from ..estimates.estimate import EnergyEstimate


class NetworkModel(Shown, ABC):
    """A network of spiking neurons, made of the model of another framework."""

    @abstractmethod
    def count(
        self, activity: Activity, *, on_host: Iterable[str] | None = None
    ) -> OpCounts:
        """Count the operations of what was measured."""

    @abstractmethod
    def loihi_network(self, *, on_host: Iterable[str] | None = None) -> LoihiNetwork:
        """Prepare the network for the chip."""

    @abstractmethod
    def _chip_input(self, x: Any) -> dict[nengo.Node, np.ndarray]:
        """Return inputs by the nodes of what is prepared for the chip."""

    def _prepared(self, **placement: Any) -> Prepared:
        return self.loihi_network(**placement)

    @cached_property
    def _simulators(self) -> Simulators:
        """Simulators that stay open until the model goes."""
        simulators = Simulators()
        weakref.finalize(self, simulators.close)
        return simulators

    def estimate(
        self,
        activity: Activity,
        devices: Any = None,
        *,
        host: Any = None,
        on_host: Iterable[str] | None = None,
        batch_size: int | None = None,
        memory: bool = False,
    ) -> EnergyEstimate:
        """Price what was measured on devices.

        Parameters
        ----------
        activity : Activity
            From `measure`.
        devices : str, Device or sequence of them, optional
            By default those of ``ne.devices.default_names()`` for which something was
            counted: of a NIR graph, which describes no conventional network, those that
            work by events, and of a model that the host computes, the others.
        host : str or Device, optional
            The device that does the host's work; without one, that work is listed as
            not modelled.
        on_host : iterable of str, optional
            Layers that the host runs; see `count`.
        batch_size : int, optional
            Inferences that run together on devices that tell what a batch takes once.
        memory : bool
            Count the memory traffic of the spiking network beside its synops; see
            `nengo_energy.estimate_energy`.

        Returns
        -------
        EnergyEstimate
            Energy per inference, by device, layer and operation.
        """
        counts = self.count(activity, on_host=on_host)
        if devices is None:
            devices = _default_devices(counts)
        return estimate_energy(
            counts, devices, host=host, batch_size=batch_size, memory=memory
        )

    @kept_random_state()
    def ledger(
        self,
        x: Any,
        timesteps: int | None = None,
        *,
        emulator: str | None = None,
        progress: bool | None = None,
        **placement: Any,
    ) -> Ledger:
        """Account for what the chip does for this network, core by core.

        Parameters
        ----------
        x : ndarray, list or mapping of ndarray, or Activity
            Inputs, which are run on the emulator; or what was measured before: of a
            Keras model by any simulator, of a NIR graph without loops by the emulator.
        timesteps : int, optional
            Timesteps per inference, 50 by default; an activity has its own.
        emulator : {"fast", "nengo-loihi"}, optional
            See `nengo_energy.loihi.open_simulator`; both give the same ledger.
        progress : bool, optional
            Show a progress bar; by default in a terminal, when a run is long.
        **placement
            As of `loihi_network`: ``on_host`` and, of Keras models, ``min_cores`` and
            ``dt``.

        Returns
        -------
        Ledger
            In total and for each core: neuron updates, synops, axons, memory, messages
            and hops.
        """
        if isinstance(x, Activity):
            if timesteps not in (None, x.timesteps):
                raise InputError(
                    f"the activity has {x.timesteps} timesteps; got {timesteps!r}"
                )
            return ledger_from_activity(self.loihi_network(**placement), x)
        return ledger_from_run(
            self._prepared(**placement),
            self._chip_input(x),
            50 if timesteps is None else timesteps,
            emulator=emulator,
            progress=progress,
        )


def _default_devices(counts: OpCounts) -> list[str]:
    """Return the default devices of the kinds that something was counted for."""
    names = registry.default_names()
    return [n for n in names if counts.select(registry.get(n).kind)] or list(names)
