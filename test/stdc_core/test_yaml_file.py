import pytest

from stdc_core.labels import LabelSetError, open_label_set
from stdc_core.training.datasets.folder import open_folder
from stdc_core.training.datasets.problems import DatasetError
from stdc_core.yaml_file import MAX_BYTES, YamlFileError, read_yaml


def bomb(line: str) -> str:
    """Ten lines, each with ten references to the line before."""
    lines = ['a0: &a0 {x: 1}']
    for level in range(1, 11):
        aliases = ', '.join([f'*a{level - 1}'] * 10)
        lines.append(f'a{level}: &a{level} {line.format(aliases)}')
    return '\n'.join(lines)


BOMBS = {
    'printed': bomb('[{}]'),
    'merged': bomb('{{<<: [{}]}}'),
    'of keys': 'a: &a [x]\nb: {[*a, *a]: 1}',
    'circle': 'a: &a [*a]',
    'circle of merges': 'a: &a {<<: *a}',
    'deep': '[' * 2000,
    'deep mapping': '{a: ' * 2000,
    'long': 'x' * (MAX_BYTES + 1),
    'number': '9' * 5000,
    'hexadecimal': '0x' + 'f' * 100_000,
    'date': '2001-99-99',
    'object': '!!python/object/apply:os.system ["touch /tmp/harm"]',
}


@pytest.mark.parametrize('text', BOMBS.values(), ids=list(BOMBS))
@pytest.mark.parametrize(
    ('read', 'error_class'),
    [
        (read_yaml, YamlFileError),
        (lambda path: open_label_set(str(path)), LabelSetError),
        (open_folder, DatasetError),
    ],
    ids=['yaml', 'labels', 'data set'],
)
def test_bombs_are_refused_in_a_short_line(tmp_path, text, read, error_class):
    path = tmp_path / 'bomb.yaml'
    path.write_text(text)
    with pytest.raises(error_class, match=r'bomb\.yaml') as error:
        read(path)
    assert len(str(error.value)) < 1000
    assert '\n' not in str(error.value)


def test_aliases_that_stand_for_little_are_read(tmp_path):
    """PyYAML itself writes them for a list that stands twice."""
    path = tmp_path / 'twice.yaml'
    path.write_text('a: &id001 {x: [1, 2]}\nb: *id001\nc: {<<: *id001, y: 3}\n')
    data = {'x': [1, 2]}
    assert read_yaml(path) == {'a': data, 'b': data, 'c': {**data, 'y': 3}}


@pytest.mark.parametrize('text', ['', '# nothing', '---'])
def test_nothing_is_nothing(tmp_path, text):
    path = tmp_path / 'empty.yaml'
    path.write_text(text)
    assert read_yaml(path) is None
