from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.results.wording import grouped, how_many, short_names, shown_name

SIX = [f"scale/step/post/{name}" for name in "abcdef"]


def test_the_action_is_dropped_where_all_share_it():
    assert short_names(SIX[:2]) == {SIX[0]: "step/post/a", SIX[1]: "step/post/b"}
    mixed = ["scale/step/post/a", "restart/step/post/a"]
    assert short_names(mixed) == {name: name for name in mixed}


def test_a_count_agrees_with_its_noun():
    assert how_many(1, "good run") == "1 good run"
    assert how_many(0, "good run") == "0 good runs"
    assert how_many(1204, "policy", "policies") == "1,204 policies"


def test_a_challenger_is_marked():
    assert shown_name("scale/step/post/a", candidate=True) == "scale/step/post/a@candidate"


def test_equal_sentences_are_said_once():
    assert grouped([(name, "3 censored") for name in SIX], conditions=SIX) == ["all 6 conditions: 3 censored"]
    assert grouped([(name, "late") for name in SIX[:2]], conditions=SIX) == ["step/post/a, step/post/b: late"]
    but_one = grouped([(name, "late") for name in SIX[:5]], conditions=SIX)
    assert but_one == ["all conditions but step/post/f: late"]
    assert grouped([(SIX[0], "late")], conditions=SIX[:1]) == ["step/post/a: late"]


@given(said=st.lists(st.tuples(st.sampled_from(SIX), st.sampled_from(["x", "y", "z"])), max_size=30))
def test_every_sentence_is_there_once_and_in_order(said):
    notes = grouped(said, conditions=SIX)

    assert [note.rsplit(": ", 1)[1] for note in notes] == list(dict.fromkeys(sentence for _, sentence in said))
