"""The Keras side: activations of the layers that became neurons, batch by batch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from ..activity.rates import RateSimulator
from ..common.exceptions import InputError, UnsupportedError
from ..keras_models.check import as_array
from ..keras_models.graph import leaves, read_graph
from ..keras_models.running import ModelRunner, Signal
from ..network.topology import Population

if TYPE_CHECKING:
    import nengo

    from .converted import ConvertedNetwork

BATCH_SIZE = 128
"""Inferences that the Keras model is run on at once."""


class KerasReference:
    """Runs the Keras model of a converted network, on the network's inputs.

    Parameters
    ----------
    snn : SpikingModel
        The converted network.
    inputs : mapping of {nengo.Node: (n_inferences, size) ndarray}
        The network's inputs, each staying over an inference.
    """

    def __init__(self, snn: ConvertedNetwork, inputs: Mapping[nengo.Node, np.ndarray]):
        self._snn, self._inputs = snn, inputs
        self._graph = read_graph(snn.clone.model)
        self._runner = ModelRunner(self._note)
        self._arrays = _keras_inputs(snn, inputs)
        self._parts = [p for p in snn.topology.populations if _is_part(p)]
        self._calls = calls_of_populations(
            [p for p in snn.topology.populations if not _is_part(p)]
        )
        self._values: dict[tuple[str, int], np.ndarray] = {}
        self._rates: RateSimulator | None = None

    def run(self, batch: slice) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
        """Return activations by population, and the model's outputs.

        Parameters
        ----------
        batch : slice
            Which inferences.

        Returns
        -------
        tuple of mapping and list
            ``{population: (batch, n_neurons) ndarray}`` and (batch, size) ndarrays.
        """
        self._values = {}
        signals = self._runner.run_batch(self._graph, [x[batch] for x in self._arrays])
        activations = {
            population.name: self._activation(population, key)
            for key, population in self._calls.items()
        }
        activations.update(self._values_of_parts(batch))
        return activations, [_flat(signal) for signal in signals]

    def close(self) -> None:
        """Close what was opened."""
        if self._rates is not None:
            self._rates.__exit__()
            self._rates = None

    def _values_of_parts(self, batch: slice) -> dict[str, np.ndarray]:
        """Return what neurons without a layer of their own should put out."""
        if not self._parts:
            return {}
        inputs = {node: x[batch] for node, x in self._inputs.items()}
        if self._rates is None:
            size = min(len(x) for x in inputs.values())
            ensembles = [p.ensemble for p in self._parts]
            self._rates = RateSimulator(
                self._snn.net, ensembles, size, self._snn.corrected
            ).__enter__()
        rates = self._rates.run(inputs)
        corrected = self._snn.corrected
        return {
            p.name: rates[p.ensemble] * p.amplitude / corrected.get(p.ensemble, 1.0)
            for p in self._parts
        }

    def _note(
        self,
        name: str,
        index: int,
        arriving: Sequence[Signal],
        leaving: Sequence[Signal],
    ) -> None:
        if (name, index) in self._calls:
            self._values[name, index] = _flat(leaving[0])

    def _activation(self, population: Population, key: tuple[str, int]) -> np.ndarray:
        found = self._values.get(key)
        if found is None or found.shape[1] != population.n_neurons:
            size = "none" if found is None else str(found.shape[1])
            raise UnsupportedError(
                f"neurons {population.name!r} can't be compared with layer {key[0]!r}: "
                f"there are {population.n_neurons} of them, and of its outputs {size}"
            )
        # of neurons that also put out negative values, magnitudes are measured
        return np.abs(found) if population.ensemble.neuron_type.negative else found


def _is_part(population: Population) -> bool:
    """Tell whether neurons are a part of a layer, which their label names at the end.

    A rectifier of several that make up an activation, say, whose output isn't the
    layer's, or neurons of one step of a model that is applied to each.
    """
    return " " in population.name


def keras_outputs(
    snn: ConvertedNetwork, inputs: Mapping[nengo.Node, np.ndarray]
) -> list[np.ndarray]:
    """Return the outputs of a network's Keras model, (n_inferences, size) each."""
    arrays = _keras_inputs(snn, inputs)
    n_inferences = len(arrays[0])
    batches = []
    for start in range(0, n_inferences, BATCH_SIZE):
        batch = [array[start : start + BATCH_SIZE] for array in arrays]
        outputs = snn.clone.model(batch if len(batch) > 1 else batch[0], training=False)
        batches.append([_flat_array(value) for value in leaves(outputs)])
    return [np.concatenate(parts) for parts in zip(*batches)]


def calls_of_populations(
    populations: Sequence[Population],
) -> dict[tuple[str, int], Population]:
    """Return populations by the call of a layer that they stand for.

    A layer that the model calls several times became as many populations, numbered as
    the calls are.
    """
    groups: dict[str, list[Population]] = {}
    for population in populations:
        groups.setdefault(population.layer, []).append(population)
    return {
        (layer, index): population
        for layer, group in groups.items()
        for index, population in enumerate(sorted(group, key=_natural))
    }


def _natural(population: Population) -> list[int]:
    """Return the numbers in a name: "dense.10" comes after "dense.9"."""
    return [int(digits) for digits in re.findall(r"\.(\d+)(?=/|$)", population.name)]


def _keras_inputs(
    snn: ConvertedNetwork, inputs: Mapping[nengo.Node, np.ndarray]
) -> list[np.ndarray]:
    return [
        _as_keras_input(inputs[node], tensor)
        for node, tensor in zip(snn.input_nodes, snn.clone.model.inputs)
    ]


def _as_keras_input(flat: np.ndarray, tensor: Any) -> np.ndarray:
    """Return a flattened input as the model takes it."""
    name = tensor._keras_history[0].name
    if flat.ndim != 2:
        raise InputError(
            f"input {name!r} changes over time; a Keras model takes inputs that stay, "
            "and only with those can its network be compared"
        )
    shape = tuple(tensor.shape)[1:]
    dtype = np.dtype(getattr(tensor.dtype, "name", tensor.dtype))
    return flat.reshape(len(flat), *shape).astype(dtype)


def _flat(signal: Signal) -> np.ndarray:
    return _flat_array(signal.value)


def _flat_array(value: Any) -> np.ndarray:
    array = as_array(value)
    return array.reshape(len(array), -1)
