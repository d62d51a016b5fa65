"""Fixtures for all tests."""

from __future__ import annotations

import os

import pytest

# before TensorFlow is imported anywhere: its libraries write to the error stream
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(autouse=True)
def _no_leaking_devices():
    """Take back what a test registers."""
    from nengo_energy import devices

    with devices.isolated():
        yield
