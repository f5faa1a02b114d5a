import pytest

from stdc_core.atomic_file import atomic_path


def test_file_appears_whole_at_the_end(tmp_path):
    path = tmp_path / 'new' / 'mask.png'
    with atomic_path(path) as part:
        part.write_bytes(b'half')
        assert not path.exists()
        assert part.suffix == '.png'
    assert path.read_bytes() == b'half'
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('exception', [ValueError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, exception):
    path = tmp_path / 'mask.png'
    path.write_bytes(b'old')

    def interrupted_write():
        with atomic_path(path) as part:
            part.write_bytes(b'half')
            raise exception

    with pytest.raises(exception):
        interrupted_write()
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]
