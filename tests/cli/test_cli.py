"""The command line: what it prints where, and the exit code."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

import nengo_energy as ne
from nengo_energy.cli import program as cli


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: nengo-energy")
    assert "\n    demo " in out and "\n    devices " in out
    assert "\n    device " in out
    assert err == ""


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"nengo-energy {ne.__version__}\n"


@pytest.mark.parametrize("arguments", [["train"], [], ["devices", "--all"], ["device"]])
def test_wrong_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("usage: nengo-energy")


def test_devices_lists_every_device(capsys):
    assert cli.main(["devices"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    words = {line.split()[0] for line in out.splitlines() if line.split()}
    assert {"loihi", "spinnaker", "cpu"} <= set(ne.devices.names()) <= words


@pytest.mark.parametrize("name", ["H100@bf16-batch64", "loihi"])
def test_device_prints_every_number_with_its_source(name, capsys):
    assert cli.main(["device", name]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    device = ne.devices.get(name)
    assert out.startswith(f"{device.name}: ")
    assert out.count("\n- ") >= len(
        set(device.sources) & {q.source for q in device.quantities.values()}
    )
    for quantity in device.quantities.values():
        assert quantity.published in out


def test_unknown_device_or_point_is_an_error_of_the_users(capsys):
    assert cli.main(["device", "h100@bf32"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nengo-energy: operating point 'bf32' of device 'h100' not f")
    assert cli.main(["device", "abacus"]) == 1
    assert "device 'abacus' not found" in capsys.readouterr().err


def test_error_is_one_line_on_the_error_stream(capsys, monkeypatch):
    def broken():
        raise ne.NotFoundError("device 'loihi3' not found; known: loihi, cpu")

    monkeypatch.setattr(ne.devices, "names", broken)
    assert cli.main(["devices"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "nengo-energy: device 'loihi3' not found; known: loihi, cpu\n"


def test_missing_package_is_an_error_of_the_users(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert cli.main(["demo"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("nengo-energy: ") and "pip install tensorflow" in err
    assert err.count("\n") == 1


def test_errors_of_ours_are_not_hidden(monkeypatch):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr(ne.devices, "names", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["devices"])


def test_interrupt_exits_as_shells_do(capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(ne.devices, "names", interrupted)
    assert cli.main(["devices"]) == 128 + 2  # SIGINT is signal 2
    assert capsys.readouterr().err == "nengo-energy: stopped\n"


def test_reader_that_stops_reading_is_no_error():
    """As in ``nengo-energy devices | head -1``."""
    command = [sys.executable, "-m", "nengo_energy.cli", "devices"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, "")


def test_warnings_are_sentences_in_the_words_of_the_command_line(capsys, monkeypatch):
    """As they are, wherever in the library they come from."""
    said = 'the network is silent: pass scale_firing_rates="auto" or timesteps=.'
    monkeypatch.setattr(cli, "_devices", lambda options: warnings.warn(said))
    assert cli.main(["devices"]) == 0
    assert capsys.readouterr().err == (
        "nengo-energy: warning: the network is silent: pass --scale-firing-rates auto "
        "or --timesteps.\n"
    )
