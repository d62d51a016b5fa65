"""NengoDL's converter with the conversions of this package beside its own."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Iterator

import nengo
import numpy as np

from ...common.exceptions import NengoEnergyError, UnsupportedError
from ...compat import import_nengo_dl
from ...keras_models.graph import is_model, leaves, read_node
from ...keras_models.held import held_by, held_call
from .activations import convert_function
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
    model_base: Any = nengo_dl.converter.ConvertModel

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
            _forget_layers(self.net)

        def get_converter(self, layer: Any) -> Any:
            if layer in self._layer_converters:
                return self._layer_converters[layer]
            if is_model(layer):
                self._layer_converters[layer] = _ModelAdapter(layer, self)
            elif _is_ours(layer):
                self._layer_converters[layer] = _Adapter(layer, self)
            else:
                return super().get_converter(layer)
            return self._layer_converters[layer]

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
                kind = type(held_by(self.layer)).__name__
                raise UnsupportedError(
                    f"layer {self.layer.name!r} ({kind}) can't be converted: {error}"
                ) from error

    class _ModelAdapter(model_base):
        """Converts a model, and its inputs that lead nowhere with it."""

        def convert(self, node_id: int | None) -> nengo.Network:
            model = self.layer
            self.layer = _WithAllInputs(model)
            net = super().convert(node_id)
            self.layer = model
            return net

    return EnergyConverter


class _WithAllInputs:
    """A model for NengoDL, which only makes nodes of what leads to an output."""

    def __init__(self, model: Any):
        self._model = model
        self.outputs = [*model.outputs, *model.inputs]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _forget_layers(net: nengo.Network) -> None:
    """Take NengoDL's notes off networks; they would have copies copy the model too."""
    for part in [net, *net.all_networks]:
        for name in ("inputs", "layer_map", "layers", "outputs"):
            vars(part).pop(name, None)


def convert_call(build: LayerBuild) -> Any:
    """Return the object for one call of a layer, by whatever conversion takes it.

    For a layer with several outputs it is a network that has them.
    """
    conversion = find_conversion(build.layer)
    if conversion is not None:
        call = held_call(build.call)
        return conversion(replace(build, layer=call.layer, call=call))
    found = convert_linear(build)
    if found is None:
        found = convert_function(build)
    if found is None:
        found = convert_on_host(build)
    return found if len(build.output_shapes) == 1 else _split(build, found)


def _split(build: LayerBuild, obj: Any) -> nengo.Network:
    """Return a network whose outputs are parts of what an object puts out."""
    # its objects belong to the network around it
    parts = nengo.Network(add_to_container=False)
    parts.outputs = {}
    start = 0
    for k, shape in enumerate(build.output_shapes):
        size = int(np.prod(shape, dtype=int))
        parts.outputs[k] = build.node(size, f"output {k}")
        build.connect(obj[start : start + size], parts.outputs[k])
        start += size
    return parts


def _is_ours(layer: Any) -> bool:
    """Tell whether this package converts a layer; else NengoDL's converter does."""
    if type(layer).__name__ == "InputLayer":
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
