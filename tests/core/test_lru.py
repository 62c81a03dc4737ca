"""What is kept within a number of bytes."""

from headstart.core.lru import SizedLRU


def test_a_value_is_made_once_and_the_longest_unused_goes_first() -> None:
    made: list[str] = []

    def ask(kept: SizedLRU[str], text: str) -> str:
        def make() -> str:
            made.append(text)
            return text

        return kept.get(text[0], make)

    kept = SizedLRU[str](6, len)
    assert [ask(kept, text) for text in ("aa", "bb", "cc", "aa")] == ["aa", "bb", "cc", "aa"]
    assert made == ["aa", "bb", "cc"]
    ask(kept, "ddd")  # 9 bytes: the two unused longest go
    assert made == ["aa", "bb", "cc", "ddd"]
    ask(kept, "aa")
    assert made == ["aa", "bb", "cc", "ddd"]
    ask(kept, "bb")
    assert made == ["aa", "bb", "cc", "ddd", "bb"]


def test_what_is_too_large_is_handed_out_and_displaces_nothing() -> None:
    kept = SizedLRU[str](3, len)
    kept.get("small", lambda: "ab")
    assert kept.get("large", lambda: "abcd") == "abcd"
    assert kept.get("small", lambda: "made again") == "ab"
    assert kept.get("large", lambda: "made again") == "made again"
