"""The HTML report in a real browser: no errors, and every number is the frame's."""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from browser import open_browser
from report_examples import (
    AWKWARD,
    Comparison,
    Ledger,
    activity_rows,
    make_estimate,
    sweep_rows,
)

import nengo_energy as ne
from nengo_energy.estimates.report import energies_by_layer

CHARTS = ["totals", *(f"layers-{i}" for i in range(5)), "rates", "agreement"]
CHARTS += ["curve", "tradeoff", "mesh-0"]
SCALES = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3}
SCALES = {**SCALES, "": 1.0, "k": 1e3, "M": 1e6}


@pytest.fixture(scope="module")
def estimate():
    return make_estimate()


@pytest.fixture(scope="module")
def page(estimate, tmp_path_factory):
    """The report, drawn."""
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    frame = activity_rows()
    frame.attrs["units"] = {"firing_rate": "Hz", "spikes": "1/inf"}
    ne.write_report(
        path,
        estimate,
        activity=frame,
        comparison=Comparison(),
        sweep=sweep_rows(),
        ledger=Ledger(),
        model_energy=pd.DataFrame({"name": ["dense"], "energy loihi": [3.25e-9]}),
        title=AWKWARD,
    )
    with open_browser(folder / "profile") as browser:
        browser.get(path.as_uri())
        drawn = browser.execute_async_script(
            "const done = arguments[0];"
            "window.reportReady.then(() => done(Object.keys(reportViews)),"
            "                        (error) => done(String(error)));"
        )
        assert sorted(drawn) == sorted(CHARTS)
        yield browser


def tables(page, section):
    """Return the tables of a section: lists of rows, of (text, value) each."""
    return page.execute_script(
        """
        return [...document.querySelectorAll("#" + arguments[0] + " table")].map(t =>
          [...t.rows].map(r => [...r.cells].map(c =>
            [c.textContent, c.dataset.value === undefined ? null : +c.dataset.value])));
        """,
        section,
    )


def by_heading(table):
    """Return a table as {column: [(text, value), ...]}."""
    return {column[0][0]: column[1:] for column in zip(*table)}


def values(column):
    return [value for _, value in column]


def assert_equal(found, wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted):
        assert a == b or (a is None and (b is None or math.isnan(b)))


def data_of(page, chart, n=0):
    """Return the data that a chart was given."""
    return page.execute_script(
        "return window.reportViews[arguments[0]].data('source_' + arguments[1])"
        ".map(d => Object.fromEntries(Object.entries(d)))",
        chart,
        n,
    )


def test_nothing_was_logged_and_nothing_loaded(page):
    assert page.get_log("browser") == []
    sent = [json.loads(e["message"])["message"] for e in page.get_log("performance")]
    urls = [
        m["params"]["request"]["url"]
        for m in sent
        if m["method"] == "Network.requestWillBeSent"
        and m["params"]["documentURL"].startswith("file:")
    ]
    assert [url.split(":")[0] for url in urls if not url.startswith("data:")] == [
        "file"
    ]


def test_titles_come_out_as_they_are(page):
    assert page.title == f"{AWKWARD} - energy per inference"
    assert page.find_element("tag name", "h1").text == AWKWARD


def test_every_printed_number_is_its_value_rounded(page):
    cells = page.execute_script(
        "return [...document.querySelectorAll('[data-value]')].map(c =>"
        " [c.textContent, c.dataset.value])"
    )
    assert len(cells) > 300
    for text, value in cells:
        text, value = text.replace(",", "").strip(), float(value)
        found = re.fullmatch(
            r"(-?[\d.]+(?:e-?\d+)?)(?: ([afpnµmkM]?)(J s|J|W|s)| %)?", text
        )
        assert found, text
        number, prefix, unit = found.groups()
        scale = 0.01 if text.endswith("%") else SCALES[prefix or ""]
        mantissa, _, exponent = number.partition("e")
        digits = len(mantissa.partition(".")[2])
        step = 10.0 ** (int(exponent or 0) - digits) * scale
        # three digits of large numbers without a point leave zeros at the end
        loose = max(step, 0.005 * value if "." not in mantissa else 0)
        assert float(number) * scale == pytest.approx(value, abs=0.501 * loose), text


