"""What is compared with its Keras model: what a converted network must have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Mapping, Protocol, Sequence

import nengo
import numpy as np

from ..activity.activity import Activity
from ..activity.measuring import OnBatch
from ..activity.run import Run
from ..common.decisions import Decision
from ..estimates.estimate import EnergyEstimate
from ..network.topology import Topology

if TYPE_CHECKING:
    from ..keras_models.clone import KerasClone


class ConvertedNetwork(Protocol):
    """A `nengo_energy.SpikingModel`, as far as a comparison looks at it."""

    @property
    def model(self) -> Any:
        """The user's model."""

    @property
    def net(self) -> nengo.Network:
        """The converted network."""

    @property
    def clone(self) -> KerasClone:
        """The model that was converted."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the conversion."""

    @property
    def corrected(self) -> Mapping[nengo.Ensemble, float]:
        """Factors in amplitudes that make up for what spiking neurons lose."""

    @property
    def topology(self) -> Topology:
        """Populations and projections."""

    @property
    def outputs(self) -> Mapping[Any, nengo.Probe]:
        """Output probes by tensor, layer or name."""

    @property
    def input_nodes(self) -> list[nengo.Node]:
        """Input nodes in the order of the model's inputs."""

    @property
    def output_probes(self) -> list[nengo.Probe]:
        """Output probes in the order of the model's outputs."""

    @property
    def decisions(self) -> Mapping[nengo.Probe, Decision]:
        """How each output is read as decisions, by its probe."""

    def as_input(self, x: Any) -> dict[nengo.Node, np.ndarray]:
        """Return inputs by node."""

    def measure_run(
        self,
        x: Any,
        run: Run,
        on_batch: OnBatch | None = None,
        *,
        on_host: Iterable[str] | None = None,
    ) -> Sequence[Activity]:
        """Measure as a run says."""

    def estimate(
        self,
        activity: Activity,
        devices: Any = None,
        *,
        host: Any = None,
        on_host: Iterable[str] | None = None,
    ) -> EnergyEstimate:
        """Price what was measured."""
