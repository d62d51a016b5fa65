"""A converted Keras model: measured, priced and deployed from one object."""

from __future__ import annotations

import contextlib
import functools
import weakref
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Mapping, Sequence

import nengo
import numpy as np

from ..activity.activity import Activity
from ..activity.measuring import OnBatch, measure_run
from ..activity.run import Run
from ..activity.simulators import Simulators
from ..activity.simulators.sequential import refuse_volumes
from ..common.assumptions import Assumption, merge_assumptions
from ..common.checks import check_choice, check_instance
from ..common.decisions import Decision
from ..common.defaults import DT
from ..common.exceptions import InputError
from ..common.proportions import share_ends, share_equal
from ..common.random_state import kept_random_state
from ..common.shown import Shown
from ..common.tables import format_setting
from ..common.vital_signs import said_of_accuracy
from ..compat import emulator, import_nengo_dl
from ..counts import Deployment, OpCount, OpCounts, count_ops
from ..keras_models.decisions import output_decisions
from ..layer_ops.counting import count_layer_ops
from ..layer_ops.layer_ops import LayerOps
from ..loihi.accounting import ledger_from_activity, ledger_from_run
from ..loihi.checks import check_rates
from ..loihi.ledger import Ledger
from ..loihi.prepared import LoihiNetwork
from ..network.firing_rates import wanted_rates
from ..network.objects import labels, said_of_network
from ..network.topology import Topology
from ..network.tracing import trace_topology
from ..pricing.energy import estimate_energy
from .datasets import as_arrays
from .host_work import host_counts, said_of_host
from .inputs import as_input, presented
from .keras_map import KerasMap, layer_of_label
from .layers.building import Final
from .preparation import LoihiPreparation, changes_in_conversion

if TYPE_CHECKING:
    from ..comparison.results import Comparison
    from ..estimates.estimate import EnergyEstimate
    from ..keras_models.clone import KerasClone

ONE_PASS_OF_CHANGING_INPUT = Assumption(
    "one-pass-of-changing-input",
    "The input changed from timestep to timestep, and the model has no time axis: the "
    "conventional network is counted for one pass per inference, not for one a "
    "timestep.",
)


