"""The timing model: rates, quantiles and choices as its sources have them, and a plan that only the seed decides."""

import math
import re
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise
from statistics import NormalDist, fmean, quantiles, stdev

import pytest

from roomful.core import turns
from roomful.core.chance import derive, draw, gamma, weighted
from roomful.core.events import CallRequested, Entry, Event, MessagePosted, ReactionSet, TurnPlanned, TurnScheduled
from roomful.core.inputs import Connect, Reply, Say
from roomful.core.study import SimulationSettings
from roomful.core.timing import AMBIENT, ATTENTIVE, KINDS, SEED, TIMINGS, VARIED
from roomful.store.memory import MemoryStore
from tests.goldens import Script, run
from tests.rooms import happened, only, settings, start

pytestmark = pytest.mark.anyio

PLANS = 40_000
MINUTES, RATE = 2.0, 3.0


def dues(room: SimulationSettings, seed: int, until: float) -> list[float]:
    """When the background messages of a session are due."""
    found, due = list[float](), 0.0
    while (due := turns.next_due(room, seed, len(found) + 1, due)) < until:
        found.append(due)
    return found


# --- when


@pytest.mark.parametrize("preset", TIMINGS)
def test_of_40000_plans_the_rate_is_what_was_set_from_the_first_second_on(preset):
    room = settings(messages_per_minute=RATE, timing=TIMINGS[preset])
    plans = [dues(room, derive(5, preset, number), MINUTES * 60) for number in range(PLANS)]

    # of the whole session, and of its first 20 s, which a clock that begins anew with each session gets wrong
    for until in (MINUTES * 60, 20.0):
        counts = [sum(due < until for due in plan) for plan in plans]
        standard_error = stdev(counts) / math.sqrt(PLANS)
        assert abs(fmean(counts) - RATE * until / 60) < 4 * standard_error


@pytest.mark.parametrize("preset", TIMINGS)
def test_gaps_are_as_bursty_as_was_set(preset):
    room = settings(messages_per_minute=6, timing=TIMINGS[preset])
    plan = dues(room, 3, 10 * 20_000)

    gaps = [after - before for before, after in pairwise(plan)]

    spread, mean = stdev(gaps), fmean(gaps)
    # the standard error of the coefficient of variation of a long tail is wide: by batches of the same draws
    batches = [gaps[begin : begin + 500] for begin in range(0, 20_000 - 500, 500)]
    errors = stdev([stdev(batch) / fmean(batch) for batch in batches]) / math.sqrt(len(batches))
    expected = (1 + room.timing.burstiness) / (1 - room.timing.burstiness)
    assert abs(spread / mean - expected) < 6 * errors
    assert room.timing.gap_law == "lognormal" or abs((spread - mean) / (spread + mean) - room.timing.burstiness) < 0.02


@pytest.mark.parametrize("shape", [0.4, 1.0, 1.2216, 7.0])
def test_a_gamma_draw_has_the_mean_and_the_variance_of_its_shape(shape):
    drawn = [gamma(shape, derive(1, number), "x") for number in range(20_000)]

    assert abs(fmean(drawn) - shape) < 4 * math.sqrt(shape / len(drawn))
    # the variance of a gamma's sample variance: sigma^4 (2 + excess kurtosis) / n, of an excess of 6 / shape
    assert abs(stdev(drawn) ** 2 - shape) < 4 * shape * math.sqrt((2 + 6 / shape) / len(drawn))


# --- answers


@pytest.mark.parametrize("preset", TIMINGS)
def test_of_40000_messages_as_many_are_answered_as_was_set(preset):
    room = settings(user_response_probability=0.7, timing=TIMINGS[preset])

    answered = sum(turns.answers(room, derive(6, number), 1) for number in range(PLANS))

    assert abs(answered / PLANS - 0.7) < 4 * math.sqrt(0.7 * 0.3 / PLANS)


