"""JSON and TOML of strangers end soon, in a value that can be used or in our error."""

from __future__ import annotations

import os
import threading
from decimal import Decimal
from pathlib import Path

import pytest

import nengo_energy as ne
from nengo_energy.common import text_files
from nengo_energy.common.text_files import parse_json, parse_toml, read_text

HOSTILE = {
    "deep": ("[" * 50_000, "a = " + "[" * 50_000),
    "long number": ("9" * 5000, "a = " + "9" * 5000),
    "large integer": ("[1, 1" + "0" * 400 + "]", "a = 1" + "0" * 400),
    "half of a letter": ('{"\\ud800": 1}', 'a = "\\ud800"'),
    "null bytes": ("\0", "\0"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("number", [float, Decimal])
def test_what_no_value_can_be_made_of_is_refused(name, number):
    for parse, text in zip((parse_json, parse_toml), HOSTILE[name]):
        with pytest.raises(ne.InputError, match="not valid"):
            parse(text, number) if parse is parse_toml else parse(text)


def test_json_has_no_infinite_numbers():
    for text in ("1e400", "NaN", "[-Infinity]"):
        with pytest.raises(ne.InputError, match="isn't a number"):
            parse_json(text)


def test_keys_whose_time_grows_with_their_square_are_refused():
    """20,000 dots, 40 kB, took 5.5 s."""
    with pytest.raises(ne.InputError, match="more than 1,000 dots in a line"):
        parse_toml(".".join("a" * 20_000) + " = 1")
    with pytest.raises(ne.InputError, match="longer than 1,048,576 characters"):
        parse_toml("a = '" + "x" * 2**20 + "'")
    assert parse_toml("a.b = '" + "." * 900 + "'") == {"a": {"b": "." * 900}}


def test_what_is_read_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "MAX_TEXT", 1000)
    for file in (tmp_path / "long", Path("/dev/zero")):
        if file.parent == tmp_path:
            file.write_text("x" * 1001)
        if file.exists():
            with pytest.raises(ne.InputError, match="1 kB of text"):
                read_text("this", file)
    (tmp_path / "short").write_text("x" * 1000)
    assert len(read_text("this", tmp_path / "short")) == 1000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=("a = 1",)).start()
    assert parse_toml(read_text("this", pipe)) == {"a": 1}