def test_cards_show_the_totals(page, estimate):
    found = page.execute_script(
        "return [...document.querySelectorAll('.card[data-device]')].map(c =>"
        " [c.dataset.device, +c.querySelector('.number').dataset.value])"
    )
    assert dict(found) == {name: estimate.total(name) for name in estimate.devices}
    others = page.execute_script(
        "return [...document.querySelectorAll('.card:not([data-device])')].map(c =>"
        " [c.querySelector('h3').textContent,"
        "  +c.querySelector('.number').dataset.value])"
    )
    assert dict(others) == {
        "accuracy, Keras model": 0.95,
        "accuracy, converted": 0.9,
        "neurons": 510,
        "spikes per inference": 1000.25,
    }


def test_layer_table_equals_the_sums_of_the_frame(page, estimate):
    table = by_heading(tables(page, "energy")[0])
    frame = estimate.to_frame()
    labels, _ = energies_by_layer(estimate)
    assert list(table) == ["layer", *estimate.devices]
    rows = [text for text, _ in table["layer"]]
    assert rows == [*labels, "total", "low", "high"]
    for name in estimate.devices:
        own = frame[frame["device"] == name]
        found = dict(zip(rows, values(table[name])))
        for layer in ("conv", "dense"):
            wanted = own[(own["layer"] == layer) & (own["where"] == "device")]
            assert found[layer] == pytest.approx(wanted["energy"].sum(), rel=1e-12)
        assert found["total"] == pytest.approx(own["energy"].sum(), rel=1e-12)
        if found["low"] is not None:
            assert found["low"] == pytest.approx(own["low"].sum(), rel=1e-12)
            assert found["high"] == pytest.approx(own["high"].sum(), rel=1e-12)


def test_rows_table_equals_the_frame(page, estimate):
    table = by_heading(tables(page, "layers")[0])
    frame = estimate.to_frame()
    assert [text for text, _ in table["device"]] == list(frame["device"])
    assert [text for text, _ in table["layer"]] == list(frame["layer"])
    columns = {"count": "count", "price": "energy_per_operation"}
    columns.update({name: name for name in ("energy", "low", "high", "std")})
    for heading, column in columns.items():
        assert_equal(values(table[heading]), list(frame[column]))


def test_other_tables_equal_their_frames(page):
    comparison = Comparison()
    # (section, number of the table, its first heading, frame, columns by heading)
    expected = [
        ("activity", 0, activity_rows(), {"spikes [1/inf]": "spikes"}),
        ("activity", 0, activity_rows(), {"firing rate [Hz]": "firing_rate"}),
        ("activity", 0, activity_rows(), {"silent": "silent"}),
        ("comparison", 0, comparison.outputs_frame(), {"accuracy": "accuracy"}),
        ("comparison", 1, comparison.to_frame(), {"correlation": "correlation"}),
        ("comparison", 1, comparison.to_frame(), {"relative error": "relative_error"}),
        ("comparison", 2, comparison.curve_frame(), {"timesteps": "timesteps"}),
        ("comparison", 2, comparison.curve_frame(), {"energy chip": "energy chip"}),
        ("tradeoff", 0, sweep_rows(), {"scale firing rates": "scale_firing_rates"}),
        ("tradeoff", 0, sweep_rows(), {"accuracy": "accuracy"}),
        ("tradeoff", 0, sweep_rows(), {"energy chip": "energy chip"}),
        ("mesh", 1, Ledger().to_frame(), {"synops": "synops"}),
    ]
    for section, k, frame, headings in expected:
        table = by_heading(tables(page, section)[k])
        for heading, column in headings.items():
            assert_equal(values(table[heading]), list(frame[column]))
    failed = by_heading(tables(page, "tradeoff")[0])["error"]
    assert failed[-1][0] == "InputError: too large"
    assert by_heading(tables(page, "model-energy")[0])["energy loihi"] == (
        ["3.25 nJ", 3.25e-9],
    )


def test_mesh_table_is_per_inference(page):
    table = by_heading(tables(page, "mesh")[0])
    # 80,000 + 40,000 + 20,000 + 10,000 + 0 synops in two inferences, and 6,001
    assert values(table["synops [1/inf]"]) == [75_000, 3_000.5, 78_000.5]
    assert values(table["cores"]) == [5, 1, 6]