def test_notice_thought_and_typing_have_their_quantiles():
    room = settings(timing=ATTENTIVE)
    begun = [turns.begun_at(derive(8, number), "a1", "", 0.0) for number in range(20_000)]
    typed = [turns.typing_time(room, derive(8, number), "a1", "Alice", 6) for number in range(20_000)]

    assert_lognormal([read for read, _ in begun], 1.5, 0.6)
    assert_lognormal([typing - read for read, typing in begun], 2.0, 0.9)
    # six words are thirty characters
    assert_lognormal(typed, 30 / 3.0, 0.35, below=0.97)


def assert_lognormal(values: list[float], median: float, sigma: float, below: float = 0.995) -> None:
    """The quantiles are those of the distribution, within 4 standard errors of a quantile."""
    found, normal = quantiles(values, n=200), NormalDist()
    for place in (10, 50, 100, 150, 190):
        share = place / 200
        if share > below:
            continue
        value = median * math.exp(sigma * normal.inv_cdf(share))
        density = normal.pdf(normal.inv_cdf(share)) / (value * sigma)
        assert abs(found[place - 1] - value) < 4 * math.sqrt(share * (1 - share) / len(values)) / density


# --- who


def test_who_has_just_posted_rests_and_who_is_named_is_likelier():
    room = settings(timing=replace(ATTENTIVE, talkativeness_spread=0.0))

    def shares(spoke: dict[str, float], named: tuple[str, ...] = ()) -> Counter[str]:
        speaker = [
            turns.background_speaker(room, (), spoke, named, seed=1, number=number, due=100.0) for number in range(4000)
        ]
        return Counter(speaker)

    # r(10 s) = 1 - exp(-(10 / 40)^0.7) = 0.316
    rested = shares({"Alice": 90.0})["Alice"] / 4000
    assert abs(rested - 0.3155 / 2.3155) < 4 * math.sqrt(0.136 * 0.864 / 4000)
    named = shares({}, ("Bob",))["Bob"] / 4000
    assert abs(named - 1.7 / 3.7) < 4 * math.sqrt(0.46 * 0.54 / 4000)


def test_in_an_ambient_room_who_has_just_posted_goes_on():
    room = settings(timing=replace(AMBIENT, talkativeness_spread=0.0))

    speakers = [
        turns.background_speaker(room, (), {"Bob": 100.0}, (), seed=1, number=number, due=100.0 + 1e-9)
        for number in range(4000)
    ]

    assert abs(speakers.count("Bob") / 4000 - 1.6 / 3.6) < 4 * math.sqrt(0.444 * 0.556 / 4000)


def test_a_room_where_all_post_at_this_moment_still_has_a_speaker():
    spoke = dict.fromkeys(("Alice", "Bob", "Carol"), 100.0)

    speaker = turns.background_speaker(settings(timing=ATTENTIVE), (), spoke, (), seed=1, number=1, due=100.0)

    assert speaker in spoke


# --- how long, and to whom


def test_lengths_are_lognormal_but_for_their_ends():
    room = settings(timing=ATTENTIVE)
    drawn = [
        turns.length(room, derive(9, number), "b1", "Alice", gap=15.0, silent=math.inf) for number in range(20_000)
    ]

    assert 1 == min(drawn) < max(drawn) == room.timing.words_most
    spread = math.sqrt(0.84**2 + 0.38**2)
    # the median moves by the rounding of a word only; a gap of the mean length moves nothing
    assert quantiles(drawn, n=2)[0] == 6
    share_above_20 = 1 - NormalDist(1.75, spread).cdf(math.log(20.5))
    found = sum(count > 20 for count in drawn) / len(drawn)
    assert abs(found - share_above_20) < 4 * math.sqrt(share_above_20 * (1 - share_above_20) / len(drawn))


def test_a_message_is_no_longer_than_its_writer_could_type_since_the_last_one():
    room = settings(timing=ATTENTIVE)

    for silent in (0.0, 1.0, 5.0, 20.0):
        most = max(1, int(7 * silent / 5))
        lengths = {turns.length(room, seed, "b1", "Alice", gap=15.0, silent=silent) for seed in range(300)}
        assert max(lengths) == most


