"""A network that is ready for the chip, and what was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol

import nengo

from ..activity.emulator import open_simulator
from ..activity.emulator.delays import pipeline_assumption
from ..activity.on_loihi.changes import Change
from ..common.assumptions import Assumption
from ..common.available_memory import check_memory
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..common.shown import Shown
from ..compat.emulator import allocator
from ..network.topology import Topology
from .blocks import BlockPlan
from .checks import Check
from .chip import CORES_PER_CHIP
from .layers import LayerNames, traced_names

BYTES_A_BIT = 4
"""Memory that NengoLoihi and the emulator take at least for each bit of a chip's
synapse memory [bytes]; 6 (shared weights) to 42 (one synapse an axon) were measured."""


class Prepared(Protocol):
    """A network that is ready for the chip, whatever it was prepared from."""

    @property
    def network(self) -> nengo.Network:
        """The network."""

    @property
    def names(self) -> LayerNames:
        """What its parts are called."""

    @property
    def on_host(self) -> frozenset[str]:
        """Layers that run on the host."""

    @property
    def dt(self) -> float:
        """Length of a timestep [s]."""

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What counts of its spikes on the chip take for granted."""

    def simulator(self, *, emulator: str | None = None, **options: Any) -> Any:
        """Open a simulator of the network."""


@dataclass(frozen=True, eq=False, repr=False)
class LoihiNetwork(Shown):
    """A network that NengoLoihi builds as it is.

    Attributes
    ----------
    network : nengo.Network
        The network, with NengoLoihi's settings of placement and block shapes.
    topology : Topology
        What was traced, with the neurons that the network has.
    changes : tuple of Change
        What was changed, and why.
    plans : Mapping of {str: BlockPlan}
        How the layers on the chip are split over cores.
    on_host : frozenset of str
        Layers that run on the host.
    dt : float
        Length of a timestep [s].
    checks : tuple of Check
        Layers whose weights or firing rates are worth a look.
    """

    network: nengo.Network = field(repr=False)
    topology: Topology = field(repr=False)
    changes: tuple[Change, ...]
    plans: Mapping[str, BlockPlan] = field(repr=False)
    on_host: frozenset[str]
    dt: float = DT
    checks: tuple[Check, ...] = ()

    @property
    def names(self) -> LayerNames:
        """What its parts are called in a ledger."""
        return traced_names(self.network, self.topology)

    @property
    def n_cores(self) -> int:
        """Cores that the network takes."""
        return sum(plan.n_cores for plan in self.plans.values())

    @property
    def n_chips(self) -> int:
        """Chips that the network takes, each filled before the next."""
        return -(-self.n_cores // CORES_PER_CHIP)

    @property
    def fits(self) -> bool:
        """Whether one chip has enough cores."""
        return self.n_chips <= 1

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What counts of the network's spikes on the chip take for granted."""
        return pipeline_assumption(self.topology, self.on_host, self.dt)

    @property
    def block_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of the blocks of each layer on the chip."""
        return {name: plan.partition.block for name, plan in self.plans.items()}

    def simulator(self, *, emulator: str | None = None, **options: Any) -> Any:
        """Open a nengo_loihi.Simulator of the network.

        Parameters
        ----------
        emulator : {"fast", "nengo-loihi"}, optional
            See `nengo_energy.loihi.open_simulator`.
        **options
            Passed on to the simulator. On hardware, a network that needs several chips
            gets them, allocated so that few spikes pass between chips, unless
            ``hardware_options`` says otherwise.

        Raises
        ------
        InputError
            If ``dt`` is another than the network was prepared for, or there is too
            little memory.
        """
        fix_dt(options, self.dt)
        n_bits = sum(int(plan.synapse_bits.sum()) for plan in self.plans.values())
        check_memory(
            f"building {n_bits / 8:,.0f} bytes of synapses on {self.n_cores:,} cores",
            BYTES_A_BIT * n_bits,
            "deploy a smaller model, or a part of it",
        )
        if self.n_chips > 1:
            chosen = {"n_chips": self.n_chips, "allocator": allocator(self.n_chips)}
            options["hardware_options"] = {
                **chosen,
                **(options.get("hardware_options") or {}),
            }
        return open_simulator(self.network, emulator=emulator, **options)

    def _headline(self) -> str:
        from .network_report import verdict

        return verdict(self)

    def __str__(self) -> str:
        from .network_report import format_network

        return format_network(self)


def fix_dt(options: dict[str, Any], dt: float) -> None:
    """Let a simulator have the timestep that its network was prepared for.

    Raises
    ------
    InputError
        If its options say another.
    """
    given = [options.get("dt", dt)]
    if options.get("model") is not None:
        given.append(options["model"].dt)
    for other in given:
        if other != dt:
            raise InputError(
                f"dt is {other!r} s, but the network was prepared for {dt!r} s; "
                f"prepare another by loihi_network(dt={other!r})"
            )
    options["dt"] = dt
