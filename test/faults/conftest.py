"""The fault bench: the real node in a process of its own, over real topics, and what goes wrong.

``make faults TRIES=3`` runs every scenario so often and prints a table of it.
"""

import os
from pathlib import Path

import pytest
from faults import records
from faults.scene import Scene
from faults.scripted_camera import Truth
from ros_bench import NodeProcess

from stdc_core.engines import open_engine

PROGRAM = Path(__file__).with_name('faulty_node.py')
TRIES = int(os.environ.get('FAULTS_TRIES', '1'))
RECORDS = pytest.StashKey[list]()


def pytest_configure(config):
    config.stash[RECORDS] = []


def pytest_generate_tests(metafunc):
    if TRIES > 1:
        metafunc.fixturenames.append('attempt')
        metafunc.parametrize('attempt', range(TRIES), ids=lambda number: f'try {number + 1}')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    record = item.funcargs.get('record') if hasattr(item, 'funcargs') else None
    if report.when == 'call' and record is not None:
        record.passed = report.passed
        if path := os.environ.get('FAULTS_JSON'):  # now: who stops a long run has what was done
            records.write(item.config.stash[RECORDS], Path(path))
    return report


@pytest.fixture
def record(request):
    """Where a test puts its times."""
    words = request.node.originalname.removeprefix('test_').replace('_', ' ')
    kind = request.node.name.partition('[')[2].rstrip(']')
    kind = '-'.join(part for part in kind.split('-') if not part.startswith('try '))
    record = records.Record(f'{words}: {kind}' if kind else words)
    request.config.stash[RECORDS].append(record)
    return record


@pytest.fixture(scope='module')
def fault(tmp_path_factory):
    """Tell the engine under the node what to do wrong; '' for nothing."""
    path = tmp_path_factory.mktemp('fault') / 'fault'
    path.write_text('')
    return path


@pytest.fixture(scope='module')
def start_faulty(bench, model_path, fault, tmp_path_factory):
    """Start the node over an engine that fails on demand; ended with the module."""
    nodes = []

    def start(**parameters):
        parameters = {
            'model': model_path, 'backend': 'onnxruntime', 'threads': 1, 'stalled_after_s': 0.5,
            **parameters,
        }  # fmt: skip
        node = NodeProcess(
            parameters,
            bench.namespace,
            tmp_path_factory.mktemp('log'),
            program=[PROGRAM],
            more_environment={'FAULT': str(fault)},
        )
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        node.close()


@pytest.fixture(scope='session')
def truth(model):
    """Oracle: the node's backend, here."""
    with open_engine(model, 'onnxruntime', threads=1) as engine:
        yield Truth(engine)


@pytest.fixture
def make_scene(bench, diagnostics, truth, record, fault):
    scenes = []

    def make():
        scenes.append(Scene(bench, diagnostics, truth, record))
        return scenes[-1]

    fault.write_text('')
    yield make
    fault.write_text('')
    for scene in scenes:
        scene.close()


@pytest.fixture(scope='module')
def node(start_faulty):
    return start_faulty().wait_line('active: ')


@pytest.fixture
def scene(node, make_scene):
    """Run a scenario that the module's node survives without an error of Python."""
    scene = make_scene().begin()
    yield scene
    assert node.exit_code is None
    assert 'Traceback' not in node.output
