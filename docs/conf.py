"""Sphinx: how the documentation is built.

pip install ".[docs]" && python -m sphinx -W docs docs/_build
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nengo_energy

HERE = Path(__file__).parent

project = "nengo_energy"
author = "the nengo_energy developers"
release = nengo_energy.__version__
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"nengo_energy {release}"
html_theme_options = {"sidebar_hide_name": False}

# what stands in single backticks is a name, and a link where it can be one
default_role = "py:obj"
autodoc_typehints = "none"  # numpydoc's sections have the types
autosummary_generate = True
# some file systems don't tell it from the page of the class Sweep
autosummary_filename_map = {"nengo_energy.sweep": "nengo_energy.sweep-function"}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# the notebook is run anew, and stops the build where it fails or writes to stderr
shutil.copy(HERE.parent / "examples" / "walkthrough.ipynb", HERE)
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "error"
# every other name must be found; packages without an inventory at hand, and classes
# that public ones are made of
nitpick_ignore_regex = [
    (r"py:.*", r"(nengo|nengo_dl|nengo_loihi|numpy|pandas|keras)\..*"),
    (r"py:class", r"nengo_energy\.common\.shown\.Shown"),
    (r"py:class", r"nengo_energy\.(conversion|model_energy)\..*"),
]