def test_a_background_message_takes_up_the_last_messages_of_others_in_the_shares_of_the_corpus():
    drawn = Counter(turns.taken_up(9, derive(2, number), "b1") for number in range(PLANS))

    expected = {None: 0.09} | {place: 0.91 * share / 1.01 for place, share in enumerate((0.57, 0.16, 0.10, 0.10, 0.08))}
    assert drawn.keys() == expected.keys()
    for place, share in expected.items():
        assert abs(drawn[place] / PLANS - share) < 4 * math.sqrt(share * (1 - share) / PLANS)
    assert {turns.taken_up(0, seed, "b1") for seed in range(50)} == {None}
    assert {turns.taken_up(1, seed, "b1") for seed in range(99)} == {None, 0}


def test_nobody_greets_twice_or_agrees_with_nothing():
    room = settings(timing=ATTENTIVE, speech=VARIED)

    def kinds(*, first: bool, reply: bool) -> set[str]:
        return {turns.kind_of_speech(room, seed, "b1", first=first, reply=reply) for seed in range(600)}

    assert kinds(first=True, reply=True) == set(KINDS)
    assert kinds(first=False, reply=True) == set(KINDS) - {"greet"}
    assert kinds(first=True, reply=False) == set(KINDS) - {"agree", "disagree"}


def test_a_weight_of_nothing_is_never_chosen():
    assert {weighted("abc", (0.0, 1.0, 0.0), draw(1, number)) for number in range(200)} == {"b"}
    assert weighted("abc", (0.0, 1.0, 0.0), 1 - 2**-53) == "b"


# --- in whole sessions


async def speaking(prompt: object, latency: float = 0.8) -> Reply:
    """A model that says something new each time, in as many words as it is asked for."""
    number, count = prompt.number, prompt.words or 8
    return Reply(text=" ".join(f"w{number}x{word}" for word in range(count)), model="double", latency=latency)


def slow(latency: float):
    async def model(prompt: object) -> Reply:
        return await speaking(prompt, latency)

    return model


HERE: Script = [(0.0, Connect(protocol=2))]
TALK: Script = [
    *HERE,
    *((20.0 + 13 * number, Say(content="Alice, what about the bus?", client_id=str(number))) for number in range(40)),
]


async def entries_of(script: Script, model=speaking, **changes: object) -> list[Entry]:
    given = start(**{"speech": VARIED, "messages_per_minute": 6, "session_duration_minutes": 10, **changes})
    log = await run(MemoryStore(), model, [(0.0, given), *script])
    return [entry async for entry in log.follow()]


async def events_of(script: Script, model=speaking, **changes: object) -> list[Event]:
    return happened(await entries_of(script, model, **changes))


def plan(events: list[Event]) -> list[tuple[int, float, float]]:
    return [(event.number, event.due, event.gap) for event in only(events, TurnScheduled)]


@pytest.mark.parametrize("preset", TIMINGS)
async def test_the_background_plan_is_the_seed_s_whoever_takes_part_and_however_slow_the_model(preset):
    quiet = await events_of(HERE, timing=TIMINGS[preset])
    talked = await events_of(TALK, slow(9.0), timing=TIMINGS[preset])
    other = await events_of(HERE, timing=TIMINGS[preset], seed=2)

    assert len(plan(quiet)) > 30
    assert plan(talked) == plan(quiet) != plan(other)


@pytest.mark.parametrize("preset", TIMINGS)
async def test_a_slow_model_delivers_as_many_messages_as_one_that_answers_at_once(preset):
    fast, late = [
        only(await events_of(HERE, slow(latency), timing=TIMINGS[preset]), MessagePosted) for latency in (0.0, 5.0)
    ]

    # one that is due in the last seconds may be missing
    assert len(fast) - 1 <= len(late) <= len(fast)
    assert all(message.late < 5.0 for message in late)


