import cv2
import numpy as np
import pytest

from stdc_core.engines import open_engine
from stdc_core.labels import CAMVID
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.mask_files import read_mask
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.offline import evaluate_offline
from stdc_seg_ros.evaluation.result_bag import (
    DIAGNOSTICS_TOPIC,
    MASK_TOPIC,
    OVERLAY_TOPIC,
    write_result_bag,
)
from stdc_seg_ros.evaluation.stamps import message_stamp_ns


def test_masks_overlays_and_figures_with_the_stamps_of_the_images(
    bag, frames, model_path, tmp_path, monkeypatch
):
    drive = open_drive(DriveChoice(bag), CAMVID)
    with open_engine(model_path, 'openvino') as engine:
        evaluation = evaluate_offline(drive, engine, tmp_path)
    assert write_result_bag(tmp_path / 'out', drive, evaluation) == 6
    with BagReader(bag) as reader:
        images = list(reader.read(IMAGE_TOPIC))
    with BagReader(tmp_path / 'out') as reader:
        found = {t: list(reader.read(t)) for t in (MASK_TOPIC, OVERLAY_TOPIC, DIAGNOSTICS_TOPIC)}
    for messages in found.values():
        assert [m.recorded_ns for m in messages] == [m.recorded_ns for m in images]
        stamps = [message_stamp_ns(m.message) for m in messages]
        assert stamps == [row.stamp_ns for row in evaluation.rows]
    for row, (_, mask), (_, overlay), frame in zip(
        evaluation.rows, found[MASK_TOPIC], found[OVERLAY_TOPIC], frames, strict=True
    ):
        expected = read_mask(evaluation.masks, row.stamp_ns)
        assert (mask.encoding, mask.header.frame_id) == ('mono8', 'camera_optical_frame')
        np.testing.assert_array_equal(mask.data.reshape(72, 96), expected)
        wanted = CAMVID.overlay(frame.image, expected, 0.5)[..., ::-1]
        _, jpeg = cv2.imencode('.jpg', wanted, [cv2.IMWRITE_JPEG_QUALITY, 90])
        assert overlay.data.tobytes() == jpeg.tobytes()
    [status] = found[DIAGNOSTICS_TOPIC][0].message.status
    values = {pair.key: pair.value for pair in status.values}
    assert values['miou'] == f'{evaluation.rows[0].scores.miou:.4g}'
    assert values['flicker'] == 'n/a'  # no mask before
    with pytest.raises(BagError, match='is there already'):
        write_result_bag(tmp_path / 'out', drive, evaluation)

    def full(*words):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('stdc_seg_ros.evaluation.result_bag.Writer.write', full)
    with pytest.raises(OSError, match='No space left'):
        write_result_bag(tmp_path / 'half', drive, evaluation)
    assert not [path for path in tmp_path.iterdir() if 'half' in path.name]