def test_bars_are_drawn_as_long_as_their_energies(page, estimate):
    """By the geometry on the screen, which knows nothing of the numbers in the page."""
    frame = estimate.to_frame()
    for i, name in enumerate(estimate.devices):
        bars = page.execute_script(
            "return [...document.querySelectorAll("
            " '#chart-layers-' + arguments[0] + ' .mark-rect path')]"
            ".map(b => b.getBBox().width)",
            i,
        )
        energies = frame.loc[frame["device"] == name, "energy"]
        assert len(bars) == len(energies)
        scale = sum(bars) / energies.sum()
        assert max(bars) > 100
        for width, energy in zip(sorted(bars), sorted(energies)):
            assert width == pytest.approx(scale * energy, rel=1e-3, abs=0.01)


def test_no_text_of_a_chart_is_cut_off(page):
    """Boxes of texts are those of their fonts, a little higher than the letters."""
    cut = page.execute_script("""
        return [...document.querySelectorAll("svg.marks")].flatMap(svg => {
          const box = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter(text => {
            const own = text.getBoundingClientRect();
            return own.width && (own.left < box.left - 1 || own.right > box.right + 1
              || own.top < box.top - 3 || own.bottom > box.bottom + 1);
          }).map(text => text.textContent);
        });
    """)
    assert cut == []


def test_charts_hold_the_numbers_of_the_frames(page, estimate):
    totals = {d["device"]: d for d in data_of(page, "totals")}
    for name in estimate.devices:
        assert totals[name]["total"] == estimate.total(name)
        assert [totals[name]["low"], totals[name]["high"]] == pytest.approx(
            estimate.interval(name), rel=1e-12
        )
    rates = data_of(page, "rates")
    assert [d["layer"] for d in rates] == list(activity_rows()["population"])
    assert [d["mean"] for d in rates] == list(activity_rows()["firing_rate"])
    assert [d["max"] for d in rates] == list(activity_rows()["firing_rate_max"])
    agreement = {
        (d["layer"], d["quantity"]): d["value"] for d in data_of(page, "agreement")
    }
    assert agreement == {
        ("conv", "correlation"): 0.985,
        ("conv", "relative error"): 0.1234,
        ("dense", "relative error"): 0.5,
    }
    curve = data_of(page, "curve")
    assert [(d["timesteps"], d["value"], d["low"], d["high"]) for d in curve] == [
        (10, 0.3, 0.25, 0.36),
        (20, 0.8, 0.75, 0.85),
        (50, 0.9, 0.84, 0.94),
    ]
    mesh = data_of(page, "mesh-0", 1)
    assert [d["value"] for d in mesh] == [40_000, 20_000, 10_000, 5_000, 0, 3_000.5]
    # four cores share the first tile, two the second
    assert len({(d["x"], d["y"]) for d in mesh}) == 6
    assert [int(d["x"]) for d in mesh] == [0, 0, 0, 0, 1, 1]


def test_the_front_is_that_of_each_device(page):
    points = data_of(page, "tradeoff")
    chip = [
        (d["energy"], d["value"], d["front"]) for d in points if d["device"] == "chip"
    ]
    assert chip == [(1e-7, 0.5, True), (9e-7, 0.9, True), (8e-6, 0.88, False)]
    # a dense device runs the Keras model, and has its accuracy
    assert {d["value"] for d in points if d["device"] == "arm"} == {0.95}
    assert points[0]["setting"] == "scale_firing_rates 10, timesteps 20"


def click(page, *names):
    for box in page.find_elements("css selector", ".toggles input"):
        if box.get_attribute("value") in names:
            box.click()
    page.execute_async_script("setTimeout(arguments[0], 100)")


def shown_devices(page):
    return page.execute_script(
        "return [...document.querySelectorAll('[data-device]')]"
        ".filter(e => !e.hidden).map(e => e.dataset.device)"
    )


