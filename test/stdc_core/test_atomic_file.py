from pathlib import Path

import pytest

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError


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


def test_a_link_is_followed_and_stays_one(tmp_path):
    target, link = tmp_path / 'target', tmp_path / 'link'
    target.write_bytes(b'old')
    link.symlink_to(target)
    with atomic_path(link) as part:
        part.write_bytes(b'new')
    assert link.is_symlink()
    assert target.read_bytes() == b'new'


@pytest.mark.parametrize('path', ['/dev/null', '.'])
def test_what_is_no_file_is_refused_and_kept(path):
    with pytest.raises(UserError, match='something else is there'), atomic_path(path):
        pass
    assert not Path(path).is_file()


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    """Writers that make private files, as safetensors does, do not decide that."""
    plain = tmp_path / 'plain'
    plain.touch()
    with atomic_path(tmp_path / 'private') as part:
        part.unlink()
        part.touch(0o600)
    assert (tmp_path / 'private').stat().st_mode == plain.stat().st_mode
