"""What a camera is said to do, from what is known about it."""

import dataclasses
from types import SimpleNamespace

import pytest

from stdc_seg_ros.camera_input import Publishers
from stdc_seg_ros.camera_state import CameraFacts, FrameProblem, judge_camera
from stdc_seg_ros.recent_frames import RecentFrames

ONE = Publishers(1, 1, '')
OTHER_TYPE = Publishers(1, 0, 'another type is published')
OVERLOADED = RecentFrames(5.0, published=100, received=95, replaced=10, faulty=0, lost=5)
NOTHING = RecentFrames(0.5, published=0, received=0, replaced=0, faulty=0, lost=0)
RUNNING = CameraFacts(
    topic='/image',
    publishers=ONE,
    matched_for_s=100.0,
    since_arrival_s=0.1,
    busy_for_s=None,
    problem=None,
    last_problem=None,
    processing_ms=50.0,
    late_for_s=None,
    recent=RecentFrames(5.0, published=100, received=95, replaced=9, faulty=0, lost=5),
    clock_stands_still=False,
    input_rate_hz=20.0,
    output_rate_hz=9.5,
)
FAULTY = RecentFrames(5.0, published=100, received=95, replaced=9, faulty=2, lost=50)
LIMITS = SimpleNamespace(
    stalled_after_s=2.0,
    watchdog_s=10.0,
    processing_limit_ms=40.0,
    max_lost_share=0.1,
    min_output_rate_hz=8.0,
)


@pytest.mark.parametrize(
    ('changes', 'state', 'level', 'message'),
    [
        ({}, 'running', 'ok', 'running: 9.5 masks of 20.0 images a second'),
        ({'recent': NOTHING}, 'running', 'ok', 'running'),
        (
            {'recent': OVERLOADED},
            'running',
            'ok',
            'running: 9.5 masks of 20.0 images a second, more than the engine works off',
        ),
        ({'busy_for_s': 1.0}, 'running', 'ok', 'running'),
        ({'busy_for_s': 2.5}, 'stuck', 'error', 'worked on one image for 2.5 s, at 10 s'),
        (
            {'problem': FrameProblem('rejected', 'step is wrong')},
            'rejected',
            'error',
            'step is wrong',
        ),
        ({'problem': FrameProblem('failing', 'boom')}, 'failing', 'error', 'boom'),
        # One of many, so that it is told also where the next frames went through.
        (
            {'last_problem': FrameProblem('failing', 'boom'), 'recent': FAULTY},
            'failing',
            'warning',
            '2 of 95 images of the last 5 s were rejected or failed; the last: boom',
        ),
        ({'last_problem': FrameProblem('failing', 'boom')}, 'running', 'ok', 'running'),
        (
            {'publishers': Publishers(2, 2, '')},
            'running',
            'ok',
            'running: 9.5 masks of 20.0 images a second, from 2 publishers',
        ),
        (
            {'late_for_s': 1.26},
            'late',
            'warning',
            'a mask takes 50 ms, above processing_limit_ms 40 for 1.3 s',
        ),
        (
            {
                'recent': RecentFrames(
                    5.0, published=120, received=90, replaced=0, faulty=0, lost=30
                )
            },
            'lossy',
            'warning',
            '30 of 120 images of the last 5 s were lost, above max_lost_share 0.1: in transport',
        ),
        (
            {'output_rate_hz': 6.24, 'recent': OVERLOADED},
            'slow',
            'warning',
            '6.2 masks a second, below min_output_rate_hz 8: 20.0 images a second come, more than',
        ),
        (
            {'output_rate_hz': 2.0, 'input_rate_hz': 2.0},
            'slow',
            'warning',
            '2.0 masks a second, below min_output_rate_hz 8: only 2.0 images a second come',
        ),
        (
            {'since_arrival_s': 2.1, 'late_for_s': 9.0},
            'stalled',
            'error',
            'no image on /image for 2.1 s, but its publisher is there: it hangs, or all its',
        ),
        (
            {'since_arrival_s': 9.0, 'publishers': Publishers(0, 0, '')},
            'waiting',
            'warning',
            'nobody publishes /image; the last image came 9.0 s ago',
        ),
        (
            {'since_arrival_s': None, 'publishers': Publishers(0, 0, ''), 'matched_for_s': None},
            'waiting',
            'warning',
            'nobody publishes /image',
        ),
        (
            {'since_arrival_s': None, 'publishers': OTHER_TYPE, 'matched_for_s': None},
            'incompatible',
            'error',
            'another type is published',
        ),
        (
            {'since_arrival_s': None, 'matched_for_s': 1.0},
            'waiting',
            'warning',
            'waiting for the first image on /image',
        ),
        (
            {'since_arrival_s': None, 'matched_for_s': 3.0},
            'silent',
            'error',
            '/image has a publisher, but no image came in 3.0 s',
        ),
        (
            {'since_arrival_s': 5.0, 'clock_stands_still': True},
            'stalled',
            'error',
            'no image on /image for 5.0 s, and /clock stands still: a replay that is paused',
        ),
        # One frame was bad, then nothing came: that it stopped matters more.
        (
            {'since_arrival_s': 5.0, 'problem': FrameProblem('rejected', 'step is wrong')},
            'stalled',
            'error',
            'its publisher is there',
        ),
    ],
)
def test_states(changes, state, level, message):
    judged = judge_camera(dataclasses.replace(RUNNING, **changes), LIMITS)
    assert (judged.state, judged.level) == (state, level)
    assert message in judged.message
