"""A NIR graph as a network: measured, priced and deployed from one object."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Iterable, Mapping

import nengo
import numpy as np

from ...activity.activity import Activity
from ...activity.measuring import measure_run
from ...activity.run import Run
from ...common.assumptions import Assumption, merge_assumptions
from ...common.checks import check_choice, check_numbers
from ...common.exceptions import InputError
from ...compat import emulator
from ...counts import OpCounts, count_ops
from ...loihi.any_network import loihi_network
from ...loihi.network import build_loihi_network
from ...loihi.prepared import LoihiNetwork, Prepared
from ...network.biases import fold_biases
from ...network.objects import said_of_network
from ...network.topology import Topology
from ...network.tracing import trace_topology
from ..network_model import NetworkModel
from .building import Built, Options, build_graph
from .graph import Graph


@dataclass(frozen=True, eq=False, repr=False)
class NIRModel(NetworkModel):
    """A network made from a NIR graph; see `nengo_energy.from_nir`.

    Attributes
    ----------
    graph : Graph
        What was read, with nested graphs taken apart.
    name : str
        What it is called.
    options : Options
        How time is taken.
    assumptions : tuple of Assumption
        What was taken for granted.
    """

    graph: Graph
    name: str
    options: Options
    assumptions: tuple[Assumption, ...] = ()

    def __str__(self) -> str:
        return said_of_network(self.name, self.network)

    @property
    def dt(self) -> float:
        """Length of the timestep that the network is made for [s]."""
        return self.options.dt

    @property
    def network(self) -> nengo.Network:
        """The network, with neurons as NIR has them."""
        return self._exact.network

    @property
    def inputs(self) -> dict[str, nengo.Node]:
        """Input nodes by their names in the graph."""
        return self._exact.inputs

    @property
    def outputs(self) -> dict[str, nengo.Probe]:
        """Output probes by their names in the graph."""
        return self._exact.outputs

    @property
    def layers(self) -> dict[str, Any]:
        """Neurons and nodes whose output a node's is, by its name in the graph."""
        return {name: part.exit for name, part in self._exact.parts.items()}

    @cached_property
    def topology(self) -> Topology:
        """Populations and projections of the network."""
        return trace_topology(self.network, inputs=list(self.inputs.values()))

    def measure(
        self,
        x: Any,
        timesteps: int | None = None,
        *,
        simulator: str = "nengo",
        warmup: int = 0,
        emulator: str | None = None,
        progress: bool | None = None,
    ) -> Activity:
        """Count the spikes of every neuron while the network works on inputs.

        Parameters
        ----------
        x : ndarray, or mapping of ndarray by input
            (n_inferences, timesteps, ...) for inputs that change every timestep, such
            as spikes (a 1 for each), or (n_inferences, ...) for those that stay.
        timesteps : int, optional
            Timesteps per inference: those of the input less the warm-up, or 50 if that
            stays.
        simulator : {"nengo", "compiled", "loihi"}
            ``"compiled"`` computes in single precision; networks with loops run on
            NengoDL in its place. ``"loihi"`` runs the network that `loihi_network`
            makes, and those with loops as NengoLoihi builds them.
        warmup, emulator, progress
            See `nengo_energy.measure_activity`.

        Returns
        -------
        Activity
            Its ``outputs`` hold the mean of each output; 1 is a spike every timestep.
        """
        check_choice("simulator", simulator, ("nengo", "compiled", "loihi"))
        built, topology, said = self._exact, self.topology, self.assumptions
        network = built.network
        if simulator == "loihi":
            built, topology = self._on_chip
            network = built.network
            if not built.loops:
                prepared = self.loihi_network()
                network, topology = prepared.network, prepared.topology
                said += prepared.assumptions
        data = self._data(x, built)
        if timesteps is None:
            lengths = [rows.shape[1] for rows in data.values() if rows.ndim == 3]
            longest = max(lengths, default=1)
            timesteps = longest - warmup if longest > 1 else 50
        run = Run(
            (timesteps,),
            simulator,
            self.dt,
            warmup,
            emulator=emulator,
            progress=progress,
        )
        (activity,) = measure_run(
            network,
            data,
            run,
            topology=topology,
            probes=list(built.outputs.values()),
            simulators=self._simulators,
        )
        merged = merge_assumptions(said, activity.assumptions)
        return replace(activity, assumptions=merged)

    def count(
        self, activity: Activity, *, on_host: Iterable[str] | None = None
    ) -> OpCounts:
        """Count operations; see `nengo_energy.count_ops`.

        Parameters
        ----------
        activity : Activity
            From `measure`, by ``"nengo"`` or ``"compiled"``.
        on_host : iterable of str, optional
            Layers that a host runs, by default what sends spikes of inputs.
        """
        host = self._senders if on_host is None else list(on_host)
        counts = count_ops(self.topology, activity, on_host=host or None)
        return replace(
            counts,
            assumptions=merge_assumptions(self.assumptions, counts.assumptions),
            settings={"model": self.name, **counts.settings},
        )

    def loihi_network(self, *, on_host: Iterable[str] | None = None) -> LoihiNetwork:
        """Prepare the network for the chip, with neurons of Loihi's.

        They have one time constant for a layer, reset to rest, and are quantised, so
        their spikes are close to those of `network` and not the same.

        Parameters
        ----------
        on_host : iterable of str, optional
            Layers that run on the host; by default what sends spikes of inputs.

        Raises
        ------
        UnsupportedError
            If Loihi's neurons can't do what the graph's do.
        """
        built, topology = self._on_chip
        chosen = self._senders if on_host is None else tuple(on_host)
        return build_loihi_network(
            built.network,
            topology,
            list(built.outputs.values()),
            on_host=chosen,
            dt=self.dt,
        )

    def simulator(self, name: str = "nengo", x: Any = None, **options: Any) -> Any:
        """Open a simulator of this network.

        Parameters
        ----------
        name : {"nengo", "loihi"}
            Nengo's, or NengoLoihi's of what `loihi_network` makes.
        x : ndarray or mapping of ndarray by input, optional
            One input, which stays, with or without the axis of examples.
        **options
            Passed on to the simulator.

        Returns
        -------
        nengo.Simulator or nengo_loihi.Simulator
            ``sim.data[model.outputs[name]]`` is an output.
        """
        check_choice("simulator", name, ("nengo", "loihi"))
        if name == "nengo":
            built = self._exact
            sim = nengo.Simulator(built.network, dt=self.dt, **options)
        else:
            built = self._on_chip[0]
            sim = self.loihi_network().simulator(**options)
        if x is not None:
            for node, rows in self._data(x, built).items():
                if rows.shape[0] > 1 or rows.ndim > 2:
                    raise InputError(
                        "one input that stays is shown by simulator(x=...)"
                    )
                emulator.set_input(sim, node, rows[0])
        return sim

    @property
    def _senders(self) -> tuple[str, ...]:
        """Populations that send the spikes of inputs."""
        return tuple(self.inputs) if self.options.inputs == "spikes" else ()

    @cached_property
    def _exact(self) -> Built:
        return self._built(self.options)[0]

    @cached_property
    def _on_chip(self) -> tuple[Built, Topology]:
        return self._built(replace(self.options, on_chip=True))

    def _built(self, options: Options) -> tuple[Built, Topology]:
        built = build_graph(self.graph, options, self.name)
        inputs = list(built.inputs.values())
        topology = trace_topology(built.network, inputs=inputs)
        if not self.graph.of_kind("Delay"):
            # behind a delay, a bias is late too
            fold_biases(built.network, topology)
            topology = trace_topology(built.network, inputs=inputs)
        return built, topology

    def _prepared(self, **placement: Any) -> Prepared:
        built, _ = self._on_chip
        if built.loops and all(value is None for value in placement.values()):
            return loihi_network(built.network, dt=self.dt)
        return super()._prepared(**placement)

    def _chip_input(self, x: Any) -> dict[nengo.Node, np.ndarray]:
        return self._data(x, self._on_chip[0])

    def _data(self, x: Any, built: Built) -> dict[nengo.Node, np.ndarray]:
        """Return inputs by node, (n, size) or (n, timesteps, size)."""
        if not isinstance(x, Mapping):
            if len(built.inputs) != 1:
                names = ", ".join(built.inputs)
                raise InputError(f"give a mapping by input; inputs: {names}")
            x = {name: x for name in built.inputs}
        if set(x) != set(built.inputs):
            raise InputError(
                f"inputs are {', '.join(built.inputs)}; got {', '.join(map(str, x))}"
            )
        rows = {name: _rows(name, v, built.shapes[name]) for name, v in x.items()}
        for name, values in rows.items():
            if self.options.inputs == "spikes" and not np.all(np.isin(values, (0, 1))):
                raise InputError(f"input {name!r} must hold spikes, 0 or 1 each")
        return {built.inputs[name]: values for name, values in rows.items()}


def _rows(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = check_numbers(f"input {name!r}", value)
    n_axes = array.ndim - len(shape)
    if n_axes == 0:
        array, n_axes = array[None], 1
    if n_axes not in (1, 2) or array.shape[n_axes:] != shape:
        sizes = ", ".join(map(str, shape))
        raise InputError(
            f"input {name!r} must have the shape (n, {sizes}), or (n, timesteps, "
            f"{sizes}) to change every timestep; got {array.shape}"
        )
    return array.reshape(*array.shape[:n_axes], math.prod(shape))
