"""Laws of links: written, put together, measured."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtattn.alignment.links import Gold, Links, Symmetrisation, alignment_score, pharaoh, symmetrise

INTERSECTION, UNION, GROWN = Symmetrisation

some_links = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4))).map(sorted)


def words_of(links: Links) -> tuple[set[int], set[int]]:
    return {src for src, _ in links}, {tgt for _, tgt in links}


def test_the_pharaoh_format_names_the_source_word_first():
    assert pharaoh([(0, 2), (10, 1)]) == "0-2 10-1"
    assert pharaoh([]) == ""


@given(forward=some_links, backward=some_links)
def test_what_grows_lies_between_intersection_and_union(forward, backward):
    intersection, union, grown = (symmetrise(forward, backward, how) for how in (INTERSECTION, UNION, GROWN))
    assert set(intersection) <= set(grown) <= set(union)
    assert set(intersection) == set(forward) & set(backward)
    assert set(union) == set(forward) | set(backward)
    for links in (intersection, union, grown):
        assert links == sorted(set(links))


@given(forward=some_links, backward=some_links)
def test_no_link_of_the_union_between_two_bare_words_is_left_out(forward, backward):
    srcs, tgts = words_of(symmetrise(forward, backward, GROWN))
    assert all(src in srcs or tgt in tgts for src, tgt in symmetrise(forward, backward, UNION))


@given(links=some_links, how=st.sampled_from(Symmetrisation))
def test_two_directions_that_agree_stay_as_they_are(links, how):
    assert symmetrise(links, links, how) == links


def test_a_hand_example():
    """Both have 0-0 and 2-2. 0-1 and 1-1 touch the first and bring a bare word each, 3-3 touches the second; 1-2 does
    so too but brings none. 5-5 touches nothing but links two bare words; 5-6 then comes too late.
    """
    forward = [(0, 0), (0, 1), (1, 2), (2, 2), (5, 5)]
    backward = [(0, 0), (1, 1), (2, 2), (3, 3), (5, 6)]
    assert symmetrise(forward, backward, INTERSECTION) == [(0, 0), (2, 2)]
    assert symmetrise(forward, backward, GROWN) == [(0, 0), (0, 1), (1, 1), (2, 2), (3, 3), (5, 5)]


def test_gold_links_are_sure_or_possible():
    gold = Gold.parse("0-0 1?2 10-3")
    assert gold.sure == {(0, 0), (10, 3)}
    assert gold.possible == {(0, 0), (10, 3), (1, 2)}


def test_the_error_rate_of_a_hand_example():
    """Two pairs: 4 links found, of which 2 are sure and 3 possible; 4 sure ones in all."""
    gold = [Gold.parse("0-0 1-1 1?2"), Gold.parse("0-0 3-3")]
    score = alignment_score([[(0, 0), (1, 2)], [(0, 0), (2, 2)]], gold)
    assert score.aer == pytest.approx(1 - (2 + 3) / (4 + 4))
    assert score.precision == 3 / 4
    assert score.recall == 2 / 4


@given(sure=some_links, possible=some_links)
def test_the_right_links_have_no_error_and_wrong_ones_nothing_else(sure, possible):
    sure, possible = frozenset(sure), frozenset(possible)
    gold = Gold(sure, sure | possible)
    if sure:
        assert vars(alignment_score([sure], [gold])) == {"aer": 0, "precision": 1, "recall": 1}
        assert alignment_score([sure | possible], [gold]).aer == 0
        wrong = [(s + 10, t) for s, t in sure]
        assert vars(alignment_score([wrong], [gold])) == {"aer": 1, "precision": 0, "recall": 0}
        assert alignment_score([[]], [gold]).aer == 1
    score = alignment_score([sure, possible], [gold, Gold(possible, possible)])
    assert score.aer == 0 or math.isnan(score.aer)
    assert math.isnan(alignment_score([], []).aer)
