"""A converted Keras model: its network, by the model's layers, inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Iterable, Mapping

import nengo
import numpy as np

from ..activity.rates import wanted_rates
from ..common.assumptions import Assumption
from ..common.decisions import Decision
from ..common.defaults import DT
from ..common.exceptions import InputError, UnsupportedError
from ..common.random_state import kept_random_state
from ..common.tables import format_setting
from ..compat import emulator
from ..keras_models.decisions import output_decisions
from ..layer_ops.counting import count_layer_ops
from ..layer_ops.layer_ops import LayerOps
from ..loihi.checks import check_rates
from ..loihi.prepared import LoihiNetwork
from ..network.objects import said_of_network
from ..network.topology import Topology
from ..network.tracing import trace_topology
from .datasets import as_arrays
from .inputs import as_input
from .keras_map import KerasMap, layer_of_label
from .layers.building import Final
from .network_model import NetworkModel
from .preparation import LoihiPreparation, changes_in_conversion

if TYPE_CHECKING:
    from ..keras_models.clone import KerasClone


@dataclass(frozen=True, eq=False, repr=False)
class KerasNetwork(NetworkModel):
    """The network that a Keras model became; see `SpikingModel` for its attributes."""

    model: Any
    net: nengo.Network
    clone: KerasClone
    probes: Mapping[Any, nengo.Probe]
    nodes: Mapping[Any, nengo.Node]
    parts: Mapping[Any, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    folded: tuple[str, ...] = ()
    finals: Mapping[nengo.Probe, Final] = field(default_factory=dict)
    host_layers: tuple[str, ...] = ()
    corrected: Mapping[nengo.Ensemble, float] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [said_of_network(self.clone.model.name, self.net)]
        words += [f"{n} {format_setting(v)}" for n, v in self.options.items() if v]
        return ", ".join(words)

    def __reduce__(self) -> Any:
        raise UnsupportedError(
            f"the converted model {self.clone.model.name!r} can't be copied or "
            "pickled, as Keras makes other tensors of a copy; convert the model again, "
            "which model.save takes to another process"
        )

    @property
    def inputs(self) -> KerasMap:
        """Input nodes by the model's inputs: tensor, layer or name."""
        return KerasMap(self.clone, self.nodes)

    @property
    def outputs(self) -> KerasMap:
        """Output probes by the model's outputs: tensor, layer or name."""
        return KerasMap(self.clone, self.probes)

    @property
    def layers(self) -> KerasMap:
        """Neurons or nodes by the model's layers: tensor, layer or name."""
        return KerasMap(self.clone, self.parts)

    @cached_property
    def topology(self) -> Topology:
        """Populations and projections of the network."""
        # the converter names what TimeDistributed wraps by the layer inside
        wrappers = {
            layer.layer.name: layer.name
            for layer in self.clone.model.layers
            if type(layer).__name__ == "TimeDistributed"
        }

        def layer_name(label: str) -> str:
            layer = layer_of_label(label)
            return wrappers.get(layer, layer)

        return trace_topology(self.net, inputs=self.input_nodes, layer_name=layer_name)

    @cached_property
    def layer_ops(self) -> LayerOps:
        """Operations of the conventional network, layer by layer.

        Those of a temporal model are of one timestep, unless a recurrent layer runs
        along an axis of known length; `count` has those of all timesteps.
        """
        return count_layer_ops(self.clone.model)

    @property
    def input_nodes(self) -> list[nengo.Node]:
        """Input nodes in the order of the model's inputs."""
        return [self.nodes[tensor] for tensor in self.clone.model.inputs]

    @property
    def output_probes(self) -> list[nengo.Probe]:
        """Output probes in the order of the model's outputs."""
        return [self.probes[tensor] for tensor in self.clone.model.outputs]

    @cached_property
    def decisions(self) -> Mapping[nengo.Probe, Decision]:
        """How each output is read as decisions, by its probe."""
        found = output_decisions(self.model, self.clone.model, self.is_temporal)
        return {
            probe: (
                decision if decision.fits(probe.size_in) else Decision((probe.size_in,))
            )
            for probe, decision in zip(self.output_probes, found)
        }

    @property
    def is_temporal(self) -> bool:
        """Whether a timestep of the network is one along the model's time axis."""
        return bool(self.options.get("temporal_model"))

    def final(self, probe: nengo.Probe, values: np.ndarray) -> np.ndarray:
        """Return the model's output of decoded values.

        Parameters
        ----------
        probe : nengo.Probe
            One of ``outputs``.
        values : (n, size) ndarray
            What it read, or means of that.

        Returns
        -------
        (n, size) ndarray
            The values with the output's activation, such as softmax, applied; without
            one, the values themselves.
        """
        final = self.finals.get(probe)
        return values if final is None else final.function(values)

    def as_input(self, x: Any, single: bool = False) -> dict[nengo.Node, np.ndarray]:
        """Return inputs by node, (n, size) or (n, timesteps, size).

        Parameters
        ----------
        x : ndarray, or list or mapping of ndarray
            Inputs as the Keras model takes them; see `measure`.
        single : bool
            Take one input without the axis of examples as well.

        Raises
        ------
        InputError
            If they don't fit the model's inputs.
        """
        x, _ = self._arrays(x)
        return as_input(self.clone, self.nodes, x, self.is_temporal, single)

    def _arrays(self, x: Any, labels: Any = None) -> tuple[Any, Any]:
        """Return inputs and labels as arrays, read where they are a dataset."""
        return as_arrays(x, self.clone.model, labels)

    def _chip_input(self, x: Any) -> dict[nengo.Node, np.ndarray]:
        return self.as_input(x)

    @kept_random_state()
    def wanted_rates(self, x: Any) -> dict[str, np.ndarray]:
        """Return the rate at which each neuron would have to fire, without a limit.

        Parameters
        ----------
        x : ndarray, or list or mapping of ndarray
            Inputs as the Keras model takes them; 256 of them are looked at.

        Returns
        -------
        dict of {str: (n_examples, n_neurons) ndarray}
            Rates by population [Hz], from a network of rate neurons.
        """
        rates = wanted_rates(self.net, self.as_input(x), self.corrected)
        return {p.name: rates[p.ensemble] for p in self.topology.populations}

    @kept_random_state()
    def loihi_network(
        self,
        *,
        on_host: Iterable[str] | None = None,
        presented: Mapping[Any, nengo.Process] | None = None,
        dt: float = DT,
        min_cores: Mapping[str, int] | None = None,
        example_data: Any = None,
    ) -> LoihiNetwork:
        """Prepare the network for the chip, with nothing left to edit.

        Parameters
        ----------
        on_host : iterable of str, optional
            Layers that run on the host: by default those that the input feeds, which
            encode it as spikes. An empty list puts all on the chip.
        presented : mapping of input to nengo.Process, optional
            Inputs that a process puts out, such as ``nengo.processes.PresentInput``.
        dt : float
            Length of a timestep [s].
        min_cores : mapping of str to int, optional
            Cores that populations are to take at least; by default as few as can be.
        example_data : ndarray, or list or mapping of ndarray, optional
            Inputs by which firing rates are checked.

        Returns
        -------
        LoihiNetwork
            Prints what was changed and why, and how the layers lie on the cores.
        """
        nodes = {
            key if isinstance(key, nengo.Node) else self.inputs[key]: process
            for key, process in (presented or {}).items()
        }
        prepared = self._preparation.network(on_host, nodes, dt, min_cores)
        if example_data is None:
            return prepared
        found = check_rates(self.wanted_rates(example_data), dt)
        return replace(prepared, checks=prepared.checks + tuple(found))

    @cached_property
    def _preparation(self) -> LoihiPreparation:
        return LoihiPreparation(
            self.net,
            self.topology,
            self.output_probes,
            changes_in_conversion(self.clone, self.options, self.folded),
        )

    def feed(self, sim: Any, x: Any) -> None:
        """Show a running simulator, of Nengo or NengoLoihi, another input.

        Parameters
        ----------
        sim : nengo.Simulator or nengo_loihi.Simulator
            From `simulator`.
        x : ndarray, or list or mapping of ndarray
            One input as the Keras model takes it, with or without the axis of examples.
        """
        for node, value in self.as_input(x, single=True).items():
            rows = value.reshape(-1, value.shape[-1])
            if len(rows) > 1:
                raise InputError(
                    f"one input is shown until the next is fed; got {len(rows)}. "
                    'simulator("loihi", x, presentation_time=...) shows several'
                )
            emulator.set_input(sim, node, rows[0])
