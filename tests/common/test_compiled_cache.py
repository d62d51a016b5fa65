"""Compiled loops that are kept on disk."""

import pytest


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    pytest.importorskip("numba")
    from numba.core import config

    from nengo_energy.common import compiled

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    return compiled


def double(x):
    return 2 * x


def n_found(compiled):
    """Compile a function, and return how often it was found on disk."""
    function = compiled.compiled(double)
    assert function(3) == 6
    return sum(function.stats.cache_hits.values())


def test_code_is_compiled_anew_when_any_source_of_it_changed(compiled, monkeypatch):
    assert [n_found(compiled), n_found(compiled)] == [0, 1]
    monkeypatch.setattr(compiled, "_sources", lambda: (("delivery.py", 1, 2),))
    assert [n_found(compiled), n_found(compiled)] == [0, 1]


def test_sources_are_all_files_that_compile(compiled):
    names = {name for name, _, _ in compiled._sources()}
    assert {"compiled.py", "delivery.py", "kernels.py", "neuron_kernels.py"} <= names
