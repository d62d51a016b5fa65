"""Every class that Keras has is counted, or known not to be."""

from __future__ import annotations

from types import ModuleType

import pytest
from counted_layers import newest_keras

from nengo_energy.compat import import_tf_keras
from nengo_energy.layer_ops.counters import uncounted_classes
from nengo_energy.layer_ops.counters.registry import _LAYERS

pytestmark = pytest.mark.tensorflow

#: The walk through a model opens these, and counts what is inside.
OPENED = {"TimeDistributed"}


def exported_classes(keras: ModuleType) -> set[str]:
    """Return the names of the classes in ``keras.layers``, without their aliases."""
    return {
        value.__name__
        for value in vars(keras.layers).values()
        if isinstance(value, type)
    }


def test_every_layer_is_counted_or_known(keras: ModuleType) -> None:
    if keras is not import_tf_keras() and not hasattr(keras, "ops"):
        pytest.skip("the inside of tf.keras, which is looked at by itself")
    exported = exported_classes(keras)
    assert len(exported) > 100
    counted = {name for name, from_keras in _LAYERS if from_keras}
    missing = exported - counted - uncounted_classes().keys() - OPENED
    assert not missing, f"Keras {keras.__version__} has new layers: {sorted(missing)}"


def test_no_layer_is_both() -> None:
    counted = {name for name, _ in _LAYERS}
    assert not counted & uncounted_classes().keys()
    assert not counted & OPENED


def test_uncounted_classes_exist() -> None:
    keras = newest_keras()
    if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15):
        pytest.skip("an older Keras 3 lacks some of them")
    exported = exported_classes(keras) | exported_classes(import_tf_keras())
    assert uncounted_classes().keys() <= exported
