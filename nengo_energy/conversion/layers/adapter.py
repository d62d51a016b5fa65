"""NengoDL's converter with the conversions of this package beside its own."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Callable, NamedTuple, Sequence

import nengo
import numpy as np

from ...common.exceptions import NengoEnergyError, UnsupportedError
from ...compat import import_nengo_dl, import_tf_keras
from ...keras_models.graph import is_model, leaves, read_node
from ...keras_models.held import held_by, held_call
from .activations import convert_function
from .building import ConversionOptions, Final, LayerBuild, Use
from .host import convert_on_host
from .masks import masks_of
from .passing import convert_linear
from .registry import find_conversion
from .scope import Scope
from .temporal import check_steps_apart


class Obstacle(NamedTuple):
    """A layer that can't be converted.

    Attributes
    ----------
    layer : str
        Its name, behind those of the models that it is within.
    class_name : str
        Its class.
    reason : str
        What was found, what is allowed and what helps.
    """

    layer: str
    class_name: str
    reason: str

    def __str__(self) -> str:
        return f"layer {self.layer!r} ({self.class_name}): {self.reason}"


def run_converter(model: Any, options: ConversionOptions, temporal: bool) -> Any:
    """Convert a private model; what NengoDL's ``Converter`` has, and a few things more.

    Parameters
    ----------
    model : tf_keras.Model
        A private functional model.
    options : ConversionOptions
        What is taken for all layers.
    temporal : bool
        Whether the first axis behind the batch is time.

    Returns
    -------
    nengo_dl.Converter
        ``finals`` holds what is applied to outputs, ``host_layers`` the names of what
        the host computes, ``passed_on`` names and classes of what does nothing,
        ``swapped`` what ``options.swaps`` was asked for, ``smoothed`` the names of
        layers whose input is filtered, by the filter, ``pieces`` what is said of
        functions that straight lines stand in for, and ``obstacles`` the layers that
        can't be converted, for which stand nodes that nothing feeds.
    """
    converter = _converter_class()(
        model,
        energy_options=options,
        allow_fallback=False,
        inference_only=True,
        temporal_model=temporal,
        swap_activations=options.swaps,
        scale_firing_rates=options.scale_firing_rates,
        synapse=options.synapse,
        max_to_avg_pool=options.max_pooling == "average",
    )
    for net in (converter.net, *converter.net.all_networks):
        # copies of the network would copy the whole Keras model with them
        for name in ("layer_map", "layers", "inputs", "outputs"):
            vars(net).pop(name, None)
    return converter


def refuse(obstacles: Sequence[Obstacle], model_name: str) -> None:
    """Raise an error that names all layers that can't be converted, if there are any.

    Raises
    ------
    UnsupportedError
        Says of each layer what was found, what is allowed and what helps.
    """
    inputs = [found for found in obstacles if found.class_name == "InputLayer"]
    obstacles = inputs or obstacles  # what is behind an open input can't be known
    if len(obstacles) == 1:
        raise UnsupportedError(f"{obstacles[0]}")
    if obstacles:
        lines = "".join(f"\n- {obstacle}" for obstacle in obstacles)
        raise UnsupportedError(
            f"{len(obstacles)} layers of model {model_name!r} can't be "
            f"converted:{lines}"
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
            self.passed_on: dict[str, str] = {}
            self.obstacles: list[Obstacle] = []
            self.several: dict[Any, Any] = {}
            self.scope: Any = None
            self.labels: dict[Any, str] = {}
            self.swapped: set[Any] = set()
            self.smoothed: dict[Any, list[str]] = {}
            self.pieces: dict[str, list[str]] = {}
            self.temporal_model = False  # NengoDL's to set
            super().__init__(model, **options)
            for tensor, obj in self.several.values():
                self.layers[tensor] = obj
            self._probe_finals()

        def get_converter(self, layer: Any) -> Any:
            if layer not in self._layer_converters:
                kind = _ModelAdapter if is_model(layer) else _Adapter
                self._layer_converters[layer] = kind(layer, self)
            return self._layer_converters[layer]

        def convert_inside(
            self, layer: Any, obj: Any, shape: tuple[int, ...], label: str, use: Use
        ) -> Any:
            """Convert what a wrapper holds; see `LayerBuild.inside`."""
            dtype = layer.inputs[0].dtype if is_model(layer) else None
            tensor = import_tf_keras().Input(shape, dtype=dtype)
            layer(tensor)
            node_id = len(layer.inbound_nodes) - 1
            nengo.Network.context[-1].layer_map[tensor._keras_history[0]][0] = [obj]
            self.labels[layer, node_id] = label
            kept = self.scope, self.temporal_model
            # the wrapper's time axis isn't among the axes that the layer sees
            self.scope, self.temporal_model = _Inside(use), False
            try:
                found = self.get_converter(layer).convert(node_id)
            finally:
                self.scope, self.temporal_model = kept
            if isinstance(found, nengo.Network):
                found = found.outputs[layer.outputs[0]]  # inputs stand there as well
            return found

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

    class _ModelAdapter(model_base):
        """Converts a model, also one with inputs that no output hangs on."""

        layer: Any

        def convert(self, node_id: int | None) -> Any:
            model, outer = self.layer, self.converter.scope
            outside: Callable[[int], Use] | None = None
            if node_id is not None:
                results = leaves(model.inbound_nodes[node_id].outputs)
                outside = lambda number: outer.use_of(results[number])  # noqa: E731
            self.converter.scope = Scope(model, outside)
            name = self.converter.labels.get((model, node_id), model.name)
            self.layer = _WholeModel(model, name)
            try:
                return super().convert(node_id)
            finally:
                self.layer, self.converter.scope = model, outer
                # which are used is noted in ``swapped``; NengoDL warns of the others
                swaps = self.converter.swap_activations
                swaps.read.update(swaps)

    class _Adapter(layer_base):
        """Calls a conversion, the package's or NengoDL's, and notes what came of it."""

        def convert(self, node_id: int) -> Any:
            build = _build_of(self.layer, node_id, self.converter)
            try:
                found = self._convert(build, node_id)
            except NengoEnergyError as error:
                found = _placeholder(build, str(error))
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                found = _placeholder(build, f"{type(error).__name__}: {error}")
            if build.inputs and found is build.inputs[0]:
                kind = type(held_by(self.layer)).__name__
                self.converter.passed_on[build.layer_name] = kind
            if len(build.call.outputs) == 1:
                return found
            parts = _parts(build, found)
            for tensor, obj in zip(build.call.outputs, parts):
                self.converter.several[tensor.ref()] = tensor, obj
            several = nengo.Network(add_to_container=False)
            several.outputs = dict(enumerate(parts))
            return several

        def _convert(self, build: LayerBuild, node_id: int) -> Any:
            theirs = _nengo_dl_conversion(self.layer)
            if theirs is None:
                return convert_call(build)
            convertible, reason = theirs.convertible(self.layer, self.converter)
            if not convertible:
                raise UnsupportedError(reason)
            return theirs(self.layer, self.converter).convert(node_id)

    return EnergyConverter


def convert_call(build: LayerBuild) -> Any:
    """Return the object for one call of a layer; several outputs follow each other.

    A conversion of the layer's class comes first, then what running the layer tells of
    it, and at last the host.
    """
    if build.n_leading > 1:
        check_steps_apart(build)
    for tensor in build.call.outputs:
        build.shape_of(tensor)  # has a size
    if build.masks:
        return convert_on_host(build)
    conversion = find_conversion(build.layer)
    if conversion is not None:
        call = held_call(build.call)
        return conversion(replace(build, layer=call.layer, call=call))
    for convert in (convert_linear, convert_function):
        found = convert(build)
        if found is not None:
            return found
    return convert_on_host(build)


def _parts(build: LayerBuild, obj: Any) -> list[nengo.Node]:
    """Return a node for each output of a layer that has several."""
    nodes, start = [], 0
    for k, size in enumerate(_sizes(build)):
        nodes.append(build.node(size, f"output {k}"))
        build.connect(obj[start : start + size], nodes[-1])
        start += size
    return nodes


def _sizes(build: LayerBuild) -> list[int]:
    """Return the sizes of the outputs, also of a layer that can't be converted."""
    shapes = [tensor.shape[build.n_leading :] for tensor in build.call.outputs]
    return [int(np.prod([n or 1 for n in shape], dtype=int)) for shape in shapes]


