import pytest

from kubernaut.conditions.yaml_text import read_yaml, read_yaml_documents
from kubernaut.errors import SettingsError


def test_every_path_knows_its_line():
    document = read_yaml("a:\n  b: 1\n  c:\n  - x\n  - y: 2\n", source="f.yaml")

    assert document.value == {"a": {"b": 1, "c": ["x", {"y": 2}]}}
    assert str(document.place(("a", "c", 1, "y"))) == "f.yaml:5"
    assert str(document.place(("a", "c", 7, "z"))) == "f.yaml:3"
    assert str(document.place(())) == "f.yaml:1"


def test_an_empty_text_is_nothing():
    assert read_yaml("# only a comment\n", source="f").value is None
    assert str(read_yaml("", source="f").place(("a",))) == "f"
    assert read_yaml_documents("---\n---\n", source="f") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml:4: key 'c' stands here a second time (first in line 3); keep one"),
        ("a: &x 1\nb: *x\n", "f.yaml:2: YAML anchors and aliases are not accepted"),
        ("a: [1\nb: 2", "f.yaml:2:2: this is no YAML: "),
        ("a: \tb: c", "this is no YAML"),
        ("a: 2024-13-45\n", "f.yaml: this is no YAML: "),
        ("a: 1\n---\nb: 1\n", "f.yaml: 2 YAML documents where one is expected"),
        ("a: !!python/object:os.system x\n", "this is no YAML"),
        ("a: \x00\n", "this is no YAML"),
        ("[" * 20_000, "f.yaml: nested too deep"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text, message):
    with pytest.raises(SettingsError) as caught:
        read_yaml(text, source="f.yaml")

    assert message in str(caught.value)


def test_an_alias_of_itself_ends():
    with pytest.raises(SettingsError, match="anchors"):
        read_yaml("a: &x\n  b: *x\n", source="f")


def test_a_page_of_aliases_is_refused_before_it_grows():
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))

    with pytest.raises(SettingsError, match="anchors"):
        read_yaml(bomb, source="f")