@dataclass(frozen=True, eq=False, repr=False)
class SpikingModel(Shown):
    """A Keras model as a network of spiking neurons; see `nengo_energy.convert`.

    Attributes
    ----------
    model : keras.Model
        The user's model, unchanged.
    net : nengo.Network
        The converted network, with biases folded into the neurons.
    assumptions : tuple of Assumption
        What conversion took for granted.
    folded : tuple of str
        Populations whose biases came from nodes, and were folded into the neurons.
    finals : mapping of nengo.Probe to Final
        Functions, such as softmax, that make the model's output of what is probed.
    host_layers : tuple of str
        Layers that the host computes, one name for each call.
    """

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

    def __str__(self) -> str:
        words = [said_of_network(self.clone.model.name, self.net)]
        words += [f"{n} {format_setting(v)}" for n, v in self.options.items() if v]
        return ", ".join(words)

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
        found = output_decisions(self.model, self.clone.model, self._is_temporal)
        return {
            probe: (
                decision if decision.fits(probe.size_in) else Decision((probe.size_in,))
            )
            for probe, decision in zip(self.output_probes, found)
        }

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
        rates = wanted_rates(self.net, self.as_input(x))
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

    def measure(
        self,
        x: Any,
        timesteps: int = 50,
        *,
        simulator: str = "compiled",
        dt: float = DT,
        warmup: int = 0,
        minibatch_size: int | None = None,
        emulator: str | None = None,
        labels: Any = None,
        on_host: Iterable[str] | None = None,
        progress: bool | None = None,
        client: Any = None,
    ) -> Activity:
        """Count the spikes of every neuron while the network works on inputs.

        Parameters
        ----------
        x : ndarray, list or mapping of ndarray, or tf.data.Dataset
            Inputs as the Keras model takes them, (n_inferences, ...): one array, a list
            in the order of the model's inputs, or a mapping by input; or a single
            input, unless the model has a time axis. A dataset may bring labels.
        timesteps : int
            Timesteps per inference.
        simulator : {"compiled", "nengo-dl", "nengo", "loihi"}
            ``"compiled"`` spikes as ``"nengo-dl"`` does, which runs in its place where
            it can't, with the reason in the log; ``"loihi"`` runs the network as it is
            deployed, on an emulator.
        dt, warmup, minibatch_size, emulator, progress
            See `nengo_energy.measure_activity`.
        labels : array_like, optional
            Labels by which the network and the Keras model are judged; results then say
            both accuracies. See `Activity.accuracy`.
        on_host : iterable of str, optional
            For ``"loihi"``: see `loihi_network`.
        client : dask.distributed.Client, optional
            Its workers run the batches, which are ``minibatch_size`` inferences each;
            the result is the same.

        Returns
        -------
        Activity
            Its ``outputs`` hold the network's outputs, its ``accuracy`` compares them
            with labels.
        """
        run = Run(
            timesteps=(timesteps,),
            simulator=simulator,
            dt=dt,
            warmup=warmup,
            minibatch_size=minibatch_size,
            emulator=emulator,
            progress=progress,
            client=client,
        )
        x, labels = self._arrays(x, labels)
        if labels is None:
            (activity,) = self.measure_run(x, run, on_host=on_host)
            return activity
        inputs = self.as_input(x)
        wanted = self._check_labels(labels, inputs)  # before the long run
        (activity,) = self.measure_run(x, run, on_host=on_host)
        return self._judge(activity, inputs, wanted)

    def _arrays(self, x: Any, labels: Any = None) -> tuple[Any, Any]:
        """Return inputs and labels as arrays, read where they are a dataset."""
        return as_arrays(x, self.clone.model, labels)

    def _check_labels(
        self, labels: Any, inputs: Mapping[nengo.Node, np.ndarray]
    ) -> np.ndarray:
        """Return labels of the only output as indices of classes."""
        if len(self.output_probes) != 1:
            raise InputError(
                f"labels= judges models of one output; {self.model.name!r} has "
                f"{len(self.output_probes)}: compare(x, labels={{output: ...}}) does"
            )
        decision = self.decisions[self.output_probes[0]]
        return decision.check_labels(labels, len(next(iter(inputs.values()))))

    def _judge(
        self,
        activity: Activity,
        inputs: Mapping[nengo.Node, np.ndarray],
        labels: np.ndarray,
    ) -> Activity:
        """Return an activity that knows the accuracy of both networks."""
        from ..comparison.reference import keras_outputs

        (probe,) = self.output_probes
        decision = self.decisions[probe]
        found = {
            "keras": keras_outputs(self, inputs)[0],
            "spiking": activity.outputs[probe],
        }
        shares = {k: share_equal(decision.decide(v), labels) for k, v in found.items()}
        return replace(
            activity,
            assumptions=merge_assumptions(
                said_of_accuracy(
                    shares["spiking"], shares["keras"], decision.n_classes
                ),
                activity.assumptions,
            ),
            settings={
                **activity.settings,
                "accuracy": {k: share_ends(share) for k, share in shares.items()},
            },
        )

    def measure_at(
        self,
        x: Any,
        timesteps: Sequence[int],
        *,
        simulator: str = "compiled",
        dt: float = DT,
        on_batch: OnBatch | None = None,
        **options: Any,
    ) -> tuple[Activity, ...]:
        """Measure after several numbers of timesteps, in one run over the longest.

        Parameters
        ----------
        x, simulator, dt
            See `measure`.
        timesteps : sequence of int
            Timesteps per inference, each number once.
        on_batch : callable, optional
            See `nengo_energy.measure_activity_at`.
        **options
            ``warmup``, ``minibatch_size``, ``emulator``, ``progress`` and ``client``,
            see there.

        Returns
        -------
        tuple of Activity
            What `measure` returns for each number of timesteps, in the order given.
        """
        run = Run(timesteps, simulator, dt, **options)
        return self.measure_run(x, run, on_batch)

    @kept_random_state()
    def measure_run(
        self,
        x: Any,
        run: Run,
        on_batch: OnBatch | None = None,
        *,
        on_host: Iterable[str] | None = None,
    ) -> tuple[Activity, ...]:
        """Measure as a run says, which is what `measure` and `measure_at` do.

        Parameters
        ----------
        x : ndarray, or list or mapping of ndarray
            See `measure`.
        run : Run
            Timesteps, simulator and the other options.
        on_batch : callable, optional
            See `nengo_energy.measure_activity_at`.
        on_host : iterable of str, optional
            For the simulator ``"loihi"``: see `loihi_network`.

        Returns
        -------
        tuple of Activity
            One for each of the run's timesteps, in their order.
        """
        network, topology = self.net, self.topology
        assumptions: tuple[Assumption, ...] = ()
        if run.simulator == "loihi":
            prepared = self.loihi_network(on_host=on_host, dt=run.dt)
            network, topology = prepared.network, prepared.topology
            assumptions = prepared.assumptions
        activities = measure_run(
            network,
            self.as_input(x),
            run,
            topology=topology,
            probes=self.output_probes,
            on_batch=on_batch,
            simulators=self._simulators,
        )
        return tuple(
            replace(
                activity,
                outputs={p: self.final(p, v) for p, v in activity.outputs.items()},
                decisions=self.decisions,
                assumptions=activity.assumptions + assumptions,
            )
            for activity in activities
        )

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

    @contextlib.contextmanager
    def measurer(self, **options: Any) -> Iterator[Callable[..., Activity]]:
        """Measure again and again, and close the simulator at the end of the block.

        `measure` keeps its simulators open as well, but until the model goes.

        Parameters
        ----------
        **options
            Arguments of `measure` that are the same each time.

        Yields
        ------
        callable
            `measure`, with these arguments.

        Examples
        --------
        >>> with snn.measurer(timesteps=100) as measure:  # doctest: +SKIP
        ...     rates = [measure(x).firing_rates("conv2d") for x in batches]
        """
        same = replace(self)
        same.__dict__["topology"] = self.topology
        with contextlib.closing(same._simulators):
            yield functools.partial(same.measure, **options)

    @cached_property
    def _simulators(self) -> Simulators:
        """Simulators that stay open until the model goes."""
        simulators = Simulators()
        weakref.finalize(self, simulators.close)
        return simulators

    def compare(
        self,
        x: Any,
        timesteps: int = 50,
        labels: Any = None,
        *,
        simulator: str = "compiled",
        devices: Any = None,
        host: Any = None,
        on_host: Iterable[str] | None = None,
        curve: Sequence[int] | None = None,
        dt: float = DT,
        warmup: int = 0,
        minibatch_size: int | None = None,
        progress: bool | None = None,
        client: Any = None,
    ) -> Comparison:
        """Compare the Keras model with this network, on the same inputs.

        Layer by layer, activations are compared with what spikes decode to; for the
        whole, outputs, decisions, accuracy against timesteps (all from one run) and
        energy. Memory doesn't grow with neurons x inferences.

        Parameters
        ----------
        x, timesteps, simulator, dt, warmup, minibatch_size, progress, client
            See `measure`; inputs stay over an inference.
        labels : (n_inferences,) int array_like, or mapping of it by output, optional
            Index of the right class for each inference; see `Activity.accuracy`.
        devices, host, on_host
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
        from ..comparison.comparing import compare_networks, curve_marks

        x, labels = self._arrays(x, labels)
        run = Run(
            curve_marks(timesteps, curve),
            simulator,
            dt,
            warmup,
            minibatch_size,
            progress=progress,
            client=client,
        )
        return compare_networks(
            self, x, run, labels, devices=devices, host=host, on_host=on_host
        )

    @kept_random_state()
    def ledger(
        self,
        x: Any,
        timesteps: int | None = None,
        *,
        on_host: Iterable[str] | None = None,
        min_cores: Mapping[str, int] | None = None,
        dt: float = DT,
        emulator: str | None = None,
        progress: bool | None = None,
    ) -> Ledger:
        """Account for what the chip does for this network, core by core.

        Parameters
        ----------
        x : ndarray, list or mapping of ndarray, or Activity
            Inputs, which are run on the emulator; or what was measured before, by any
            simulator.
        timesteps : int, optional
            Timesteps per inference, 50 by default; an activity has its own.
        on_host, min_cores
            See `loihi_network`.
        dt : float
            Length of a timestep [s].
        emulator : {"fast", "nengo-loihi"}, optional
            See `nengo_energy.loihi.open_simulator`; both give the same ledger.
        progress : bool, optional
            Show a progress bar; by default in a terminal, when a run is long.

        Returns
        -------
        Ledger
            In total and for each core: neuron updates, synops, axons, memory, messages
            and hops.
        """
        prepared = self.loihi_network(on_host=on_host, dt=dt, min_cores=min_cores)
        if isinstance(x, Activity):
            if timesteps not in (None, x.timesteps):
                raise InputError(
                    f"the activity has {x.timesteps} timesteps; got {timesteps!r}"
                )
            ledger = ledger_from_activity(prepared, x)
        else:
            data = self.as_input(x)
            steps = 50 if timesteps is None else timesteps
            ledger = ledger_from_run(
                prepared, data, steps, emulator=emulator, progress=progress
            )
        late = prepared.assumptions if ledger.simulator == "loihi" else ()
        return replace(ledger, notes=late)

    def count(
        self, activity: Activity, *, on_host: Iterable[str] | None = None
    ) -> OpCounts:
        """Count the operations of the spiking and of the conventional network.

        A temporal model, whose input has a value for each timestep, takes as many
        timesteps of the one as of the other.

        Parameters
        ----------
        activity : Activity
            From `measure`.
        on_host : iterable of str, optional
            Layers that a host runs for event-driven devices; see `loihi_network`. By
            default, devices that take spikes alone (Loihi) leave the layers that the
            input feeds to the host, as they are deployed, and others have all layers.
        """
        check_instance("activity", activity, Activity, ", of measure")
        layer_ops, assumptions = self.layer_ops, self.assumptions
        if self._is_temporal:
            length = 1 if activity.static_input else activity.timesteps
            layer_ops = count_layer_ops(self.clone.model, sequence_length=length)
        elif not activity.static_input:
            assumptions += (ONE_PASS_OF_CHANGING_INPUT,)
        host = self._preparation.on_host(on_host)
        counts = count_ops(self.topology, activity, layer_ops=layer_ops)
        placed = count_ops(self.topology, activity, on_host=host)
        work = self._host_counts(activity, layer_ops)
        deployment = Deployment(
            rows=placed.rows + work,
            on_host=host,
            encoded=tuple(p.layer for p in self._preparation.encoded(host)),
        )
        counts = replace(
            counts,
            rows=counts.rows + work,
            assumptions=assumptions
            + said_of_host(layer_ops, self.host_layers)
            + counts.assumptions,
            settings={
                "model": self.model.name,
                **self.options,
                **counts.settings,
                "on_host": sorted(host),
            },
            deployment=deployment,
        )
        return counts if on_host is None else counts.deployed()

    def _host_counts(
        self, activity: Activity, layer_ops: LayerOps
    ) -> tuple[OpCount, ...]:
        """Return the operations of layers and activations that the host computes."""
        names = dict(labels(self.net))
        changing = {
            layer_of_label(names[node]) for node in self.topology.changing_nodes
        }
        repeats = {
            # the layers of a temporal model are counted for all timesteps already
            name: 1 if self._is_temporal or name not in changing else activity.timesteps
            for name in self.host_layers
        }
        finals = [final.layer for final in self.finals.values()]
        return host_counts(layer_ops, repeats, finals, activity.n_inferences)

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
            By default those of ``ne.devices.default_names()``.
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
        from .. import devices as registry

        chosen = registry.default_names() if devices is None else devices
        counts = self.count(activity, on_host=on_host)
        return estimate_energy(
            counts, chosen, host=host, batch_size=batch_size, memory=memory
        )

    @kept_random_state()
    def simulator(
        self,
        name: str = "nengo-dl",
        x: Any = None,
        *,
        presentation_time: float | None = None,
        on_host: Iterable[str] | None = None,
        **options: Any,
    ) -> Any:
        """Open a simulator of this network.

        Parameters
        ----------
        name : {"nengo-dl", "nengo", "loihi"}
            ``"loihi"`` is a ``nengo_loihi.Simulator``: the emulator, or the chip where
            one is attached.
        x : ndarray, optional
            One input, which the network is shown from the first timestep on; `feed`
            shows another. NengoDL takes its inputs as ``sim.run_steps(..., data=...)``.
            For ``"loihi"`` an input may have a value for each timestep.
        presentation_time : float, optional
            For ``"loihi"``: ``x`` holds several inputs, which are shown one after the
            other for this time each [s].
        on_host : iterable of str, optional
            For ``"loihi"``: see `loihi_network`.
        **options
            Passed on to the simulator; for ``"loihi"`` see also
            ``nengo_energy.activity.emulator.open_simulator`` on its ``emulator``.

        Returns
        -------
        nengo.Simulator, nengo_dl.Simulator or nengo_loihi.Simulator
            ``sim.data[snn.outputs[...]]`` is the output.
        """
        check_choice("simulator", name, ("nengo-dl", "nengo", "loihi"))
        if name != "loihi" and not (presentation_time is None and on_host is None):
            raise InputError(
                "presentation_time and on_host are for the simulator 'loihi'; "
                f"got {name!r}"
            )
        if name == "nengo-dl":
            if x is not None:
                raise InputError(
                    "nengo-dl takes its input when it runs: "
                    "sim.run_steps(n, data={snn.inputs[model.input]: x}), with x of "
                    "shape (minibatch, timesteps, size)"
                )
            return import_nengo_dl().Simulator(self.net, **options)
        if name == "nengo":
            refuse_volumes(self.net)
            sim = nengo.Simulator(self.net, **options)
        else:
            shown: Mapping[Any, nengo.Process] = {}
            if x is not None:
                data = self.as_input(x, single=presentation_time is None)
                varies = any(rows.ndim == 3 for rows in data.values())
                if presentation_time is not None or varies:
                    shown = presented(data, presentation_time, DT)
            prepared = self.loihi_network(on_host=on_host, presented=shown)
            sim = prepared.simulator(**options)
            if shown:
                return sim
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
            rows = value.reshape(-1, value.shape[-1])
            if len(rows) > 1:
                raise InputError(
                    f"one input is shown until the next is fed; got {len(rows)}. "
                    'simulator("loihi", x, presentation_time=...) shows several'
                )
            emulator.set_input(sim, node, rows[0])

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
        return as_input(self.clone, self.nodes, x, self._is_temporal, single)

    @property
    def _is_temporal(self) -> bool:
        """Whether a timestep of the network is one along the model's time axis."""
        return bool(self.options.get("temporal_model"))
