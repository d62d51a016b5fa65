"""A converted Keras model: measured, priced and deployed from one object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Sequence

import nengo
import numpy as np

from .activity import Activity, measure_activity_at
from .assumptions import Assumption
from .checks import check_choice
from .compat import emulator, import_nengo_dl
from .counts import OpCounts, count_ops
from .energy import estimate_energy
from .exceptions import InputError
from .keras_layers import LayerOps, count_layer_ops
from .loihi import build_loihi_network
from .simulators import SIMULATORS
from .topology import Topology
from .tracing import trace_topology

if TYPE_CHECKING:
    from .comparison import Comparison
    from .estimate import EnergyEstimate
    from .keras_models import KerasClone


class KerasMap(Mapping):
    """Parts of the network, by layer, tensor or name of the Keras model."""

    def __init__(self, clone: KerasClone, parts: Mapping[Any, Any]):
        self._clone = clone
        self._parts = parts

    def __getitem__(self, key: Any) -> Any:
        return self._parts[self._clone.tensor(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def values(self) -> Any:
        """Return the parts of the network."""
        return self._parts.values()


@dataclass(frozen=True, eq=False)
class SpikingModel:
    """A Keras model as a network of spiking neurons; see `nengo_energy.convert`.

    Attributes
    ----------
    model : keras.Model
        The user's model, unchanged.
    net : nengo.Network
        The converted network, with biases folded into the neurons.
    assumptions : tuple of Assumption
        What conversion took for granted.
    """

    model: Any
    net: nengo.Network
    clone: KerasClone = field(repr=False)
    probes: Mapping[Any, nengo.Probe] = field(repr=False)
    nodes: Mapping[Any, nengo.Node] = field(repr=False)
    parts: Mapping[Any, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()

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
        """Operations of the conventional network, layer by layer."""
        return count_layer_ops(self.clone.model)

    @cached_property
    def loihi_network(self) -> nengo.Network:
        """The network as it is deployed; see `nengo_energy.loihi`."""
        return build_loihi_network(self.net, self.topology, self.output_probes)

    @property
    def input_nodes(self) -> list[nengo.Node]:
        """Input nodes in the order of the model's inputs."""
        return [self.nodes[tensor] for tensor in self.clone.model.inputs]

    @property
    def output_probes(self) -> list[nengo.Probe]:
        """Output probes in the order of the model's outputs."""
        return [self.probes[tensor] for tensor in self.clone.model.outputs]

    def measure(
        self,
        x: Any,
        timesteps: int = 50,
        *,
        simulator: str = "nengo-dl",
        dt: float = 0.001,
        warmup: int = 0,
        minibatch_size: int | None = None,
        progress: bool | None = None,
    ) -> Activity:
        """Count the spikes of every neuron while the network works on inputs.

        Parameters
        ----------
        x : ndarray, or list or mapping of ndarray
            Inputs as the Keras model takes them, (n_inferences, ...): one array, a list
            in the order of the model's inputs, or a mapping by input.
        timesteps : int
            Timesteps per inference.
        simulator : {"nengo-dl", "nengo", "loihi"}
            ``"loihi"`` runs the network as it is deployed, on the emulator.
        dt, warmup, minibatch_size, progress
            See `nengo_energy.measure_activity`.

        Returns
        -------
        Activity
            Its ``outputs`` hold the network's outputs, its ``accuracy`` compares them
            with labels.
        """
        (activity,) = self.measure_at(
            x,
            [timesteps],
            simulator=simulator,
            dt=dt,
            warmup=warmup,
            minibatch_size=minibatch_size,
            progress=progress,
        )
        return activity

    def measure_at(
        self,
        x: Any,
        timesteps: Sequence[int],
        *,
        simulator: str = "nengo-dl",
        **options: Any,
    ) -> tuple[Activity, ...]:
        """Measure after several numbers of timesteps, in one run over the longest.

        Parameters
        ----------
        x, simulator
            See `measure`.
        timesteps : sequence of int
            Timesteps per inference, each number once.
        **options
            As `nengo_energy.measure_activity_at` takes them.

        Returns
        -------
        tuple of Activity
            What `measure` returns for each number of timesteps, in the order given.
        """
        check_choice("simulator", simulator, SIMULATORS)
        return measure_activity_at(
            self.loihi_network if simulator == "loihi" else self.net,
            self.as_input(x),
            timesteps,
            simulator=simulator,
            topology=self.topology,
            probes=self.output_probes,
            **options,
        )

    def compare(
        self,
        x: Any,
        timesteps: int = 50,
        labels: Any = None,
        *,
        simulator: str = "nengo-dl",
        devices: Any = None,
        host: Any = None,
        curve: Sequence[int] | None = None,
        dt: float = 0.001,
        warmup: int = 0,
        minibatch_size: int | None = None,
        progress: bool | None = None,
    ) -> Comparison:
        """Compare the Keras model with this network, on the same inputs.

        Layer by layer, activations are compared with what spikes decode to; for the
        whole, outputs, decisions, accuracy against timesteps (all from one run) and
        energy. Memory doesn't grow with neurons x inferences.

        Parameters
        ----------
        x, timesteps, simulator, dt, warmup, minibatch_size, progress
            See `measure`; inputs stay over an inference.
        labels : (n_inferences,) int array_like, or mapping of it by output, optional
            Index of the right output for each inference.
        devices, host
            See `estimate`.
        curve : sequence of int, optional
            Numbers of timesteps at which decisions are judged and energy is estimated;
            ten in equal steps by default. The last is ``timesteps``.

        Returns
        -------
        Comparison
            ``to_frame()`` has a row per layer; printing it gives tables of everything.

        Raises
        ------
        InputError
            If an argument has a value that isn't allowed.
        UnsupportedError
            If the model is temporal, or neurons have no layer to be compared with.
        """
        from .comparison import compare_networks

        return compare_networks(
            self,
            x,
            timesteps,
            labels,
            simulator=simulator,
            devices=devices,
            host=host,
            curve=curve,
            dt=dt,
            warmup=warmup,
            minibatch_size=minibatch_size,
            progress=progress,
        )

    def count(self, activity: Activity) -> OpCounts:
        """Count the operations of the spiking and of the conventional network."""
        counts = count_ops(self.topology, activity, layer_ops=self.layer_ops)
        return OpCounts(
            counts.rows,
            counts.timesteps,
            counts.dt,
            self.assumptions + counts.assumptions,
            {"model": self.model.name, **self.options, **counts.settings},
        )

    def estimate(
        self, activity: Activity, devices: Any = None, *, host: Any = None
    ) -> EnergyEstimate:
        """Price what was measured on devices.

        Parameters
        ----------
        activity : Activity
            From `measure`.
        devices : str, Device or sequence of them, optional
            By default those of ``ne.devices.default_names()``.
        host : str or Device, optional
            The device that does the host's work; without one, that work is listed as
            not modelled.

        Returns
        -------
        EnergyEstimate
            Energy per inference, by device, layer and operation.
        """
        from . import devices as registry

        chosen = registry.default_names() if devices is None else devices
        return estimate_energy(self.count(activity), chosen, host=host)

    def simulator(self, name: str = "nengo-dl", x: Any = None, **options: Any) -> Any:
        """Open a simulator of this network.

        Parameters
        ----------
        name : {"nengo-dl", "nengo", "loihi"}
            ``"loihi"`` is a ``nengo_loihi.Simulator``: the emulator, or the chip where
            one is attached.
        x : ndarray, optional
            One input, which the network is shown from the first timestep on; `feed`
            shows another. NengoDL takes its inputs as ``sim.run_steps(..., data=...)``.
        **options
            Passed on to the simulator.

        Returns
        -------
        nengo.Simulator, nengo_dl.Simulator or nengo_loihi.Simulator
            ``sim.data[snn.outputs[...]]`` is the output.
        """
        check_choice("simulator", name, SIMULATORS)
        if name == "nengo-dl":
            if x is not None:
                raise InputError(
                    "nengo-dl takes its input when it runs: "
                    "sim.run_steps(n, data={snn.inputs[model.input]: x}), with x of "
                    "shape (minibatch, timesteps, size)"
                )
            return import_nengo_dl().Simulator(self.net, **options)
        if name == "nengo":
            sim = nengo.Simulator(self.net, **options)
        else:
            sim = emulator.open_emulator(self.loihi_network, **options)
        if x is not None:
            self.feed(sim, x)
        return sim

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
            emulator.set_input(sim, node, value[0])

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
        tensors = self.clone.model.inputs
        if isinstance(x, Mapping):
            given = {id(self.clone.tensor(key)): value for key, value in x.items()}
            missing = [t.name for t in tensors if id(t) not in given]
            if missing:
                raise InputError(f"inputs lack {', '.join(missing)}")
            x = [given[id(tensor)] for tensor in tensors]
        elif len(tensors) == 1:
            x = [x]
        if not isinstance(x, (list, tuple)) or len(x) != len(tensors):
            raise InputError(
                f"model {self.model.name!r} has {len(tensors)} inputs; give a list of "
                "as many arrays, or a mapping by input"
            )
        temporal = bool(self.options.get("temporal_model"))
        return {
            self.nodes[tensor]: _flatten(value, tensor, temporal, single)
            for tensor, value in zip(tensors, x)
        }


def layer_of_label(label: str) -> str:
    """Return the Keras layer that NengoDL's converter labelled a part after."""
    return re.sub(r"\.\d+(?=/|$)", "", label)


def _flatten(value: Any, tensor: Any, temporal: bool, single: bool) -> np.ndarray:
    """Return one input with one axis of features, (n, size) or (n, timesteps, size)."""
    name = tensor._keras_history[0].name
    shape = tuple(tensor.shape)[2 if temporal else 1 :]
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"input {name!r} must be an array of numbers") from error
    if single and array.shape == shape:
        array = array[None]
    n_axes = array.ndim - len(shape)
    if n_axes not in (1, 2) or array.shape[n_axes:] != shape:
        batch = ", ".join(["n", *map(str, shape)])
        steps = ", ".join(["n", "timesteps", *map(str, shape)])
        raise InputError(
            f"input {name!r} must have the shape ({batch}), or ({steps}) to change "
            f"every timestep; got {array.shape}"
        )
    size = int(np.prod(shape, dtype=int))
    return array.reshape(*array.shape[:n_axes], size)


__all__: Sequence[str] = ["KerasMap", "SpikingModel", "layer_of_label"]
