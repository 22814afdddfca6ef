"""What is found of executions by an index is what a search through all of them would find."""

from hypothesis import given
from hypothesis import strategies as st
from kubernaut_operator.execution.runs import RunEntry, Runs
from kubernaut_operator.kernel.resources import Key

NAMES = st.sampled_from(["a", "b", "c"])
KEYS = st.builds(Key, st.just("shop"), NAMES)
MOMENTS = st.datetimes()
ENTRIES = st.builds(
    RunEntry,
    key=KEYS,
    uid=NAMES,
    action=NAMES,
    target_uid=st.sampled_from(["", "t", "u"]),
    job=st.sampled_from(["", "j", "k"]),
    ended_at=st.none() | MOMENTS,
    waits_for=st.sampled_from(["", "l", "m"]),
    looks_on=st.booleans(),
    blocked_in=st.none() | KEYS,
)


@given(changes=st.lists(st.tuples(ENTRIES, st.booleans())))
def test_the_index_finds_what_a_search_finds(changes):
    runs, plain = Runs(None, namespaces=()), {}
    for entry, goes in changes:
        if goes:
            runs.forget(entry.key, but=entry.uid)
            plain = {uid: one for uid, one in plain.items() if one.key != entry.key or uid == entry.uid}
        else:
            runs.note(entry)
            plain[entry.uid] = entry

        def found(holds, known=plain):
            return sorted(one.key for one in known.values() if holds(one))

        for name in "jk":
            waits = found(lambda one, name=name: one.job == name and one.ended_at is None)
            assert sorted(runs.of_job(name)) == waits
        for name in "lm":
            assert sorted(runs.waiting_for(name)) == found(lambda one, name=name: one.waits_for == name)
        for name in "abc":
            key = Key("shop", name)
            assert sorted(runs.blocked_in(key)) == found(lambda one, key=key: one.blocked_in == key)
        for target in "tu":
            looking = found(lambda one, target=target: one.looks_on and one.target_uid == target and one.uid != "a")
            assert sorted(runs.looking_on(target, but="a")) == looking
