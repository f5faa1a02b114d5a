"""docs/node.md says what the code does."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from stdc_core.labels import CAMVID
from stdc_seg_ros.camera import Camera
from stdc_seg_ros.camera_outputs import MESSAGE_TYPES
from stdc_seg_ros.camera_state import State
from stdc_seg_ros.camera_statistics import STAGES
from stdc_seg_ros.label_info import JSON_TOPIC, TOPIC, LabelInfoPublisher
from stdc_seg_ros.mailbox import Mailbox
from stdc_seg_ros.parameters import SPECS, ParameterServer

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


def words_of(qos):
    """Say a profile as the page does."""
    return f'depth {qos.depth}', qos.reliability.name.lower().replace('_', ' ')


@pytest.fixture
def camera(make_node):
    node = make_node()
    camera = Camera(node, '', CAMVID, ParameterServer(node), Mailbox())
    camera.activate()
    yield camera
    camera.destroy()


def test_every_topic_it_reads_has_its_row(camera):
    rows = {row[0].strip('`'): row for row in ROWS}
    topics = {'image': camera.input._images, 'camera_info': camera.input._infos}
    for name, subscription in topics.items():
        _, message_type, qos = rows[name]
        assert message_type == f'sensor_msgs/{subscription.msg_type.__name__}'
        depth, reliability = words_of(subscription.qos_profile)
        assert qos.startswith(depth)
        if name == 'camera_info':
            assert reliability in qos
    assert rows['image/compressed'][1].startswith('sensor_msgs/CompressedImage')


def test_qos_of_what_it_publishes_is_told(camera):
    text = ' '.join(PAGE.split())
    for publisher in camera.outputs._publishers.values():
        depth, reliability = words_of(publisher.qos_profile)
        assert f'Publishers are {reliability} with {depth};' in text
    labels = LabelInfoPublisher(camera._node, '~/', CAMVID)
    for publisher in labels._publishers.values():
        depth, _ = words_of(publisher.qos_profile)
        durability = publisher.qos_profile.durability.name.lower().replace('_', ' ')
        assert f'topics are {durability} with {depth}' in text
    labels.destroy()


def test_every_output_has_its_row():
    rows = {row[0].strip('`'): row[1] for row in ROWS if row[0].startswith('`~/')}
    assert set(rows) == {f'~/{name}' for name in (*MESSAGE_TYPES, JSON_TOPIC, TOPIC)}
    for name, message_type in MESSAGE_TYPES.items():
        assert rows[f'~/{name}'].startswith(f'sensor_msgs/{message_type.__name__}')


def test_every_state_and_stage_is_explained():
    words = set(re.findall(r'\w+', ' '.join(row[0] for row in ROWS)))
    assert words >= set(get_args(State))
    assert set(re.findall(r'\w+', PAGE)) >= set(STAGES)
