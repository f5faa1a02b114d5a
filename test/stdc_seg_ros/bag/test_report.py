import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from stdc_core.labels import LabelSet
from stdc_core.metrics import BoundaryScore, ConfusionMatrix
from stdc_core.timing import LatencySummary
from stdc_seg_ros.bag.mask_recorder import Seen
from stdc_seg_ros.bag.replay import ReplayResult
from stdc_seg_ros.bag.report import Report, write_report
from stdc_seg_ros.bag.scoring import MaskScores, SamplePictures

LABELS = LabelSet('yard', ('grass', '<script>path</script>', 'gnome'), ((0, 200, 0),) * 3)


def replay(**changes):
    camera = {'frames published': '30', 'frames processed': '17', 'network p95 (ms)': '41.25'}
    facts = {
        'topic': '/camera/image_raw',
        'images': 30,
        'masks': Path('masks'),
        'seen': Seen(29, 17, 10.0, 6.0, LatencySummary(17, 51.0, 62.0, 70.0, 77.7)),
        'seconds': 3.4,
        'camera': camera,
        'engine': {'backend': 'openvino 1', 'model': '/models/<b>.onnx'},
    }
    return ReplayResult(**{**facts, **changes})


@pytest.fixture
def scores():
    truth = np.array([[0, 0, 1, 1]] * 8, np.uint8)
    mask = np.array([[0, 0, 0, 1]] * 8, np.uint8)
    confusion, boundary = ConfusionMatrix(3), BoundaryScore(3, 3)
    confusion.update(truth, mask)
    boundary.update(truth, mask)
    return MaskScores(1, confusion.scores(), boundary.scores())


def sample(color, truth=True, agreement=1.0):
    picture = np.full((60, 80, 3), color, np.uint8)
    return SamplePictures(
        5, picture, picture if truth else None, picture, None, picture, agreement
    )


def page_of(tmp_path, report):
    write_report(tmp_path / 'page.html', report)
    return (tmp_path / 'page.html').read_text()


def test_the_page_says_what_was_measured(tmp_path, scores):
    pictures = [sample((200, 30, 40)), sample((0, 0, 255), agreement=0.999)]
    page = page_of(tmp_path, Report('A drive', Path('bag'), replay(), LABELS, scores, pictures))
    assert '1 masks against the labels' in page
    assert '<td>66.7</td>' in page  # grass: 16 of 24 pixels
    assert '<td>50.0</td>' in page  # path: 8 of 16
    assert '<td>n/a</td>' in page  # no gnome anywhere
    for figure in ('51.0', '62.0', '77.7', '41.25', '>30<', '>17<', '58.3 %', '5.0</b>'):
        assert figure in page, figure
    assert '1 of these 2 masks' in page


def test_names_from_files_are_text_not_html(tmp_path, scores):
    page = page_of(tmp_path, Report('x', Path('<i>bag'), replay(), LABELS, scores, []))
    assert '<script>' not in page
    assert '&lt;script&gt;path' in page
    assert '<i>bag' not in page
    assert '<b>.onnx' not in page


def test_the_pictures_are_in_the_page(tmp_path, scores):
    pictures = [sample((200, 30, 40))]
    page = page_of(tmp_path, Report('x', Path('bag'), replay(), LABELS, scores, pictures))
    files = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(files) == 4  # frame, truth, mask, confidence; no detail
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(files[0]), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (60, 80, 3)
    assert np.abs(decoded[30, 40].astype(int) - (40, 30, 200)).max() < 8


def test_without_labels_it_says_that_nothing_is_known(tmp_path):
    nothing = replay(seen=Seen(0, 0, None, None, None), camera={}, engine={})
    pictures = [sample((1, 2, 3), truth=False)]
    page = page_of(tmp_path, Report('x', Path('bag'), nothing, LABELS, None, pictures))
    assert 'The bag has no labels' in page
    assert 'mIoU' not in page
    assert 'truth' not in page
    assert 'n/a' in page
