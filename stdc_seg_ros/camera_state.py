"""What a camera does, in one word and one sentence, from what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from stdc_seg_ros.camera_input import Publishers
from stdc_seg_ros.recent_frames import RecentFrames

State = Literal[
    'waiting',
    'incompatible',
    'silent',
    'running',
    'late',
    'lossy',
    'slow',
    'stalled',
    'stuck',
    'rejected',
    'failing',
]
Level = Literal['ok', 'warning', 'error']

OVERLOAD = 0.1  # of the images that are replaced; a few are where their rhythm is uneven
TOO_MANY = 'more than the engine works off: the newest go first'


@dataclass(frozen=True)
class FrameProblem:
    """Why a frame did not go through."""

    state: Literal['rejected', 'failing']
    message: str


@dataclass(frozen=True)
class CameraFacts:
    """What is known about an active camera, now.

    :param topic: of its images.
    :param publishers: of that topic.
    :param matched_for_s: seconds since a publisher that fits is there; None without one.
    :param since_arrival_s: seconds since the newest image came; None before the first.
    :param busy_for_s: seconds the engine has worked on the present image; None while it waits.
    :param problem: of the newest image that was finished; None where it went through.
    :param last_problem: the newest there was, whatever came after it.
    :param processing_ms: from its arrival here until the newest mask was published.
    :param late_for_s: seconds since that is above the limit; None where it is not.
    :param recent: frames, of the last seconds.
    :param clock_stands_still: a simulated clock that does not go.
    :param input_rate_hz: images that came, over the last seconds.
    :param output_rate_hz: masks, likewise.
    """

    topic: str
    publishers: Publishers
    matched_for_s: float | None
    since_arrival_s: float | None
    busy_for_s: float | None
    problem: FrameProblem | None
    last_problem: FrameProblem | None
    processing_ms: float | None
    late_for_s: float | None
    recent: RecentFrames
    clock_stands_still: bool
    input_rate_hz: float
    output_rate_hz: float


@dataclass(frozen=True)
class CameraState:
    """The state of a camera.

    :param message: for a person, with what to do where something can be done.
    """

    state: State
    level: Level
    message: str


class Limits(Protocol):
    """What is a fault; the node's parameters."""

    @property
    def stalled_after_s(self) -> float:
        """Seconds that something may take."""

    @property
    def watchdog_s(self) -> float:
        """Seconds after which a hanging engine ends the process; 0 for never."""

    @property
    def processing_limit_ms(self) -> float:
        """Milliseconds that a mask may take; 0 for no limit."""

    @property
    def max_lost_share(self) -> float:
        """Share of the images that may be lost; 1 for no limit."""

    @property
    def min_output_rate_hz(self) -> float:
        """Masks a second that there have to be; 0 for no limit."""


def judge_camera(facts: CameraFacts, limits: Limits) -> CameraState:
    """Say what an active camera does."""
    stalled_after_s = limits.stalled_after_s
    topic, since = facts.topic, facts.since_arrival_s
    if facts.busy_for_s is not None and facts.busy_for_s > stalled_after_s:
        message = f'the engine has worked on one image for {facts.busy_for_s:.1f} s'
        if limits.watchdog_s:
            message += f', at {limits.watchdog_s:g} s (watchdog_s) the process ends'
        return CameraState('stuck', 'error', message)
    if since is not None and since <= stalled_after_s:
        return _judge_flow(facts, limits)
    if facts.publishers.count == 0:
        gone = '' if since is None else f'; the last image came {since:.1f} s ago'
        return CameraState('waiting', 'warning', f'nobody publishes {topic}{gone}')
    if facts.publishers.matched == 0:
        return CameraState('incompatible', 'error', facts.publishers.problem)
    if since is not None:
        silence = f'no image on {topic} for {since:.1f} s'
        if facts.clock_stands_still:
            message = f'{silence}, and /clock stands still: a replay that is paused or over'
        else:
            message = (
                f'{silence}, but its publisher is there: it hangs, or all its images are lost '
                f'(ros2 topic hz {topic} shows which)'
            )
        return CameraState('stalled', 'error', message)
    if facts.matched_for_s is None or facts.matched_for_s <= stalled_after_s:
        return CameraState('waiting', 'warning', f'waiting for the first image on {topic}')
    return CameraState(
        'silent',
        'error',
        f'{topic} has a publisher, but no image came in {facts.matched_for_s:.1f} s: if it does '
        'publish, they are lost in transport: ros2 run stdc_seg_ros doctor measures it',
    )


def _judge_flow(facts: CameraFacts, limits: Limits) -> CameraState:
    """Say how it goes with a camera whose images come."""
    if facts.problem is not None:
        return CameraState(facts.problem.state, 'error', facts.problem.message)
    recent = facts.recent
    if facts.last_problem is not None and recent.faulty:
        message = (
            f'{recent.faulty} of {recent.received} images of the last {recent.seconds:.0f} s were '
            f'rejected or failed; the last: {facts.last_problem.message}'
        )
        return CameraState(facts.last_problem.state, 'warning', message)
    if facts.late_for_s is not None:
        message = (
            f'a mask takes {facts.processing_ms:.0f} ms, above processing_limit_ms '
            f'{limits.processing_limit_ms:g} for {facts.late_for_s:.1f} s'
        )
        return CameraState('late', 'warning', message)
    if recent.lost_share > limits.max_lost_share:
        message = (
            f'{recent.lost} of {recent.published} images of the last {recent.seconds:.0f} s were '
            f'lost, above max_lost_share {limits.max_lost_share:g}: in transport, or this process '
            'was kept waiting (ros2 run stdc_seg_ros doctor measures it)'
        )
        return CameraState('lossy', 'warning', message)
    masks, images = (
        f'{facts.output_rate_hz:.1f} masks',
        f'{facts.input_rate_hz:.1f} images a second',
    )
    overloaded = recent.replaced_share > OVERLOAD
    if facts.output_rate_hz < limits.min_output_rate_hz:
        limit = f'below min_output_rate_hz {limits.min_output_rate_hz:g}'
        cause = f'{images} come, {TOO_MANY}' if overloaded else f'only {images} come'
        return CameraState('slow', 'warning', f'{masks} a second, {limit}: {cause}')
    note = f', {TOO_MANY}' if overloaded else ''
    if facts.publishers.matched > 1:
        note = f', from {facts.publishers.matched} publishers{note}'
    return CameraState('running', 'ok', f'running: {masks} of {images}{note}')