def _nengo_dl_conversion(layer: Any) -> Any:
    """Return a converter of NengoDL's registry, for KerasSpiking's layers and those
    that the user registered there."""
    nengo_dl = import_nengo_dl()
    found = nengo_dl.Converter.converters.get(type(layer))
    if found is None or type(layer).__module__.startswith("keras_spiking"):
        return found
    return None if found.__module__ == nengo_dl.converter.__name__ else found


def _placeholder(build: LayerBuild, reason: str) -> nengo.Node:
    """Note that a layer can't be converted, and return a node in its place."""
    kind = type(held_by(build.layer)).__name__
    build.converter.obstacles.append(Obstacle(build.layer_name, kind, reason))
    return nengo.Node(size_in=sum(_sizes(build)))


def _build_of(layer: Any, node_id: int, converter: Any) -> LayerBuild:
    """Return a call of a layer with what feeds it and where it goes."""
    node = layer.inbound_nodes[node_id]
    call = read_node(node)
    layer_map = nengo.Network.context[-1].layer_map

    def converted(tensor: Any) -> Any:
        source, source_node, index = tensor._keras_history
        return layer_map[source][source_node][index]

    masks = masks_of(call)
    sources = [tensor for mask in masks.values() for tensor in mask.sources]
    uses = [converter.scope.use_of(tensor) for tensor in call.outputs]
    label = layer.name if not node.keras_inputs else f"{layer.name}.{node_id}"
    return LayerBuild(
        layer=layer,
        call=call,
        inputs=tuple(map(converted, call.tensors)),
        label=converter.labels.get((layer, node_id), label),
        options=converter.energy_options,
        n_leading=2 if converter.temporal_model else 1,
        use=uses[0] if len(uses) == 1 else Use(feeds_layers=True),
        masks=masks,
        mask_inputs=tuple(map(converted, sources)),
        prefix="".join(f"{net.label}/" for net in nengo.Network.context[1:]),
        converter=converter,
    )


class _Inside(NamedTuple):
    """The scope of a layer within a wrapper: there is nothing but the layer."""

    use: Use

    def use_of(self, tensor: Any) -> Use:
        """Return what becomes of the result."""
        return self.use


class _WholeModel:
    """A model that has its inputs among its outputs, so that all are converted."""

    def __init__(self, model: Any, name: str):
        self._model = model
        self.name = name
        self.outputs = [*model.outputs, *model.inputs]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)
