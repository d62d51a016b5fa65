"""Files are written whole or not at all, and errors come before the work."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest
from paths import ROOT

from nengo_energy.common import file_output
from nengo_energy.common.exceptions import InputError
from nengo_energy.common.figures import new_figure
from nengo_energy.common.file_output import check_writable, write_text


def test_text_is_written_in_utf8_as_it_is(tmp_path):
    write_text(tmp_path / "a.txt", "5 µJ\nend")
    assert (tmp_path / "a.txt").read_bytes() == b"5 \xc2\xb5J\nend"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    file.write_text("what the user had")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(file_output.os, "fsync", fail)
    with pytest.raises(InputError, match="a.txt' can't be written: No space left"):
        write_text(file, "new")
    assert file.read_text() == "what the user had"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    file.write_text("what the user had")

    def stop(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(file_output.os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_text(file, "new")
    assert file.read_text() == "what the user had"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_replaced_file_keeps_its_permissions_and_a_link_stays_one(tmp_path):
    file, link = tmp_path / "a.txt", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    before = file.stat().st_ino
    write_text(link, "new")
    assert file.stat().st_ino != before  # a file of its own, moved here when whole
    assert link.is_symlink() and file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "other").write_text("")
    write_text(tmp_path / "new", "")
    modes = {p.name: p.stat().st_mode for p in tmp_path.iterdir()}
    assert modes["new"] == modes["other"]


def test_every_writer_replaces_files_as_a_whole():
    """By the one helper: no other line of the package opens a file to write."""
    opens = re.compile(r"write_bytes\(|np\.savez?\(|model\.save\(|[\"']w[b\"']")
    found = {
        file.relative_to(ROOT / "nengo_energy").as_posix()
        for file in (ROOT / "nengo_energy").rglob("*.py")
        if opens.search(file.read_text())
    }
    within = {"common/file_output.py", "sweeps/checkpoint.py", "cli/demo.py"}
    into_a_folder_of_its_own = {"sweeps/models.py", "keras_models/formats.py"}
    assert found == within | into_a_folder_of_its_own


@pytest.mark.parametrize("name", ["energy.svg", "energy"])
def test_a_figure_that_fails_leaves_the_old_file_and_no_other(tmp_path, name):
    pytest.importorskip("matplotlib")
    figure = new_figure(2, 2)
    figure.savefig(tmp_path / name)
    (file,) = tmp_path.iterdir()
    assert file.suffix == (".svg" if name.endswith("svg") else ".png")
    before = file.read_bytes()
    figure.text(0, 0, "$\\no$")  # matplotlib raises when it comes to it
    with pytest.raises(ValueError, match="no"):
        figure.savefig(tmp_path / name)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_devices_are_written_to_directly():
    write_text(os.devnull, "gone")
    assert Path(os.devnull).is_char_device()


def test_unwritable_paths_are_refused_before_anything_is_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        check_writable(tmp_path)
    with pytest.raises(InputError, match="no/a.txt' can't be written: there is no fol"):
        check_writable(tmp_path / "no" / "a.txt")
    with pytest.raises(InputError, match="can't be written: there is no folder"):
        check_writable(tmp_path / "file" / "a.txt")
    with pytest.raises(InputError, match="can't be written"):
        check_writable("a\0b")
    with pytest.raises(InputError, match="can't be written: File name too long"):
        write_text(tmp_path / ("x" * 300), "")
    assert os.listdir(tmp_path) == ["file"]


def test_protected_places_are_refused(tmp_path, monkeypatch):
    """By the answer of the system, which says yes to everything where root asks."""
    file = tmp_path / "a.txt"
    asked = []

    def deny(path, mode):
        asked.append((path, mode))
        return False

    monkeypatch.setattr(file_output.os, "access", deny)
    with pytest.raises(InputError, match="no permission"):
        check_writable(file)
    file.write_text("the user's")
    with pytest.raises(InputError, match="no permission"):
        check_writable(file)
    assert asked == [(tmp_path.resolve(), os.W_OK), (file.resolve(), os.W_OK)]
