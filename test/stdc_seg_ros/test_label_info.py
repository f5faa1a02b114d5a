"""Names of the ids, as JSON and as vision_msgs (which PyPI does not have: a double stands in)."""

import json
from types import SimpleNamespace

from stdc_core.labels import CAMVID
from stdc_seg_ros import label_info


def test_json_describes_every_id():
    described = json.loads(label_info.label_info_json(CAMVID, 0.25))
    assert described['name'] == 'camvid11'
    assert described['unlabeled_id'] == 255
    assert described['confidence_threshold'] == 0.25
    for number, entry in enumerate(described['classes']):
        assert entry['id'] == number
        assert entry['name'] == CAMVID.names[number]
        assert tuple(entry['color']) == CAMVID.colors[number]


def test_vision_msgs_where_they_are_installed(monkeypatch):
    monkeypatch.setattr(label_info, 'LabelInfo', SimpleNamespace)
    monkeypatch.setattr(label_info, 'VisionClass', SimpleNamespace, raising=False)
    message = label_info.label_info_message(CAMVID, 0.25)
    assert message.threshold == 0.25
    named = {entry.class_id: entry.class_name for entry in message.class_map}
    assert named == dict(enumerate(CAMVID.names))