async def test_the_presets_differ_and_the_seed_s_asks_as_it_always_did():
    events = {name: await events_of(TALK, timing=timing) for name, timing in TIMINGS.items()}

    assert len({tuple(plan(found)) for found in events.values()}) == 3
    for request in only(events["seed"], CallRequested):
        last = request.prompt.text.rpartition("\n")[2]
        name = request.prompt.agent_name
        assert re.fullmatch(rf"Write {name}'s (next message to the group|answer to the message m\d+)\.", last)


@pytest.mark.parametrize("preset", ["attentive", "ambient"])
async def test_nobody_types_two_messages_at_once_and_everybody_is_asked_before_typing(preset):
    entries = await entries_of(TALK, timing=TIMINGS[preset])
    planned = {event.turn_id: event for event in only(happened(entries), TurnPlanned)}
    asked = {entry.event.turn_id: entry.at for entry in entries if isinstance(entry.event, CallRequested)}
    posted = {entry.event.turn_id: entry.at for entry in entries if isinstance(entry.event, MessagePosted)}

    assert len(posted.keys() & planned.keys()) > 50
    for turn_id in posted.keys() & planned.keys():
        turn = planned[turn_id]
        assert asked[turn_id] <= turn.typing_at <= posted[turn_id]
        assert turn.words >= 1
        if turn.kind == "background":
            before = [planned[other] for other in posted if other in planned and planned[other].due < turn.due]
            own = [other.due for other in before if other.agent_name == turn.agent_name and other.kind == turn.kind]
            assert turn.typing_at >= max(own, default=0.0)


@pytest.mark.parametrize("preset", ["attentive", "ambient"])
async def test_who_has_another_message_to_type_answers_before_or_after_it(preset):
    planned = only(await events_of(TALK, timing=TIMINGS[preset]), TurnPlanned)

    pairs = [(one, other) for one, other in combinations(planned, 2) if one.agent_name == other.agent_name]

    assert len([turn for turn in planned if turn.kind == "answer"]) > 15
    assert [pair for pair in pairs if pair[0].typing_at < pair[1].due and pair[1].typing_at < pair[0].due] == []


async def test_what_is_drawn_stands_in_the_prompt_and_in_the_record():
    events = await events_of(HERE, timing=ATTENTIVE)
    planned = {event.turn_id: event for event in only(events, TurnPlanned)}
    numbers = {event.message_id: place for place, event in enumerate(only(events, MessagePosted), 1)}

    asked = only(events, CallRequested)
    for request in asked:
        turn, told = planned[request.turn_id], request.prompt.text.rpartition("\n")[2]
        assert request.prompt.words == turn.words
        assert ("one word" if turn.words == 1 else f"about {turn.words} words") in told
        assert (f"takes up the message m{numbers[turn.to]}." if turn.to else "begins something new") in told
        assert ("one emoji" if turn.emoji else "no emoji") in told
    assert {planned[request.turn_id].to is None for request in asked} == {True, False}


async def test_scheduling_adds_no_call_to_one_a_message():
    events = await events_of(TALK, timing=ATTENTIVE)

    asked, planned = only(events, CallRequested), only(events, TurnPlanned)
    # what is planned at the end may not be asked for any more
    assert len(planned) - 2 <= len(asked) <= len(planned)
    assert {request.turn_id for request in asked} <= {turn.turn_id for turn in planned}
    assert len({request.turn_id for request in asked}) == len(asked)


async def test_background_messages_take_up_the_participant_only_where_that_is_set():
    for allowed in (False, True):
        events = await events_of(TALK, timing=replace(ATTENTIVE, background_may_address_user=allowed))
        own = {event.message_id for event in only(events, MessagePosted) if event.sender == "user"}
        taken_up = [event.to for event in only(events, TurnPlanned) if event.kind == "background"]
        assert any(to in own for to in taken_up) == allowed


async def test_an_agent_alone_takes_up_what_the_participant_said():
    events = await events_of(TALK, timing=ATTENTIVE, num_agents=1, agent_names=("Alice",))

    own = {event.message_id for event in only(events, MessagePosted) if event.sender == "user"}
    taken_up = {event.to for event in only(events, TurnPlanned) if event.kind == "background"} - {None}
    assert len(taken_up) > 10
    assert taken_up <= own


