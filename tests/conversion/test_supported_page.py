"""The page of supported layers says what the registry of conversions does."""

from __future__ import annotations

import pytest
from counted_layers import newest_keras
from supported_layers import PAGE, PARTS, TABLES, fresh

from nengo_energy.compat import import_tf_keras

pytestmark = pytest.mark.tensorflow


def test_page_is_as_it_would_be_written_anew() -> None:
    if newest_keras() is import_tf_keras():
        pytest.skip("the page is of both versions of Keras")
    page = PAGE.read_text(encoding="utf-8")
    assert [part[2] for part in PARTS.finditer(page)] == list(TABLES)
    assert fresh(page) == page, "run python tests/helpers/supported_layers.py"
