"""What the fault bench found: a JSON file while it runs, a Markdown table of it afterwards.

``python test/faults/records.py faults.json``
"""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Record:
    """One try of one scenario; seconds, one for each fault in it.

    :param detect_s: from the fault until the diagnostics named it here.
    :param end_s: from the fault until the process had ended, where it is to end.
    :param recover_s: from its end until the mask of a fresh image was here.
    :param clear_s: from its end until the diagnostics said ``running`` again.
    """

    scenario: str
    passed: bool = False
    detect_s: list[float] = field(default_factory=list)
    recover_s: list[float] = field(default_factory=list)
    clear_s: list[float] = field(default_factory=list)
    end_s: list[float] = field(default_factory=list)


def write(records, path):
    path.write_text(json.dumps([asdict(record) for record in records], indent=1) + '\n')


def table(records):
    """Sum up: one row a scenario."""
    columns = ('named after s', 'ended after s', 'masks again after s', 'cleared after s')
    rows = [f'| scenario | tries | passed | {" | ".join(columns)} |', '|---|' + '---:|' * 6]
    for scenario in dict.fromkeys(record['scenario'] for record in records):
        tries = [record for record in records if record['scenario'] == scenario]
        passed = sum(record['passed'] for record in tries)
        cells = [scenario, str(len(tries)), str(passed)]
        for what in ('detect_s', 'end_s', 'recover_s', 'clear_s'):
            seconds = [second for record in tries for second in record[what]]
            cells.append(f'{min(seconds):.1f} to {max(seconds):.1f}' if seconds else '')
        rows.append(f'| {" | ".join(cells)} |')
    return '\n'.join(rows)


if __name__ == '__main__':
    print(table(json.loads(Path(sys.argv[1]).read_text())))
