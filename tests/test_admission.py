"""Who is let in, who is not, where to, and what becomes of their place."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from roomful.core.admission import (
    Arrive,
    Begin,
    CreateTokens,
    EndChat,
    Pause,
    RevokeTokens,
    SetUp,
    Unpause,
    decide_study,
)
from roomful.core.audit import audit
from roomful.core.decide import Refused
from roomful.core.enrolment import (
    OUTCOMES,
    ChatEnded,
    OutcomeReached,
    ParticipantArrived,
    ParticipationBegun,
    PlaceReleased,
    PlaceRetaken,
    StudySetUp,
    TokensCreated,
    TreatmentAssigned,
    outcome_of,
)
from roomful.core.roster import Participation, fold_study
from tests.enrolling import NOON, Door, arms, hashed, rules, token


def refusal(door: Door, **arrival: object) -> str:
    """Why an arrival is not let in."""
    with pytest.raises(Refused) as refused:
        decide_study(door.state, Arrive(**{"session_id": "new"} | arrival), door.now)
    return refused.value.reason


# --- tokens


def test_a_token_leads_to_one_session_for_ever():
    door = Door(rules(1, 1))
    door.create("t1", "t2")

    first = door.arrive("t1")
    door.enter(Begin(session_id=first.session_id))
    again = door.arrive("t1")
    door.enter(EndChat(session_id=first.session_id, reason="duration_expired"))
    late = door.arrive("t1")
    other = door.arrive("t2")

    assert first.session_id == again.session_id == late.session_id != other.session_id
    assert len(door.state.participations) == 2


def test_a_token_that_is_unknown_or_revoked_lets_nobody_in():
    door = Door(rules())
    door.create("t1")
    door.arrive("t1")
    door.enter(RevokeTokens(tokens=(hashed("t1"),)))

    assert refusal(door, token=hashed("t1")) == "unknown_token"
    assert refusal(door, token=hashed("t9")) == "unknown_token"


def test_a_token_has_the_treatment_that_was_given_to_it():
    door = Door(rules(1, 1, 1))
    door.create("t1", "t2", treatment="C")

    assert [door.arrive(name).treatment for name in ("t1", "t2")] == ["C", "C"]


def test_balanced_tokens_are_balanced_at_every_place_in_the_list():
    door = Door(rules(1, 2, 1, seed=4))
    door.enter(CreateTokens(tokens=tuple(token(f"t{n}") for n in range(1100)), balanced=True))

    given_out = [admission.record.treatment for admission in sorted(door.state.tokens.values(), key=lambda a: a.number)]
    counts: Counter[str] = Counter()
    for number, treatment in enumerate(given_out, 1):
        counts[treatment] += 1
        assert all(abs(counts[name] - share * number) < 1 for name, share in {"A": 0.25, "B": 0.5, "C": 0.25}.items())
    assert [len(entry.event.tokens) for entry in door.entries[1:]] == [500, 500, 100]
    assert audit(door.entries).faults == ()


def test_asking_for_the_same_tokens_once_more_makes_none():
    door = Door(rules(1, 1))
    wanted = CreateTokens(tokens=(token("t1"), token("t2")), balanced=True)

    assert len(door.enter(wanted)) == 1
    assert door.enter(wanted) == []
    with pytest.raises(Refused, match="1 of the tokens are there already: t2"):
        door.enter(CreateTokens(tokens=(token("t2", label="t2"), token("t3"))))


def test_tokens_for_a_treatment_that_there_is_not_are_refused_all():
    door = Door(rules(1, 1))

    with pytest.raises(Refused, match="no treatment Z"):
        door.enter(CreateTokens(tokens=(token("t1"), token("t2", treatment="Z"))))
    assert len(door.state.tokens) == 0


def test_tokens_without_treatments_cannot_be_balanced():
    with pytest.raises(Refused, match="no treatments"):
        Door(rules()).enter(CreateTokens(tokens=(token("t1"),), balanced=True))


def test_a_participant_with_a_second_token_is_refused_unless_they_may_repeat():
    door = Door(rules())
    door.create("t1", "t2", participant="P1")
    door.arrive("t1")

    assert refusal(door, token=hashed("t2")) == "second"

    door.enter(SetUp(rules=rules(repeat=True)))
    assert door.arrive("t2").session_id != door.arrive("t1").session_id


def test_the_demo_token_works_until_there_are_tokens_or_links():
    door = Door(rules(1, 1))
    demo = [door.arrive() for _ in range(4)]

    assert [one.test for one in demo] == [True] * 4
    assert sorted(one.treatment for one in demo) == ["A", "A", "B", "B"]

    door.create("t1")
    door.enter(RevokeTokens(tokens=(hashed("t1"),)))
    assert refusal(door) == "unknown_token"
    assert refusal(Door(rules(links=["prolific"]))) == "unknown_token"


# --- links


def test_a_person_who_comes_by_a_link_again_gets_their_own_session():
    door = Door(rules(links=["prolific", "sona"]))

    first = door.arrive(link="prolific", who="P1", STUDY_ID="S")
    again = door.arrive(link="prolific", who="P1", STUDY_ID="S")
    other = door.arrive(link="sona", who="P1")
    door.enter(EndChat(session_id=first.session_id, reason="duration_expired"))
    after = door.arrive(link="prolific", who="P1")

    assert first.session_id == again.session_id == after.session_id != other.session_id
    assert first.parameters == {"STUDY_ID": "S"}


def test_somebody_may_take_part_once_more_where_the_study_allows_it_and_their_session_is_over():
    door = Door(rules(links=["prolific"], repeat=True))

    first = door.arrive(link="prolific", who="P1")
    before = door.arrive(link="prolific", who="P1")
    door.enter(EndChat(session_id=first.session_id, reason="duration_expired"))
    second = door.arrive(link="prolific", who="P1")

    assert before.session_id == first.session_id != second.session_id
    assert door.arrive(link="prolific", who="P1").session_id == second.session_id


def test_who_does_not_tell_who_they_are_gets_a_session_each_time():
    door = Door(rules(links=["anonymous"]))

    assert len({door.arrive(link="anonymous").session_id for _ in range(3)}) == 3


def test_a_link_that_is_not_open_lets_nobody_in():
    assert refusal(Door(rules(links=["sona"])), link="prolific", participant="P1") == "unknown_link"


def test_asking_again_with_the_same_session_gives_nothing_new():
    door = Door(rules(links=["anonymous"]))
    arrival = Arrive(session_id="s", link="anonymous")

    assert len(door.enter(arrival)) == 1
    assert door.enter(arrival) == []


# --- open and closed


def test_nobody_new_is_let_in_before_and_after_and_while_paused():
    door = Door(rules(opens=NOON, closes=NOON + 10, links=["p"]))

    door.now = NOON - 0.1
    assert refusal(door, link="p", participant="P1") == "too_early"
    door.now = NOON
    first = door.arrive(link="p", who="P1")
    door.enter(Pause(reason="lunch"))
    assert refusal(door, link="p", participant="P2") == "paused"
    assert door.arrive(link="p", who="P1") == first
    door.enter(Unpause())
    assert door.arrive(link="p", who="P3")
    door.now = NOON + 10
    assert refusal(door, link="p", participant="P4") == "too_late"
    assert door.arrive(link="p", who="P1") == first


def test_pausing_twice_is_one_pause():
    door = Door(rules())

    assert len(door.enter(Pause())) == 1
    assert door.enter(Pause()) == []
    assert len(door.enter(Pause(stop=True))) == 1
    assert len(door.enter(Unpause())) == 1
    assert door.enter(Unpause()) == []


def test_only_so_many_are_under_way_at_a_time():
    door = Door(rules(1, 1, max_live=2, reserve_for=60, links=["p"]))
    first, second = (door.arrive(link="p", who=who) for who in ("P1", "P2"))
    door.enter(Begin(session_id=first.session_id))

    assert refusal(door, link="p", participant="P3") == "full"

    door.enter(EndChat(session_id=first.session_id, reason="duration_expired"))
    third = door.arrive(link="p", who="P3")
    assert refusal(door, link="p", participant="P4") == "full"

    # the second has never come, and the third has only just
    door.now += 59.9
    assert refusal(door, link="p", participant="P4") == "full"
    door.now += 0.1
    fourth = door.arrive(link="p", who="P4")
    assert door.state.participations[second.session_id].released
    assert fourth.session_id != third.session_id


def test_a_quota_of_completed_and_in_progress_closes_the_study():
    door = Door(rules(1, 1, quota=1, release_after=60, links=["p"]))
    first, second = (door.arrive(link="p", who=who) for who in ("P1", "P2"))
    door.enter(EndChat(session_id=first.session_id, reason="duration_expired"))
    door.enter(EndChat(session_id=second.session_id, reason="websocket_disconnect"))

    assert refusal(door, link="p", participant="P3") == "quota_full"

    door.now += 60
    third = door.arrive(link="p", who="P3")
    assert third.treatment == second.treatment
    door.now += 10_000_000
    door.enter(Begin(session_id=third.session_id))
    assert refusal(door, link="p", participant="P4") == "quota_full"


def test_a_token_for_a_treatment_that_was_taken_out_of_the_study_lets_nobody_in():
    door = Door(rules(1, 1))
    door.create("t1", treatment="B")
    door.enter(SetUp(rules=rules(1)))

    assert refusal(door, token=hashed("t1")) == "unknown_treatment"


# --- places


def test_a_place_that_nobody_came_to_is_released_and_taken_again_with_the_same_treatment():
    door = Door(rules(1, 1, reserve_for=60, links=["p"]))
    first = door.arrive(link="p", who="P1")
    door.now += 60
    second = door.arrive(link="p", who="P2")

    assert second.treatment == first.treatment
    assert PlaceReleased(session_id=first.session_id, reason="not_begun") in [entry.event for entry in door.entries]
    assert door.state.totals[first.treatment] == 1

    back = door.arrive(link="p", who="P1")
    assert (back.session_id, back.treatment, back.released) == (first.session_id, first.treatment, False)
    assert isinstance(door.entries[-1].event, PlaceRetaken)
    assert door.state.totals[first.treatment] == 2
    assert door.state.live == 2


def test_who_comes_back_to_a_released_place_needs_the_study_to_be_open():
    door = Door(rules(1, 1, reserve_for=60, links=["p"]))
    door.arrive(link="p", who="P1")
    door.now += 60
    door.arrive(link="p", who="P2")
    door.enter(Pause())

    assert refusal(door, link="p", participant="P1") == "paused"


def test_a_first_socket_after_the_place_was_released_counts_again():
    door = Door(rules(1, reserve_for=60, links=["p"]))
    first = door.arrive(link="p", who="P1")
    door.now += 60
    door.arrive(link="p", who="P2")
    door.enter(Begin(session_id=first.session_id))

    assert (door.state.totals, door.state.live) == ({"A": 2}, 2)
    assert first.session_id not in door.state.due


@pytest.mark.parametrize("reason", [*OUTCOMES, "ended_by_operator", "fire_alarm"])
def test_the_end_of_a_chat_is_an_outcome_once(reason):
    door = Door(rules(1, release_after=60, links=["p"]))
    first = door.arrive(link="p", who="P1")
    door.enter(Begin(session_id=first.session_id))

    assert door.enter(EndChat(session_id=first.session_id, reason=reason)) == [
        ChatEnded(session_id=first.session_id, reason=reason),
        OutcomeReached(session_id=first.session_id, outcome=outcome_of(reason)),
    ]
    assert door.enter(EndChat(session_id=first.session_id, reason="error")) == []
    assert door.state.live == 0

    door.now += 60
    door.arrive(link="p", who="P2")
    completed = outcome_of(reason) == "completed"
    assert door.state.participations[first.session_id].released is not completed
    assert door.state.totals == {"A": 2 if completed else 1}


def test_a_session_that_is_none_of_ours_is_passed_over():
    door = Door(rules())

    assert door.enter(Begin(session_id="elsewhere")) == []
    assert door.enter(EndChat(session_id="elsewhere", reason="error")) == []


def test_a_chat_that_ended_before_its_beginning_was_told_has_begun():
    door = Door(rules(links=["p"]))
    first = door.arrive(link="p", who="P1")

    kinds = [type(event) for event in door.enter(EndChat(session_id=first.session_id, reason="error"))]

    assert kinds == [ParticipationBegun, ChatEnded, OutcomeReached]
    assert door.enter(Begin(session_id=first.session_id)) == []


# --- test runs, strata


def test_test_runs_are_counted_nowhere():
    door = Door(rules(1, 1, quota=1))
    door.create("x1", "x2", "x3", "x4", test=True)
    door.create("t1", "t2")

    tests = [door.arrive(f"x{n}") for n in (1, 2, 3, 4)]
    real = [door.arrive(name) for name in ("t1", "t2")]

    assert Counter(one.treatment for one in tests) == {"A": 2, "B": 2}
    assert {one.treatment for one in real} == {"A", "B"}
    assert door.state.totals == {"A": 1, "B": 1}


def test_strata_are_balanced_each_by_itself():
    door = Door(rules(1, 1, strata={"site": ("Berlin", "Wien"), "sex": ("f", "m")}, links=["p"], seed=2))
    sites, sexes = ["Berlin", "Wien", "Rome"], ["f", "m", ""]
    for n in range(90):
        door.arrive(link="p", who=f"P{n}", site=sites[n % 3], sex=sexes[n // 3 % 3])

    assert len(door.state.pools) == 9
    assert all(pool.filled == {"A": 5, "B": 5} for pool in door.state.pools.values())
    assert ("other", "other") in door.state.pools


def test_a_tokens_own_variables_make_its_stratum():
    door = Door(rules(1, 1, strata={"site": ("Berlin",)}))
    door.create("t1", variables={"site": "Berlin"})

    assert door.arrive("t1").stratum == ("Berlin",)


# --- the rules


def test_rules_are_recorded_when_they_change():
    door = Door()

    # a study without any of this has a log only once somebody comes
    assert door.enter(SetUp(rules=rules())) == []
    assert door.enter(SetUp(rules=rules(1, 1))) == [StudySetUp(rules=rules(1, 1))]


# --- the audit


def audited() -> Door:
    door = Door(rules(1, 1, 2, seed=9, release_after=5, reserve_for=50, links=["p"]))
    door.enter(CreateTokens(tokens=tuple(token(f"t{n}") for n in range(8)), balanced=True))
    for n in range(8):
        door.arrive(f"t{n}")
    for n in range(40):
        known = door.arrive(link="p", who=f"P{n}")
        door.now += 7
        if n % 3:
            door.enter(Begin(session_id=known.session_id))
        if n % 4 == 1:
            door.enter(EndChat(session_id=known.session_id, reason="participant_left"))
    return door


def test_the_audit_finds_every_allocation_as_the_rules_demand():
    found = audit(audited().entries)

    assert (found.at_the_door, found.of_tokens, found.faults) == (40, 8, ())


@pytest.mark.parametrize("which", [0, 3, 20, 39])
def test_the_audit_names_an_allocation_that_was_changed(which):
    entries = audited().entries
    places = [n for n, entry in enumerate(entries) if isinstance(entry.event, TreatmentAssigned)][8:]
    changed = entries[places[which]]
    other = next(arm.name for arm in arms(1, 1, 1) if arm.name != changed.event.treatment)
    entries[places[which]] = replace(changed, event=replace(changed.event, treatment=other))

    found = audit(entries)

    assert found.faults[0].seq == changed.seq
    assert f"was allocated {other}" in found.faults[0].message


def test_the_audit_names_a_token_that_was_given_another_treatment():
    entries = audited().entries
    (place,) = [n for n, entry in enumerate(entries) if isinstance(entry.event, TokensCreated)]
    event = entries[place].event
    other = "A" if event.tokens[2].treatment != "A" else "B"
    tokens = (*event.tokens[:2], replace(event.tokens[2], treatment=other), *event.tokens[3:])
    entries[place] = replace(entries[place], event=replace(event, tokens=tokens))

    assert audit(entries).faults[0].seq == place + 1


def test_the_audit_names_who_has_begun_without_an_allocation_and_tokens_used_twice():
    entries = audited().entries
    one = next(n for n, entry in enumerate(entries) if isinstance(entry.event, TreatmentAssigned) and n > 60)
    arrival = next(entry for entry in entries if isinstance(entry.event, ParticipantArrived))
    twice = replace(arrival, event=replace(arrival.event, session_id="stolen"))

    begun = ParticipationBegun(session_id=entries[one].event.session_id)
    lacking = audit([*entries[:one], *entries[one + 1 :], replace(entries[-1], event=begun)])
    doubled = audit([*entries, twice])

    assert any("begun without an allocation" in str(fault) for fault in lacking.faults)
    assert any("let somebody in twice" in str(fault) for fault in doubled.faults)


# --- any order of events


STEPS = st.lists(
    st.tuples(st.sampled_from(["arrive", "again", "begin", "complete", "drop", "wait"]), st.integers(0, 60)),
    min_size=5,
    max_size=120,
)


def under_way(door: Door) -> list[Participation]:
    return sorted(door.state.participations.values(), key=lambda one: one.number)


def step(door: Door, what: str, which: int) -> None:
    people = under_way(door)
    known = people[which % len(people)] if people else None
    match what, known:
        case "arrive", _:
            door.arrive(link="p", who=f"P{len(people)}", site=["Berlin", "Wien", "?"][which % 3])
        case "wait", _:
            door.now += which
        case _, None:
            pass
        # whoever's place was released and refilled is one too many when they come back: they are another test's
        case "again", _ if not known.released:
            door.arrive(link="p", who=known.participant)
        case "begin", _ if not known.released:
            door.enter(Begin(session_id=known.session_id))
        case "complete", _ if not known.released:
            door.enter(EndChat(session_id=known.session_id, reason="duration_expired"))
        case "drop", _ if not known.released:
            door.enter(EndChat(session_id=known.session_id, reason="websocket_disconnect"))


@profile(max_examples=80)
@given(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, 0.5]), min_size=2, max_size=5),
    STEPS,
    st.integers(0, 50),
    st.booleans(),
)
def test_completed_and_in_progress_and_vacant_places_are_always_as_the_weights_demand(weights, steps, seed, strata):
    variables = {"site": ("Berlin", "Wien")} if strata else {}
    door = Door(rules(*weights, seed=seed, strata=variables, links=["p"], reserve_for=90, release_after=30))
    for what, which in steps:
        step(door, what, which)
        for pool in door.state.pools.values():
            places = {arm.name: pool.filled.get(arm.name, 0) + pool.vacant.get(arm.name, 0) for arm in arms(*weights)}
            for arm in arms(*weights):
                assert abs(places[arm.name] - arm.weight / sum(weights) * sum(places.values())) < 1 + 1e-9

    counted = Counter(one.treatment for one in under_way(door) if not one.released)
    assert {name: count for name, count in door.state.totals.items() if count} == counted
    assert door.state.live == sum(one.under_way for one in under_way(door))
    assert audit(door.entries).faults == ()
    assert fold_study(door.entries) == door.state


def test_thousands_of_people_are_told_apart():
    door = Door(rules(links=["p"]))
    for n in range(2000):
        door.arrive(link="p", who=f"P{n}")

    assert len(door.state.participations) == len(door.state.people) == 2000
    assert door.arrive(link="p", who="P1234").number == 1235
