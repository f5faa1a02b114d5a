"""Links of the documentation lead somewhere: to a file of the repository, to a heading of it."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for folder in ('.', 'docs', 'models', 'benchmark', 'test', 'training')
    for page in (ROOT / folder).glob('*.md')
)
FENCE = re.compile(r'^ *(```|~~~).*?^ *\1', re.MULTILINE | re.DOTALL)
CODE = re.compile(r'`[^`\n]*`')
LINK = re.compile(
    r'\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)="([^"]+)"', re.M
)
HEADING = re.compile(r'^#{1,6} +(.+?) *#*$', re.MULTILINE)


def text_of(page):
    return FENCE.sub('', page.read_text(encoding='utf-8'))


def links_of(page):
    for found in LINK.finditer(CODE.sub('', text_of(page))):
        yield next(group for group in found.groups() if group)


def anchors_of(page):
    """As GitHub makes them: lower case, without punctuation, spaces to hyphens, numbered."""
    seen, anchors = {}, set()
    for heading in HEADING.findall(text_of(page)):
        words = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading)
        anchor = re.sub(r'[^\w\- ]', '', words.lower()).replace(' ', '-')
        again = seen.get(anchor, 0)
        seen[anchor] = again + 1
        anchors.add(f'{anchor}-{again}' if again else anchor)
    return anchors


def is_dead(page, link, root):
    if re.match(r'[a-z]+:', link):  # of the web: nothing is asked there
        return False
    name, _, anchor = unquote(link).partition('#')
    target = (page.parent / name).resolve() if name else page
    if not target.is_relative_to(root) or not target.exists():
        return True
    return bool(anchor) and target.suffix == '.md' and anchor not in anchors_of(target)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    assert not [link for link in links_of(page) if is_dead(page, link, ROOT)]


def test_there_is_something_to_check():
    assert len(list(links_of(ROOT / 'README.md'))) > 5
    assert sum(len(list(links_of(page))) for page in PAGES) > 30


def test_dead_links_are_found_and_code_holds_none(tmp_path):
    page = tmp_path / 'a.md'
    page.write_text(
        '# The `way`, there\n## The way, there\n[x](#the-way-there-1) `[y](gone)`\n'
        '```\n# No heading [z](gone)\n```\n[a](gone.md) [b](a.md#no-heading) [c](../a.md)\n'
    )
    links = list(links_of(page))
    assert links == ['#the-way-there-1', 'gone.md', 'a.md#no-heading', '../a.md']
    assert [is_dead(page, link, tmp_path) for link in links] == [False, True, True, True]
    assert anchors_of(page) == {'the-way-there', 'the-way-there-1'}
