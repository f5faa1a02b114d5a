"""The ledger against a list of frames: random lives of cameras."""

import dataclasses
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from stdc_seg_ros.frame_ledger import MAX_EPOCHS, FrameLedger

FRONT, REAR = b'front', b'rear'
OUTCOMES = ('processed', 'replaced', 'rejected', 'failed')


class ListOfFrames:
    """The same, slowly: every frame of every publisher with what became of it."""

    def __init__(self):
        self.frames = {}  # publisher -> state of each number from 1 on; None: not decided
        self.newest = {}  # publisher -> newest number that arrived
        self.away = Counter()  # publisher -> were we inactive since?
        self.active = True
        self.overtaken = self.duplicates = 0

    def publish(self, publisher):
        self.frames.setdefault(publisher, []).append(None)

    def set_active(self, active):
        self.active = active
        if not active:
            self.away.update(dict.fromkeys(self.frames, 1))

    def arrive(self, publisher, number):
        frames = self.frames[publisher]
        newest = self.newest.get(publisher)
        if newest is None or number > newest:
            if newest is not None:
                missed = 'lost' if self.active and not self.away[publisher] else 'inactive'
                frames[newest : number - 1] = [missed] * (number - 1 - newest)
            frames[number - 1] = 'in_flight' if self.active else 'inactive'
            self.newest[publisher] = number
            self.away[publisher] = 0 if self.active else 1
            return self.active
        if frames[number - 1] == 'lost':
            frames[number - 1] = 'replaced' if self.active else 'inactive'
            self.overtaken += 1
        else:
            self.duplicates += 1
        return False

    def finish(self, outcome):
        for frames in self.frames.values():
            if 'in_flight' in frames:
                frames[frames.index('in_flight')] = outcome
                return True
        return False

    def expected(self):
        states = Counter(state for frames in self.frames.values() for state in frames if state)
        lost, inactive = states.pop('lost', 0), states.pop('inactive', 0)
        return {
            'published': states.total() + lost,
            'received': states.total(),
            **{outcome: states[outcome] for outcome in (*OUTCOMES, 'in_flight')},
            'lost': lost,
            'while_inactive': inactive,
            'overtaken': self.overtaken,
            'duplicates': self.duplicates,
            'epochs': len(self.newest),
        }


publishers = st.sampled_from([FRONT, REAR])
events = st.one_of(
    st.tuples(st.just('publish'), publishers),
    st.tuples(st.just('publish'), publishers),
    st.tuples(st.just('arrive'), publishers, st.integers(0, 40)),  # so many before the newest
    st.tuples(st.just('arrive'), publishers, st.just(0)),
    st.tuples(st.just('restart'), publishers),
    st.tuples(st.just('set_active'), st.booleans()),
    st.tuples(st.just('finish'), st.sampled_from(OUTCOMES)),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(events, max_size=120))
def test_the_ledger_balances_whatever_happens(life):
    ledger, frames = FrameLedger(), ListOfFrames()
    ledger.set_active(True)
    lives = Counter()
    for event, *arguments in life:
        if event == 'publish':
            frames.publish((arguments[0], lives[arguments[0]]))
        elif event == 'restart':
            if lives.total() < MAX_EPOCHS - 2:  # none is forgotten here: test_frame_ledger.py
                lives[arguments[0]] += 1
        elif event == 'set_active':
            frames.set_active(*arguments)
            ledger.set_active(*arguments)
        elif event == 'finish':
            if frames.finish(*arguments):
                getattr(ledger, arguments[0])()
        else:
            publisher = (arguments[0], lives[arguments[0]])
            number = len(frames.frames.get(publisher, ())) - arguments[1]
            if number >= 1:
                taken = ledger.received(b'%s %d' % publisher, number)
                assert taken == frames.arrive(publisher, number)
        snapshot = ledger.snapshot()
        assert snapshot.balance == 0
        assert min(dataclasses.astuple(snapshot)) >= 0
    assert dataclasses.asdict(ledger.snapshot()) == frames.expected()
