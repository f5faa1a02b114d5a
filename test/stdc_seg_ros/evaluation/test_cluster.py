"""Bags over a Ray cluster of this machine; nothing leaves it, and nothing stays."""

import importlib.util
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import pytest

from stdc_core.evaluation.drive_counts import DriveCounts
from stdc_seg_ros.bag.bag_writer import write_bag
from stdc_seg_ros.evaluation.cluster import Cluster, ClusterError

# Without the fourth Ray listens to the network; without the last, which leads nowhere, it asks
# clouds' metadata servers where it is, whatever the first says (2.60).
ENVIRONMENT = {
    'RAY_USAGE_STATS_ENABLED': '0',
    'RAY_AUTH_MODE': 'token',
    'RAY_AUTH_TOKEN': secrets.token_hex(),
    'RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER': '0',
    'http_proxy': 'http://127.0.0.1:9',
}
HEAD = """
import sys, ray
context = ray.init(
    num_cpus=2, _node_ip_address='127.0.0.1', include_dashboard=False, _temp_dir=sys.argv[1],
    log_to_driver=False, logging_level='ERROR',
)
print(context.address_info['address'], flush=True)
sys.stdin.read()
ray.shutdown()
"""


@pytest.fixture
def cluster(monkeypatch):
    """Start a cluster of two cores that ends with the test; give its address."""
    if importlib.util.find_spec('ray') is None:
        pytest.skip("NOT RUN, needs Ray: pip install 'stdc_seg_ros[cluster]'")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    home = Path.home() / '.ray'
    was_there = home.exists(), Path('/tmp/ray').exists()
    with tempfile.TemporaryDirectory(prefix='ray_', dir='/tmp') as folder:  # sockets: short names
        command = [sys.executable, '-c', HEAD, folder]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as head:
            yield head.stdout.readline().strip()
            head.communicate()
        assert head.returncode == 0
    assert (home.exists(), Path('/tmp/ray').exists()) == was_there


def evaluate(*words):
    """Run the command in a process of its own: Ray allows one connection in each."""
    code = 'import sys; from stdc_seg_ros.bag import command_line as c; sys.exit(c.evaluate_bag())'
    command = [sys.executable, '-c', code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def without_latencies(counts):
    return {name: value for name, value in counts.items() if name != 'latencies'}


@pytest.mark.slow
def test_a_cluster_finds_what_this_process_finds(cluster, tmp_path, frames, model_path):
    folder = tmp_path / 'bags'
    for number in range(3):
        write_bag(folder / f'drive_{number}', frames[number : number + 3])
    wrong = frames[0]._replace(labels=np.full((72, 96), 34, np.uint8))
    words = ('--offline', '--model', model_path)
    plain = evaluate(folder, *words, '--output', tmp_path / 'plain')
    assert plain.returncode == 0, plain.stderr
    write_bag(folder / 'wrong', [wrong])
    spread = evaluate(folder, *words, '--output', tmp_path / 'spread', '--cluster', cluster)
    assert spread.returncode == 1, spread.stderr
    assert 'label 34' in spread.stderr
    assert len(spread.stderr.splitlines()) == 1, spread.stderr
    assert 'bags:    3 of 4, 0 were done already' in spread.stdout
    alone, together = (
        json.loads((tmp_path / name / 'figures.json').read_text()) for name in ('plain', 'spread')
    )
    assert without_latencies(together['counts']) == without_latencies(alone['counts'])
    timed = [name for name in alone['figures'] if name.endswith('_ms') or name == 'masks_per_s']
    for name, value in alone['figures'].items():
        assert name in timed or together['figures'][name] == value
    parts = [
        json.loads((tmp_path / f'spread/drive_{number}/figures.json').read_text())
        for number in range(3)
    ]
    assert {part['engine']['threads'] for part in parts} == {'1'}
    first, second, third = (DriveCounts.from_dict(part['counts']) for part in parts)
    assert (first + second + third).to_dict() == together['counts']


@pytest.mark.parametrize(
    ('address', 'expected'),
    [
        ('local', "cluster is 'local', expected auto or HOST:PORT"),
        ('ray://host:10001', "cluster is 'ray://host:10001', expected auto or HOST:PORT"),
    ],
)
def test_an_address_is_a_host_and_a_port(address, expected):
    with pytest.raises(ClusterError, match=expected):
        Cluster(address)


def test_without_ray_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(ClusterError, match=r"pip install 'stdc_seg_ros\[cluster\]'"):
        Cluster('auto')


class RayTaskError(Exception):
    """As Ray's: the work's own error is its cause."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause


class FakeRay(types.ModuleType):
    """What is used of Ray, working when the result is asked for; every third piece is lost."""

    def __init__(self):
        super().__init__('ray')
        self.exceptions = types.SimpleNamespace(
            RayTaskError=RayTaskError, RayError=type('RayError', (Exception,), {})
        )
        self.asked, self.submitted, self.open = [], 0, False

    def init(self, address, **options):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Ray has a handler of its own
        self.asked.append((address, options['log_to_driver']))
        self.open = True

    def remote(self, num_cpus):
        assert num_cpus == 1
        return lambda work: types.SimpleNamespace(remote=lambda *values: (work, values))

    def get(self, reference):
        self.submitted += 1
        if self.submitted % 3 == 0:
            raise self.exceptions.RayError('node\ndied')
        work, values = reference
        try:
            work(*values)
        except Exception as error:
            raise RayTaskError(error) from error

    def shutdown(self):
        self.open = False


def test_work_comes_back_with_its_own_errors_and_what_is_lost_is_said(monkeypatch, tmp_path):
    ray = FakeRay()
    monkeypatch.setitem(sys.modules, 'ray', ray)
    handler = signal.getsignal(signal.SIGTERM)
    with Cluster('auto') as cluster:
        assert signal.getsignal(signal.SIGTERM) == handler
        results = [cluster.submit(Path.read_text, tmp_path / 'gone') for _ in range(3)]
        results[0] = cluster.submit(Path.touch, tmp_path / 'made')
        results[0]()
        with pytest.raises(FileNotFoundError, match='gone'):
            results[1]()
        with pytest.raises(ClusterError, match='lost by the cluster: RayError: node died'):
            results[2]()
    assert (tmp_path / 'made').exists()
    assert ray.asked == [('auto', False)]
    assert not ray.open


def test_where_nobody_answers_without_ray_it_says_so_too(monkeypatch):
    ray = FakeRay()
    monkeypatch.setitem(sys.modules, 'ray', ray)
    with pytest.raises(ClusterError, match=r'no Ray cluster at 127\.0\.0\.1:9: .*refused'):
        Cluster('127.0.0.1:9')
    assert not ray.asked


def test_where_nobody_answers_it_says_so_at_once():
    pytest.importorskip('ray', reason='NOT RUN, needs Ray')
    with pytest.raises(ClusterError, match=r'no Ray cluster at 127\.0\.0\.1:9: start one by ray'):
        Cluster('127.0.0.1:9')
