"""The doctor's words and exit code."""

import pytest

from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.doctor import command_line
from stdc_seg_ros.doctor.finding import Finding

OK = Finding('ok', 'shared memory', '64 MiB free')


@pytest.mark.parametrize(
    ('findings', 'code'),
    [
        ([OK], 0),
        ([Finding('warning', 'socket buffers', 'small', 'sysctl'), OK], 0),
        ([OK, Finding('error', 'transport', '1 of 90 arrived', 'the profile')], 1),
    ],
)
def test_an_error_is_the_exit_code_and_the_fix_is_named(monkeypatch, capsys, findings, code):
    monkeypatch.setattr(command_line, '_findings', lambda *_: iter(findings))
    assert command_line.doctor() == code
    shown = capsys.readouterr().out
    for finding in findings:
        assert f'{finding.level:7} {finding.subject}: {finding.found}' in shown
        assert finding.fix in shown


@pytest.mark.parametrize('wrong', [{'size': (0, 640)}, {'rate': -1.0}, {'seconds': 0.01}])
def test_no_image_is_refused(wrong):
    with pytest.raises(InvalidArgumentError):
        command_line.doctor(**wrong)
