"""Any Nengo network on the chip: prepared, built and accounted for by NengoLoihi."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nengo

from ..activity.emulator import open_prepared
from ..activity.on_loihi.changes import Change
from ..activity.on_loihi.preparing import LoihiForm, prepare_network
from ..common.assumptions import Assumption
from ..common.checks import check_positive
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..common.shown import Shown
from ..common.tables import format_bullets, format_table
from ..network.objects import is_decoded, once, said_of_network
from .accounting import ledger_from_run
from .layers import LayerNames, labelled_names
from .ledger import Ledger
from .network_report import changes_in_words
from .prepared import fix_dt

AS_BUILT = Assumption(
    "decoded-as-built",
    "Decoded connections are counted as NengoLoihi builds them: spikes drive decode "
    "neurons, several for each dimension, and their spikes drive encoders; the host "
    "encodes values of nodes by two neurons for each dimension.",
)


@dataclass(frozen=True, eq=False, repr=False)
class PreparedNetwork(Shown):
    """Any Nengo network in the form that NengoLoihi builds.

    Attributes
    ----------
    form : LoihiForm
        The network in that form, and the one that it was made of.
    dt : float
        Length of a timestep [s].
    """

    form: LoihiForm
    dt: float = DT

    @property
    def network(self) -> nengo.Network:
        """The network that NengoLoihi builds."""
        return self.form.network

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed of the network that was asked for, and why.

        Parts that don't fit on a core are split when the network is built, for a
        simulator or a ledger.
        """
        return self.form.changes + self.form.splits

    @cached_property
    def names(self) -> LayerNames:
        """What its parts are called in a ledger."""
        return labelled_names(self.network)

    @cached_property
    def on_host(self) -> frozenset[str]:
        """Names of the ensembles that run on the host."""
        names = self.names.populations
        ensembles = self.network.all_ensembles
        return frozenset(names[e] for e in ensembles if e in self.form.on_host)

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What counts of the network's spikes on the chip take for granted."""
        decoded = any(map(is_decoded, self.network.all_connections))
        return (AS_BUILT,) if decoded else ()

    def simulator(self, *, emulator: str | None = None, **options: Any) -> Any:
        """Open a nengo_loihi.Simulator of the network.

        Parameters
        ----------
        emulator : {"fast", "nengo-loihi"}, optional
            See `nengo_energy.loihi.open_simulator`.
        **options
            Passed on to the simulator.

        Raises
        ------
        InputError
            If ``dt`` is another than the network was prepared for.
        """
        fix_dt(options, self.dt)
        return open_prepared(self.form, emulator=emulator, **options)

    def ledger(
        self,
        inputs: Any = None,
        timesteps: int = 50,
        *,
        emulator: str | None = None,
        progress: bool | None = None,
    ) -> Ledger:
        """Account for what the chip does for the network, core by core.

        It is built by NengoLoihi and run on the emulator, so what is counted is what
        NengoLoihi runs: decoded connections as its decode neurons and encoders,
        ensembles on the host as the host's, spikes of files as they are.

        Parameters
        ----------
        inputs : mapping of {nengo.Node: ndarray} or ndarray, optional
            See `nengo_energy.measure_activity`.
        timesteps : int
            Timesteps per inference.
        emulator : {"fast", "nengo-loihi"}, optional
            See `nengo_energy.loihi.open_simulator`; both give the same ledger.
        progress : bool, optional
            Show a progress bar; by default in a terminal, when a run is long.

        Returns
        -------
        Ledger
            In total and for each core: neuron updates, synops, axons, memory, messages
            and hops. Its ``estimate`` prices them.
        """
        return ledger_from_run(
            self, inputs, timesteps, emulator=emulator, progress=progress
        )

    def _headline(self) -> str:
        return said_of_network("on Loihi", self.network)

    def __str__(self) -> str:
        names = self.names.populations
        body = [
            [names[ens], str(ens.n_neurons), type(ens.neuron_type).__name__, place]
            for place, chosen in (("chip", False), ("host", True))
            for ens in once(self.network.all_ensembles)
            if (names[ens] in self.on_host) == chosen
        ]
        header = [["ensemble", "neurons", "type", "place"]]
        parts = [format_table(header, body)]
        if self.changes:
            words = changes_in_words(self.changes)
            parts.append(format_bullets("Changed for the chip", words))
        return "\n\n".join(parts)


def loihi_network(
    network: nengo.Network, *, dt: float = DT, remove_passthrough: bool = True
) -> PreparedNetwork:
    """Prepare any Nengo network for the chip, with nothing left to edit.

    Parameters
    ----------
    network : nengo.Network
        The network; it isn't changed. `SpikingModel.loihi_network` prepares converted
        models, and searches for the blocks that take the fewest cores.
    dt : float
        Length of a timestep [s].
    remove_passthrough : bool
        Whether passthrough nodes that lead from the chip to the chip are merged into
        the connections through them.

    Returns
    -------
    PreparedNetwork
        Prints what is where, and what was changed and why.

    Raises
    ------
    UnsupportedError
        If the chip and the host can't do what an object does, or no neurons are left
        for the chip; the message names it, and what helps.

    Examples
    --------
    >>> with nengo.Network() as net:
    ...     stimulus = nengo.Node([0.5], label="stimulus")
    ...     state = nengo.Ensemble(50, 2, label="state")
    ...     _ = nengo.Connection(stimulus, state[1])
    >>> prepared = loihi_network(net)
    >>> print(prepared.ledger(timesteps=100).synops)
    >>> print(prepared)
    """
    if not isinstance(network, nengo.Network):
        raise InputError(
            f"network must be a nengo.Network; got {type(network).__name__}"
        )
    form = prepare_network(network, remove_passthrough=remove_passthrough)
    return PreparedNetwork(form, check_positive("dt", dt, "s"))
