"""The JSON schema of all that is written, made from the code.

python tests/helpers/json_schema.py writes docs/schema.json.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields

from paths import ROOT

from nengo_energy.common.assumptions import Assumption
from nengo_energy.common.frame_records import SCHEMA_VERSION
from nengo_energy.devices import files
from nengo_energy.devices.device import Device
from nengo_energy.devices.fields import KINDS, PARTS
from nengo_energy.devices.quantity import EVIDENCE, REREAD, UNITS_OF_POWER, Quantity
from nengo_energy.devices.spread import Spread
from nengo_energy.estimates import serialization
from nengo_energy.estimates.estimate import (
    EnergyEstimate,
    EnergyRow,
    Interval,
    Moved,
    NotModelled,
)

PAGE = ROOT / "docs" / "schema.json"

TEXT, NUMBER, TRUTH, OBJECT = (
    {"type": name} for name in ("string", "number", "boolean", "object")
)
TEXTS = {"type": "array", "items": TEXT}
UNKNOWN = {"type": ["number", "null"]}
TYPES = {
    "str": TEXT,
    "int": {"type": "integer"},
    "float": NUMBER,
    "bool": TRUTH,
    "object": {},
    "int | None": {"type": ["integer", "null"]},
    "bool | None": {"type": ["boolean", "null"]},
    "float | None": UNKNOWN,
    "tuple[str, ...]": TEXTS,
    "tuple[int, int]": {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 2,
        "maxItems": 2,
    },
    "tuple[tuple[int, float], ...]": {
        "type": "array",
        "items": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    },
    "Mapping[str, str]": {"type": "object", "additionalProperties": TEXT},
    "Mapping[str, float]": {"type": "object", "additionalProperties": NUMBER},
    "Mapping[str, object]": OBJECT,
}
CLASSES = (
    EnergyEstimate,
    EnergyRow,
    Interval,
    Moved,
    NotModelled,
    Assumption,
    Device,
    Quantity,
    Spread,
)
NAMES = {cls.__name__: cls for cls in CLASSES}

VALUE = {"type": ["number", "string", "boolean", "null", "object"]}
ROWS = {"type": "array", "items": {"type": "object", "additionalProperties": VALUE}}
"""Rows of a frame."""


def one_of(words):
    return {"enum": list(words)}


def by_name(schema):
    return {"type": "object", "additionalProperties": schema}


def record(required, optional=None):
    """Return an object of these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def of_type(annotation):
    """Return the schema of a field's annotation."""
    bare = annotation.replace(" | None", "")
    for before, after in (("tuple[", ", ...]"), ("Mapping[str, ", "]")):
        inner = bare[len(before) : -len(after)]
        if bare.startswith(before) and inner in NAMES:
            inside = {"$ref": f"#/$defs/{inner}"}
            many = before == "tuple["
            return {"type": "array", "items": inside} if many else by_name(inside)
    if bare in NAMES:
        return {"$ref": f"#/$defs/{bare}"}
    return TYPES[annotation]


def of_class(cls, renamed=None):
    """Return the schema of a dataclass: fields with a default may be left out."""
    required, optional = {}, {}
    for field in fields(cls):
        has_default = (field.default, field.default_factory) != (MISSING, MISSING)
        name = (renamed or {}).get(field.name, field.name)
        (optional if has_default else required)[name] = of_type(field.type)
    return record(required, optional)


def output(kind, required, version=SCHEMA_VERSION):
    """Return the schema of a file that says what it is."""
    said = {
        "schema": {"const": f"nengo_energy.{kind}"},
        "schema_version": {"const": version},
    }
    return record({**said, **required})


def device_file():
    """Return the schema of a device file, TOML read as JSON."""
    words = {
        "evidence": one_of(EVIDENCE),
        "year": {"type": "integer"},
        "per": one_of(UNITS_OF_POWER),
        "all_in": TRUTH,
        "reread": one_of(REREAD),
        "terms": {"type": "array", "items": NUMBER},
        "steps": by_name(NUMBER),
        **dict.fromkeys(("value", "low", "high"), NUMBER),
    }
    units = [unit for group in files.UNITS.values() for unit in group]
    copied = {name: words.get(name, TEXT) for name in files.QUANTITY_COPIED}
    rest = {n: words.get(n, TEXT) for n in ("value", "terms", *files.QUANTITY_OPTIONAL)}
    unit = {"unit": one_of(units)}
    quantity, number = record(unit, {**copied, **rest}), record(
        {}, {**unit, **copied, **rest}
    )
    own = {
        **{part: {"$ref": "#/$defs/quantity"} for part in PARTS},
        **{part: by_name({"$ref": "#/$defs/quantity"}) for part in files.MANY},
        "capacity": by_name({"$ref": "#/$defs/capacity"}),
        "description": TEXT,
        "real_time": record({"value": TRUTH, "source": TEXT}),
        "spike_input": TRUTH,
        "notes": TEXTS,
        "not_modelled": by_name(TEXT),
        "included": TEXTS,
        "batch_size": {"type": "integer", "minimum": 1},
        "word_bits": {"type": "integer", "minimum": 1},
        "spread": of_class(Spread),
        "shared": record({}, copied),
    }
    assert set(own) == set(files.POINT_OPTIONAL)
    whole = {
        **own,
        "unpriced": TEXT,
        "default_operating_point": TEXT,
        "operating_points": by_name(record({}, own)),
    }
    assert set(whole) - {"energies"} == set(files.DEVICE_OPTIONAL)
    named = {"name": TEXT, "kind": one_of(KINDS), "sources": by_name(TEXT)}
    return {"quantity": quantity, "capacity": number}, record(named, whole)


def schema():
    """Return the schema of all that is written, and of device files."""
    quantities, file = device_file()
    estimate = of_class(EnergyEstimate, {"models": "devices"})
    said = output("estimate", {}, serialization.SCHEMA_VERSION)["properties"]
    estimate["properties"] = {**said, **estimate["properties"]}
    estimate["required"] = [*said, *estimate["required"]]
    settings = OBJECT
    kinds = {
        "estimate": estimate,
        "comparison": output(
            "comparison",
            {
                "settings": settings,
                **dict.fromkeys(("layers", "outputs", "curve", "energy"), ROWS),
                "assumptions": TEXTS,
            },
        ),
        "sweep": output(
            "sweep",
            {
                "settings": settings,
                "grid": by_name({"type": "array"}),
                "devices": TEXTS,
                "points": ROWS,
            },
        ),
        "deployment": output(
            "deployment",
            {
                "settings": settings,
                "accuracy": UNKNOWN,
                **dict.fromkeys(("activity", "ledger", "costs", "rows"), ROWS),
                "differences": {
                    "type": "array",
                    "items": record(
                        {
                            "device": TEXT,
                            "estimate": NUMBER,
                            "steps": by_name(NUMBER),
                            "ledger": NUMBER,
                            "notes": TEXTS,
                        }
                    ),
                },
                "assumptions": TEXTS,
            },
        ),
        "check": output(
            "check",
            {
                "model": TEXT,
                "converts": TRUTH,
                "layers": ROWS,
                "refusals": TEXTS,
                **dict.fromkeys(
                    ("min_cores", "min_chips"), {"type": ["integer", "null"]}
                ),
            },
        ),
        "device_file": file,
    }
    own = {cls.__name__: of_class(cls) for cls in CLASSES if cls is not EnergyEstimate}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nengo_energy: outputs, and device files",
        "description": "In J, s and W unless a unit is named; null is not known.",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
        "$defs": {**kinds, **quantities, **own},
    }


def page():
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