def test_devices_are_turned_off_and_on_everywhere(page, estimate):
    before = shown_devices(page)
    assert set(before) == set(estimate.devices)
    click(page, "arm", "twin")
    try:
        assert set(shown_devices(page)) == set(before) - {"arm", "twin"}
        dots = page.execute_script(
            "return document.querySelectorAll('#chart-totals .mark-symbol path').length"
        )
        assert dots == len(estimate.devices) - 2
        points = page.execute_script(
            "return document.querySelectorAll("
            " '#chart-tradeoff .mark-symbol.role-mark path').length"
        )
        assert points == 3  # those of the chip
    finally:
        click(page, "arm", "twin")
    assert shown_devices(page) == before


def test_hovering_shows_what_a_bar_is(page):
    from selenium.webdriver import ActionChains

    # the longest bar of the last device is the host's work on the image
    bars = page.find_elements("css selector", "#chart-layers-1 .mark-rect path")
    bar = max(bars, key=lambda b: b.size["width"])
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", bar)
    ActionChains(page).move_to_element(bar).perform()
    page.execute_async_script("setTimeout(arguments[0], 200)")
    tip = page.find_element("id", "vg-tooltip-element").text
    # 1,000,000 MACs x 0.9 nJ
    for words in (
        "image (host)",
        "multiply-accumulate",
        "900 µJ",
        "1,000,000",
        "900 pJ",
    ):
        assert words in tip
    title = page.find_element("tag name", "h1")
    page.execute_script("arguments[0].scrollIntoView()", title)
    ActionChains(page).move_to_element(title).perform()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(page, scheme):
    """Contrast of 4.5 to 1, which WCAG 2.1 asks of text; also of that in charts."""
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    try:
        colours = page.execute_script("""
            const style = (q, p) => getComputedStyle(document.querySelector(q))[p];
            return [style("main > section[id]", "backgroundColor"),
              style("h2", "color"), style(".lead", "color"), style("nav a", "color"),
              style("td:not([data-value])", "color"), style("td[data-value]", "color"),
              style("#chart-totals .role-axis-label text", "fill"),
              style("#chart-totals .mark-text.role-mark text", "fill"),
              style("#chart-tradeoff .role-legend-label text", "fill")];
            """)
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    ground, *texts = [luminance(colour) for colour in colours]
    assert (ground < 0.1) is (scheme == "dark")
    for text in texts:
        low, high = sorted((ground, text))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colours


def luminance(colour):
    """Return the relative luminance of a colour, as WCAG 2.1 defines it."""
    channels = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_paper_shows_what_is_folded_up_and_no_switches(page):
    printed = page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    # what print changed is put back
    assert not page.find_elements("css selector", "details[open]")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    try:
        assert not page.find_element("css selector", ".toggles").is_displayed()
        closed = page.find_elements("css selector", "details:not([open])")
        assert not closed
        ground = page.execute_script(
            "return getComputedStyle(document.body).backgroundColor"
        )
        assert ground == "rgb(255, 255, 255)"
        widths = page.execute_script(
            "return [...document.querySelectorAll('.chart')].map(c =>"
            " c.querySelector('svg').getBoundingClientRect().width / c.clientWidth)"
        )
        assert all(width <= 1.001 for width in widths)
    finally:
        page.execute_script("window.dispatchEvent(new Event('afterprint'))")
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_narrow_screen_scrolls_no_further_than_tables(page):
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.execute_async_script("setTimeout(arguments[0], 300)")
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_slider_shows_the_table_of_its_timesteps(estimate, tmp_path):
    estimates = [replace(estimate, settings={"timesteps": n}) for n in (10, 20, 50)]
    path = tmp_path / "report.html"
    ne.write_report(path, estimate, over_time=estimates)
    with open_browser(tmp_path / "profile") as browser:
        browser.get(path.as_uri())
        browser.execute_async_script(
            "const done = arguments[0]; window.reportReady.then(() => done());"
        )
        shown = """
            const slider = document.querySelector(".slider input");
            if (arguments[0] !== null) {
              slider.value = arguments[0];
              slider.dispatchEvent(new Event("input"));
            }
            return [[...document.querySelectorAll("[data-timesteps]")]
              .filter((e) => !e.hidden).map((e) => e.dataset.timesteps),
              document.querySelector(".slider output").value,
              window.reportViews["over-time"].signal("timesteps")];
        """
        assert browser.execute_script(shown, None) == [["50"], "50", 50]
        assert browser.execute_script(shown, 0) == [["10"], "10", 10]
        assert browser.get_log("browser") == []
