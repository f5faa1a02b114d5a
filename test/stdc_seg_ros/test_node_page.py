"""docs/node.md says what the code does."""

import re
from pathlib import Path
from typing import get_args

import yaml

from stdc_seg_ros.camera_outputs import MESSAGE_TYPES
from stdc_seg_ros.camera_state import State
from stdc_seg_ros.camera_statistics import STAGES
from stdc_seg_ros.label_info import JSON_TOPIC, TOPIC
from stdc_seg_ros.parameters import SPECS

PAGE = (Path(__file__).parents[2] / 'docs/node.md').read_text()
ROWS = [
    [cell.strip() for cell in line.strip('|').split('|')]
    for line in PAGE.splitlines()
    if line.startswith('|')
]


def test_every_parameter_has_its_row():
    rows = {row[0].strip('`'): row[1:] for row in ROWS if row[0].strip('`') in SPECS}
    assert list(rows) == list(SPECS)
    for name, (default, when, what) in rows.items():
        spec = SPECS[name]
        assert yaml.safe_load(default.strip('`')) == spec.default
        assert when == spec.when
        assert all(f'`{choice}`' in what for choice in spec.choices), name


def test_every_output_has_its_row():
    rows = {row[0].strip('`'): row[1] for row in ROWS if row[0].startswith('`~/')}
    assert set(rows) == {f'~/{name}' for name in (*MESSAGE_TYPES, JSON_TOPIC, TOPIC)}
    for name, message_type in MESSAGE_TYPES.items():
        assert rows[f'~/{name}'].startswith(f'sensor_msgs/{message_type.__name__}')


def test_every_state_and_stage_is_explained():
    words = set(re.findall(r'\w+', ' '.join(row[0] for row in ROWS)))
    assert words >= set(get_args(State))
    assert set(re.findall(r'\w+', PAGE)) >= set(STAGES)
