"""The page: what it says, and that a browser shows it."""

import base64
import re
import shutil
import subprocess
import urllib.parse
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from stdc_core.engines import open_engine
from stdc_core.evaluation.drive_counts import FrameScores
from stdc_core.labels import CAMVID, LabelSet
from stdc_seg_ros.evaluation import moments
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.files import write_json
from stdc_seg_ros.evaluation.many_bags import read_result, write_overview
from stdc_seg_ros.evaluation.moments import Moment, Moments, find_moments, pick
from stdc_seg_ros.evaluation.offline import evaluate_offline
from stdc_seg_ros.evaluation.report import _moment_words, write_report
from stdc_seg_ros.evaluation.result import FrameRow

NO_MOMENTS = Moments([], [], [], [])


@pytest.fixture
def evaluate(model_path, tmp_path):
    def run(bag):
        with open_engine(model_path, 'openvino', detail=True) as engine:
            drive = open_drive(DriveChoice(bag), CAMVID)
            evaluation = evaluate_offline(drive, engine, tmp_path)
            return evaluation, find_moments(drive, evaluation, engine)

    return run


def page_of(tmp_path, evaluation, moments, title='A drive'):
    write_report(tmp_path / 'page.html', title, evaluation, moments)
    return (tmp_path / 'page.html').read_text()


class Outside(HTMLParser):
    """Collects what a page would load."""

    def __init__(self):
        super().__init__()
        self.loads = []

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ('src', 'href', 'srcset')]


def test_the_page_has_figures_pictures_and_charts_and_loads_nothing(bag, evaluate, tmp_path):
    evaluation, moments = evaluate(bag)
    page = page_of(tmp_path, evaluation, moments)
    assert '5 masks against the labels of the same stamp (topic /camera/labels)' in page
    for words in ('Worst frames', 'Best frames', 'flicker', 'Which class was taken for which'):
        assert words in page
    assert f'{100 * evaluation.figures["miou"]:.1f} %' in page
    assert '4 of these 4 masks' in page
    outside = Outside()
    outside.feed(page)
    assert outside.loads
    assert not [url for url in outside.loads if not url.startswith('data:')]
    assert page.count('<svg') == 5
    assert 'nan' not in re.sub(r'"data:[^"]*"', '', page)
    files = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    for file in files:
        picture = cv2.imdecode(np.frombuffer(base64.b64decode(file), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (72, 96, 3)


def test_without_labels_it_says_that_nothing_is_known(make_bag, frames, evaluate, tmp_path):
    bag = make_bag([frame._replace(labels=None) for frame in frames])
    page = page_of(tmp_path, *evaluate(bag))
    assert 'The bag has no labels' in page
    assert 'Worst frames' not in page
    assert 'truth</figcaption>' not in page
    assert '>mIoU<' not in page


def test_names_from_files_are_text_not_html(bag, evaluate, tmp_path):
    evaluation, _ = evaluate(bag)
    names = ('<script>path</script>', *(f'<s>{n}' for n in range(10)))
    evil = replace(
        evaluation,
        labels=LabelSet('yard', names, ((0, 200, 0),) * 11),
        topic='/<i>',
        notes=['<u>note'],
        engine={'backend': '<em>x'},
    )
    page = page_of(tmp_path, evil, NO_MOMENTS, '<h6>')
    for tag in ('<script', '<s>0', '<i>', '<u>', '<em>', '<h6>'):
        assert tag not in page
    assert '&lt;script&gt;path' in page


class NoPictures:
    """In place of what reads pictures: moments of rows alone."""

    def __init__(self, *_):
        pass

    def read(self, stamps):
        pass

    def compared(self, row):
        return Moment(row, 0.0, {})

    whole = compared

    def flickering(self, row, before):
        return Moment(row, 0.0, {})


def test_a_mask_that_changes_as_its_truth_does_flickers_least(monkeypatch):
    monkeypatch.setattr(moments, '_MomentReader', NoPictures)
    scores = [
        FrameScores(),
        FrameScores(changed=0.9, flicker=0.0),
        FrameScores(changed=0.2),
        FrameScores(changed=0.9, flicker=0.1),
    ]
    rows = [FrameRow(n * 10**10, 'processed', True, found) for n, found in enumerate(scores)]
    found = find_moments(None, SimpleNamespace(rows=rows), None).flicker
    assert [moment.row for moment in found] == [rows[2], rows[3], rows[1]]
    assert _moment_words(found[2]) == '0.00 s, flicker 0.0 %'
    assert _moment_words(found[0]) == '0.00 s, flicker 20.0 %'


def test_moments_are_apart():
    rows = [FrameRow(number * 250_000_000, 'processed', True) for number in range(12)]
    scores = [9, 8, 7, 1, 2, 6, 3, 4, 5, 0, 0, 1]
    chosen = pick(rows, lambda row: scores[row.stamp_ns // 250_000_000], 3)
    assert [row.stamp_ns / 1e9 for row in chosen] == [0, 1.25, 2.75]


def test_a_browser_shows_the_page_without_complaint(bag, evaluate, tmp_path):
    chromium = shutil.which('chromium')
    if chromium is None:
        pytest.skip('NOT RUN, needs chromium (apt install chromium)')
    page_of(tmp_path, *evaluate(bag))
    probe = (
        '<script>addEventListener("load", () => { const all = [...document.images];'
        'document.title = `loaded ${all.filter(i => i.naturalWidth).length} of ${all.length}, '
        'wide ${document.documentElement.scrollWidth - innerWidth}`; });'
        'addEventListener("error", e => { document.body.dataset.error = e.message; }, true);'
        '</script>'
    )
    page = tmp_path / 'page.html'
    page.write_text(page.read_text().replace('<head>', f'<head>{probe}'))
    command = [chromium, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic']
    command += ['--no-first-run', '--disable-background-networking', '--disable-sync']
    command += ['--disable-component-update', f'--user-data-dir={tmp_path / "chromium"}']
    command += ['--enable-logging=stderr', '--window-size=500,900', '--dump-dom', page.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    found = re.search(r'<title>loaded (\d+) of (\d+), wide (-?\d+)</title>', result.stdout)
    assert found, result.stderr
    loaded, pictures, wider = map(int, found.groups())
    assert loaded == pictures > 0
    assert wider <= 0, 'the page is wider than a small window'
    assert 'data-error' not in result.stdout
    assert 'CONSOLE' not in result.stderr


def test_names_of_bags_are_text_in_the_overview(bag, evaluate, tmp_path):
    evaluation, _ = evaluate(bag)
    names = ('<img src=x onerror=alert(1)>', '"><script>', "javascript:alert('1')")
    for name in names:
        (tmp_path / 'out' / name).mkdir(parents=True)
        write_json(tmp_path / 'out' / name / 'figures.json', evaluation)
    results = [read_result(tmp_path / 'out' / name) for name in names]
    write_overview(tmp_path / 'out', results)
    page = (tmp_path / 'out/report.html').read_text()
    outside = Outside()
    outside.feed(page)
    assert '<img' not in page
    assert '<script' not in page
    assert outside.loads[0] == 'data:,'
    assert [urllib.parse.unquote(url) for url in outside.loads[1:]] == [
        f'{name}/report.html' for name in names
    ]
    assert not any(':' in url for url in outside.loads[1:])  # a name is no scheme
