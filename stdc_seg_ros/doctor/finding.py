"""What the doctor found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from stdc_seg_ros.camera_state import Level


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    :param subject: what.
    :param found: what is so.
    :param fix: what to do; empty where all is well.
    """

    level: Level
    subject: str
    found: str
    fix: str = ''
