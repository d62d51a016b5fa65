"""Fixtures for all tests."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest

# before TensorFlow is imported anywhere: its libraries write to the error stream
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(autouse=True)
def _no_leaking_registrations():
    """Take back what a test registers."""
    from nengo_energy import devices
    from nengo_energy.layer_ops import counters as layer_counters

    with devices.isolated(), layer_counters.isolated():
        yield


@pytest.fixture(params=["keras2", "keras"])
def keras(request: pytest.FixtureRequest) -> ModuleType:
    """Keras 2 and, from TensorFlow 2.16 on, Keras 3."""
    from nengo_energy.compat import import_tf_keras

    if request.param == "keras2":
        return import_tf_keras()
    return importlib.import_module("keras")
