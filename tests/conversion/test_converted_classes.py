"""Every layer class of Keras converts to what computes the same, or is refused."""

from __future__ import annotations

from types import ModuleType

import nengo
import numpy as np
import pytest
from converted_layers import EXAMPLES, HOST, NEURONS, NOT_LAYERS, REFUSED
from counted_layers import newest_keras
from impulses import impulse_synapses
from rate_outputs import rate_outputs

import nengo_energy as ne
from nengo_energy.compat import import_tf_keras
from nengo_energy.conversion.checking import check_converted
from nengo_energy.conversion.layerwise import convert_layers
from nengo_energy.conversion.verifying import verify_conversion

pytestmark = pytest.mark.tensorflow

SAMPLED = ("Conv2D", "BatchNormalization", "MaxPooling2D", "GRU", "Dropout")
"""Classes that are looked at in Keras 3 as well, the others in slow tests."""

BROKEN = {"SpectralNormalization"}
"""Classes that can't be built by tf_keras beside Keras 3."""

BROKEN_IN_KERAS_3 = {"Equalization", "RandomCrop"}
"""Keras makes no graph of the one, and the other's output isn't of the size it says."""

KERAS_3_ALONE = "has no equivalent in tf_keras|puts out something else when rebuilt"


def exported(keras: ModuleType) -> set[str]:
    return {v.__name__ for v in vars(keras.layers).values() if isinstance(v, type)}


def test_every_class_has_an_example() -> None:
    missing = exported(import_tf_keras()) | exported(newest_keras())
    assert len(missing) > 130
    missing -= EXAMPLES.keys() | NOT_LAYERS.keys()
    assert not missing
    assert not EXAMPLES.keys() & NOT_LAYERS.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_layer_of_keras_2(name: str) -> None:
    keras = import_tf_keras()
    if not hasattr(keras.layers, name) or name in BROKEN:
        pytest.skip("not in tf_keras, or broken there")
    check_example(keras, name)


@pytest.mark.parametrize("name", SAMPLED)
def test_layer_of_keras_3(name: str) -> None:
    check_example(newest_keras(), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - SAMPLED))
def test_other_layer_of_keras_3(name: str) -> None:
    keras = newest_keras()
    if not hasattr(keras.layers, name) or name in BROKEN_IN_KERAS_3:
        pytest.skip("not in this Keras, or broken there")
    check_example(keras, name)


def check_example(keras: ModuleType, name: str) -> None:
    """Convert a model of the layer, and compare it in rate mode and in synapses."""
    example = EXAMPLES[name]
    model = example.model(keras)
    if example.becomes == REFUSED:
        with pytest.raises(ne.UnsupportedError, match="layer|input_|input "):
            ne.convert(model)
        assert not ne.check_model(model).converts
        return
    found = convert_layers(model, 100.0)
    assert not found.obstacles
    (row,) = (x for x in check_converted(found).layers if x.layer == "layer")
    assert row.becomes == example.becomes
    assert (row.n_neurons > 0) == (row.becomes == NEURONS)

    if any(_has_three_axes(c) for c in found.snn.net.all_connections):
        assert verify_conversion(found.snn, approximate=False) == ()
        return  # Nengo's own simulator has no convolutions of more than two axes
    inputs = example.inputs()
    # one by one, as some layers look at all examples of a batch
    rows = [[x[k : k + 1] for x in inputs] for k in range(len(inputs[0]))]
    expected = np.concatenate(
        [np.asarray(model(x if len(x) > 1 else x[0], training=False)) for x in rows]
    )
    largest = np.max(np.abs(expected))
    assert np.ptp(expected) > 0
    (got,) = rate_outputs(found.snn, inputs)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4 * largest)

    if example.dtype is None and example.becomes != HOST:
        counted: dict[str, int] = {}
        topology = found.snn.topology
        for projection in topology.projections + topology.readouts:
            label = projection.source.label
            counted[label] = counted.get(label, 0) + projection.n_synapses
        assert counted == impulse_synapses(found.snn.net)


def _has_three_axes(conn: nengo.Connection) -> bool:
    kernel_size = getattr(conn.transform, "kernel_size", ())
    return len(kernel_size) > 2