async def test_quotes_and_reactions_come_at_their_rates_and_from_others():
    speech = replace(VARIED, quote_rate=0.5, reaction_rate=0.3)
    quoting = reactions = messages = 0
    for seed in range(12):
        events = await events_of(TALK, timing=ATTENTIVE, speech=speech, seed=seed)
        posted = {event.message_id: event for event in only(events, MessagePosted)}
        agents = [event for event in posted.values() if event.sender != "user"]
        quoting += sum(event.reply_to is not None for event in agents)
        messages += len(agents)
        for event in agents:
            assert event.reply_to is None or posted[event.reply_to].sender != event.sender
        found = only(events, ReactionSet)
        reactions += len(found) / len(posted)
        assert all(posted[event.message_id].sender != event.sender for event in found)
    # a new thread quotes nobody
    assert 0.4 < quoting / messages < 0.52
    # the reactions to the last messages come too late
    assert 0.25 < reactions / 12 < 0.35


async def test_each_member_reads_at_a_time_of_its_own_and_who_answers_has_read():
    entries = await entries_of(TALK, timing=ATTENTIVE)
    at = {entry.event.message_id: entry.at for entry in entries if isinstance(entry.event, MessagePosted)}
    said = [entry.event for entry in entries if isinstance(entry.event, MessagePosted) and entry.event.sender == "user"]
    answers = [event for event in only(happened(entries), TurnPlanned) if event.kind == "answer"]

    for message in said:
        assert len(set(message.read_by.values())) == len(message.read_by) == 3
        assert message.receipts["read"] == max(message.read_by.values())
        assert at[message.message_id] < message.receipts["delivered"] <= message.receipts["read"]
    by_id = {message.message_id: message for message in said}
    assert len(answers) > 10
    for answer in answers:
        assert by_id[answer.answers[0]].read_by[answer.agent_name] <= answer.read_at


async def test_nobody_reacts_to_the_participant_before_having_read_it():
    reactions = 0
    for seed in range(6):
        speech = replace(VARIED, reaction_rate=1.0)
        entries = await entries_of(TALK, timing=ATTENTIVE, speech=speech, seed=seed)
        said = {event.message_id: event for event in only(happened(entries), MessagePosted) if event.sender == "user"}
        for entry in entries:
            if isinstance(entry.event, ReactionSet) and (message := said.get(entry.event.message_id)):
                assert message.read_by[entry.event.sender] <= entry.at
                reactions += 1
    assert reactions > 200


async def test_an_agent_alone_does_not_react_to_itself():
    speech = replace(VARIED, reaction_rate=1.0)
    changes = {"num_agents": 1, "agent_names": ("Alice",), "timing": ATTENTIVE, "speech": speech}

    events = await events_of(TALK, **changes)

    own = {event.message_id for event in only(events, MessagePosted) if event.sender == "Alice"}
    assert len(own) > 30
    assert len(only(events, ReactionSet)) > 20
    assert not [event for event in only(events, ReactionSet) if event.message_id in own]


async def test_of_a_message_drawn_without_emoji_they_are_taken_away():
    async def gushing(prompt: object) -> Reply:
        return Reply(text=f"lovely 🌞 thing {prompt.number} ❤️", model="double")

    events = await events_of(HERE, gushing, timing=ATTENTIVE, speech=replace(VARIED, emoji_rate=0.5))

    drawn = {event.turn_id: event.emoji for event in only(events, TurnPlanned)}
    for message in only(events, MessagePosted):
        assert ("🌞" in message.content) == drawn[message.turn_id]
        assert message.content.startswith("lovely")
    assert set(drawn.values()) == {True, False}


def test_a_timing_is_plain_where_only_the_time_is_drawn():
    assert SEED.plain
    assert not ATTENTIVE.plain
    assert not AMBIENT.plain
