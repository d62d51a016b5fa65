"""A converted Keras model: measured, priced and deployed from one object."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Sequence

from ..activity.activity import Activity
from ..activity.measuring import OnBatch, measure_run
from ..activity.run import Run
from ..common.assumptions import Assumption
from ..common.checks import check_instance
from ..common.defaults import DT
from ..common.random_state import kept_random_state
from ..counts import OpCounts
from .counting import count_model
from .judging import check_labels, judge
from .keras_network import KerasNetwork
from .simulator import open_simulator

if TYPE_CHECKING:
    from ..comparison.results import Comparison


@dataclass(frozen=True, eq=False, repr=False)
class SpikingModel(KerasNetwork):
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
    corrected : mapping of nengo.Ensemble to float
        Factors in the amplitude of neurons that make up for what they lose.
    """

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
        if labels is not None:
            inputs = self.as_input(x)
            labels = check_labels(self, labels, inputs)  # before the long run
        (activity,) = self.measure_run(x, run, on_host=on_host)
        return activity if labels is None else judge(self, activity, inputs, labels)

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
        host = self._preparation.on_host(on_host)
        counts = count_model(self, activity, host, self._preparation.encoded(host))
        return counts if on_host is None else counts.deployed()

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
            One input, which the network is shown from the first timestep on; ``feed``
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
        return open_simulator(self, name, x, presentation_time, on_host, options)

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
