"""NengoDL's converter with the conversions of this package beside its own."""

from __future__ import annotations

import functools
from typing import Any, Iterator

import nengo

from ...common.exceptions import NengoEnergyError, UnsupportedError
from ...compat import import_nengo_dl
from ...keras_models.graph import is_model, leaves, read_node
from .building import ConversionOptions, Final, LayerBuild
from .host import convert_on_host
from .passing import convert_linear
from .registry import find_conversion


def run_converter(
    model: Any, options: ConversionOptions, temporal: bool, allow_fallback: bool
) -> Any:
    """Convert a private model; what NengoDL's ``Converter`` has, and two things more.

    Parameters
    ----------
    model : tf_keras.Model
        A private functional model.
    options : ConversionOptions
        What is taken for all layers.
    temporal : bool
        Whether the first axis behind the batch is time.
    allow_fallback : bool
        Let NengoDL make a ``TensorNode`` of a layer that it can't convert.

    Returns
    -------
    nengo_dl.Converter
        ``finals`` holds what is applied to outputs, ``host_layers`` the labels of what
        the host computes.
    """
    return _converter_class()(
        model,
        energy_options=options,
        allow_fallback=allow_fallback,
        inference_only=True,
        temporal_model=temporal,
        swap_activations=options.swaps,
        scale_firing_rates=options.scale_firing_rates,
        synapse=options.synapse,
        max_to_avg_pool=options.max_pooling == "average",
    )


@functools.lru_cache(maxsize=None)
def _converter_class() -> type:
    """Return the subclass of NengoDL's converter; NengoDL is imported for it."""
    nengo_dl = import_nengo_dl()
    converter_base: Any = nengo_dl.Converter
    layer_base: Any = nengo_dl.converter.LayerConverter

    class EnergyConverter(converter_base):
        """Asks the package's own conversions before NengoDL's."""

        def __init__(
            self, model: Any, energy_options: ConversionOptions, **options: Any
        ):
            self.energy_options = energy_options
            self.finals: dict[Any, Final] = {}
            self.host_layers: list[str] = []
            self.output_refs = set(_output_refs(model))
            super().__init__(model, **options)
            self._probe_finals()

        def get_converter(self, layer: Any) -> Any:
            if layer in self._layer_converters:
                return self._layer_converters[layer]
            if _is_ours(layer):
                self._layer_converters[layer] = _Adapter(layer, self)
                return self._layer_converters[layer]
            return super().get_converter(layer)

        def _probe_finals(self) -> None:
            """Probe what outputs are made of, where layers take the output as well."""
            for tensor in self.model.outputs:
                final = self.finals.get(tensor.ref())
                probe = self.outputs[tensor]
                if final is None or final.obj is probe.obj:
                    continue
                self.net.probes.remove(probe)
                with self.net:
                    self.outputs[tensor] = nengo.Probe(final.obj, synapse=None)

    class _Adapter(layer_base):
        """Calls one of the package's conversions, as NengoDL calls its own."""

        def convert(self, node_id: int) -> Any:
            build = _build_of(self.layer, node_id, self.converter)
            try:
                return convert_call(build)
            except NengoEnergyError:
                raise
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                raise UnsupportedError(
                    f"layer {self.layer.name!r} ({type(self.layer).__name__}) can't be "
                    f"converted: {error}"
                ) from error

    return EnergyConverter


def convert_call(build: LayerBuild) -> Any:
    """Return the object for one call of a layer, by whatever conversion takes it."""
    conversion = find_conversion(build.layer)
    if conversion is not None:
        return conversion(build)
    found = convert_linear(build)
    return convert_on_host(build) if found is None else found


def _is_ours(layer: Any) -> bool:
    """Tell whether this package converts a layer; else NengoDL's converter does."""
    if is_model(layer) or type(layer).__name__ == "InputLayer":
        return False
    if find_conversion(layer) is not None:
        return True
    from nengo_dl.converter import Converter

    return type(layer) not in Converter.converters


def _build_of(layer: Any, node_id: int, converter: Any) -> LayerBuild:
    call = read_node(layer.inbound_nodes[node_id])
    layer_map = nengo.Network.context[-1].layer_map
    inputs = []
    for tensor in call.tensors:
        source, source_node, index = tensor._keras_history
        inputs.append(layer_map[source][source_node][index])
    refs = {tensor.ref() for tensor in call.outputs}
    return LayerBuild(
        layer=layer,
        call=call,
        inputs=tuple(inputs),
        label=f"{layer.name}.{node_id}",
        options=converter.energy_options,
        n_leading=2 if converter.temporal_model else 1,
        is_output=bool(refs & converter.output_refs),
        feeds_layers=any(
            t.ref() in refs
            for node in layer.outbound_nodes
            for t in leaves(node.keras_inputs)
        ),
        finals=converter.finals,
        host_layers=converter.host_layers,
    )


def _output_refs(model: Any) -> Iterator[Any]:
    """Yield what stands for the tensors that leave a model, in models within too."""
    for tensor in model.outputs:
        yield tensor.ref()
        layer, _, index = tensor._keras_history
        if is_model(layer):
            inner = layer.outputs[index]
            yield inner.ref()
