import pytest

from stdc_core.training.datasets import pairing
from stdc_core.training.datasets.pairing import pair_files
from stdc_core.training.datasets.problems import DatasetError


@pytest.fixture
def make(tmp_path):
    def touch(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return touch


def pair(root, images, labels):
    found = pair_files(root, images, labels, what="split 'train'", sequence=lambda name: name[0])
    pairs = [
        (
            pair.name,
            pair.image_path.relative_to(root).as_posix(),
            pair.label_path.relative_to(root).as_posix(),
        )
        for pair in found.pairs
    ]
    return pairs, found.problems


@pytest.mark.parametrize(
    ('files', 'images', 'labels', 'names'),
    [
        (['i/b.jpg', 'i/a.JPG', 'l/a.png', 'l/b.png'], 'i', 'l', ['a', 'b']),
        (['i/a.jpg', 'i/notes.txt', 'i/.a.jpg', 'l/a.png', 'l/Thumbs.db'], 'i', 'l', ['a']),
        (['i/x/1.jpg', 'i/y/1.jpg', 'l/x/1.png', 'l/y/1.png'], 'i', 'l', ['x/1', 'y/1']),
        (['t/a.jpg', 't/a.png'], 't/*.jpg', 't/*.png', ['a']),
        (['i/a.png', 'l/a_L.png'], 'i/*.png', 'l/*_L.png', ['a']),
        (['i/a.b.png', 'l/a.b.png'], 'i', 'l', ['a.b']),
        (['x/i/1.j', 'y/i/2.j', 'x/l/1.p', 'y/l/2.p'], '*/i/*.j', '*/l/*.p', ['x/1', 'y/2']),
        (['i/1.j', 'i/x/y/2.j', 'l/1.p', 'l/x/y/2.p'], 'i/**/*.j', 'l/**/*.p', ['1', 'x/y/2']),
        (['i/(1)+.jpg', 'l/(1)+_[L].png'], 'i/*.jpg', 'l/*_[L].png', ['(1)+']),
    ],
)  # fmt: skip
def test_what_wildcards_stand_for_pairs_images_and_labels(make, files, images, labels, names):
    pairs, problems = pair(make(*files), images, labels)
    assert [name for name, _, _ in pairs] == names
    assert problems == ()


def test_pairs_know_their_files_and_sequence(make):
    root = make('i/a.jpg', 'l/a_L.png')
    assert pair(root, 'i/*.jpg', 'l/*_L.png')[0] == [('a', 'i/a.jpg', 'l/a_L.png')]
    found = pair_files(root, 'i', 'l/*_L.png', what='', sequence=lambda name: f'of {name}')
    assert found.pairs[0].sequence == 'of a'


def test_links_to_folders_are_followed(make, tmp_path):
    root = make('elsewhere/i/a.jpg', 'data/l/a.png')
    (root / 'data/i').mkdir()
    (root / 'data/i/drive').symlink_to(root / 'elsewhere/i')
    (root / 'data/l/drive').symlink_to(root / 'data/l')  # a circle ends
    pairs, _ = pair(root / 'data', 'i/drive/*.jpg', 'l/*.png')
    assert [name for name, _, _ in pairs] == ['a']


def test_folders_that_link_to_each_other_end(make, monkeypatch):
    """Followed as far as the kernel does, this would be 2^40 folders."""
    root = make('i/x/a.jpg', 'i/y/b.jpg', 'l/x/a.png', 'l/y/b.png')
    for here, there in (('x', 'y'), ('y', 'x')):
        for number in range(2):
            (root / f'i/{here}/to{number}').symlink_to(root / f'i/{there}')
    pairs, problems = pair(root, 'i', 'l')
    assert [name for name, _, _ in pairs] == ['x/a', 'y/b']
    assert len(problems) == 2 * 2  # b by x/to0 and x/to1, a by y/to0 and y/to1
    monkeypatch.setattr(pairing, 'MAX_FOLDERS', 5)
    with pytest.raises(DatasetError, match='has over 5 folders, links among them'):
        pair(root, 'i', 'l')


def test_images_without_labels_and_labels_without_image_are_problems(make):
    root = make('i/a.jpg', 'i/b.jpg', 'l/b.png', 'l/c.png')
    pairs, problems = pair(root, 'i', 'l')
    assert [name for name, _, _ in pairs] == ['b']
    assert [str(problem) for problem in problems] == [
        f'{root}/i/a.jpg: images without labels, expected labels of the same name in l: '
        'add them, or take the images out',
        f'{root}/l/c.png: labels without images, expected images of the same name in i: '
        'add them, or take the labels out',
    ]


def test_two_files_of_one_name_are_a_problem(make):
    root = make('i/a.jpg', 'i/a.png', 'l/a.png')
    pairs, problems = pair(root, 'i', 'l')
    assert [image for _, image, _ in pairs] == ['i/a.jpg']
    assert f'i/a.png: second file beside {root}/i/a.jpg' in str(problems[0])


@pytest.mark.parametrize(
    ('files', 'images', 'labels', 'message'),
    [
        (['l/a.png'], 'i', 'l', 'there is no folder .*/i$'),
        (['l/a.png', 'i/a.txt'], 'i', 'l', "split 'train' has no images: nothing in .* matches i"),
        (
            ['i/a.png', 'l/a.txt'],
            'i',
            'l/*.png',
            r'has no labels: nothing in .* matches l/\*\.png',
        ),
        (
            ['i/a_left.png', 'l/a_ids.png'],
            'i',
            'l',
            "i gives names like 'a_left', l like 'a_ids': write patterns whose wildcards",
        ),
    ],
)
def test_nothing_to_pair_is_an_error(make, files, images, labels, message):
    with pytest.raises(DatasetError, match=message):
        pair(make(*files), images, labels)
