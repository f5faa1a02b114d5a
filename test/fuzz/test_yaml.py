"""Label sets and descriptions of data sets of any content: read, or refused by the file's name."""

import yaml
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged, fuzz, mutated, no_hang, plain_data

from stdc_core.labels import CAMVID, LabelSetError, open_label_set
from stdc_core.training.datasets.folder import open_folder
from stdc_core.training.datasets.problems import DatasetError

LABELS = CAMVID.to_dict()
DATA_SET = {
    'name': 'yard',
    'label_set': {'classes': [{'name': 'grass', 'color': [0, 200, 0]}]},
    'label_kind': 'ids',
    'splits': {'train': {'images': 'i/*.png', 'labels': 'l/*.png'}},
    'ids': {'grass': [3, 4]},
    'ignore_ids': [7],
    'sequence': '^(.)',
    'unique_names': False,
    'root': '.',
}
# What YAML has and JSON has not.
SNIPPETS = [
    *('2001-99-99', '!!int', '!!int x', '!!float x', '!!bool x', '!!timestamp x', '1:99:99'),
    *('0x' + 'f' * 999, '9' * 5000, '.inf', '!!binary x', '!!set {a}', '!!omap [a]', '%YAML 9'),
    *('&a [*a]', '&a {<<: *a}', '{<<: 1}', '{<<: [1]}', '? [a]', '!!map [a]', '*b', '"\\uD800"'),
    *('!!python/object:os.system {}', '!!python/object/apply:os.system [echo]', '[' * 400),
]  # fmt: skip


def dumped(data: object) -> bytes:
    return yaml.safe_dump(data, allow_unicode=True).encode('utf-8', 'replace')


def texts(fields):
    """YAML that was right, by its text and by its data."""
    written = yaml.safe_dump(fields, allow_unicode=True)
    lines = written.splitlines()

    def with_snippet(place: int, snippet: str) -> bytes:
        name = lines[place].split(':')[0]
        return '\n'.join([*lines[:place], f'{name}: {snippet}', *lines[place + 1 :]]).encode()

    return (
        mutated(written.encode())
        | damaged(fields).map(dumped)
        | st.builds(with_snippet, st.integers(0, len(lines) - 1), st.sampled_from(SNIPPETS))
        | plain_data.map(dumped)
        | st.text().map(lambda text: text.encode('utf-8', 'replace'))
    )  # fmt: skip


@fuzz
@given(texts(LABELS))
def test_label_sets(tmp_path, text):
    path = tmp_path / 'labels.yaml'
    path.write_bytes(text)
    with no_hang():
        try:
            labels = open_label_set(str(path))
        except LabelSetError as error:
            assert str(path) in str(error)
            assert '\n' not in str(error)
            return
    assert 1 <= len(labels) <= 255


@fuzz
@given(texts(DATA_SET))
def test_descriptions_of_data_sets(tmp_path, text):
    for name in ('i/a.png', 'l/a.png'):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    path = tmp_path / 'data.yaml'
    path.write_bytes(text)
    with no_hang():
        try:
            open_folder(path)
        except DatasetError as error:
            assert str(path) in str(error)
