import math

import pytest

from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.drive_figures import FIGURES, parse_limits

FOUND = {**dict.fromkeys(FIGURES, math.nan), 'miou': 0.59, 'p95_ms': 61.0}


@pytest.mark.parametrize(
    ('word', 'under', 'failure'),
    [
        ('miou=0.6', True, 'miou is 0.59, expected at least 0.6'),
        ('miou=0.59', True, None),
        ('p95_ms=60', False, 'p95_ms is 61, expected at most 60'),
        ('p95_ms=61', False, None),
        ('ece=0.1', False, 'ece was not measured, expected at most 0.1'),
    ],
)
def test_a_limit_says_how_it_is_not_kept(word, under, failure):
    [limit] = parse_limits([word], under=under)
    assert limit.failure(FOUND) == failure


@pytest.mark.parametrize('word', ['mIoU=0.6', 'speed=1', '=1'])
def test_an_unknown_figure_names_the_known_ones(word):
    with pytest.raises(InvalidArgumentError, match=r'unknown figure .* \(known: miou, pixel_'):
        parse_limits([word], under=True)


@pytest.mark.parametrize('word', ['miou', 'miou=', 'miou=high', 'miou=nan'])
def test_a_limit_is_a_number(word):
    with pytest.raises(InvalidArgumentError, match=r'expected e\.g\. miou=0\.6'):
        parse_limits([word], under=True)
