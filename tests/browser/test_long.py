"""A long conversation: drawn from where it is read, the rest later, and nobody notices."""

import json
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.anyio

LONG = 400

HOLD_IDLE = """
    const waiting = new Map();
    window.requestIdleCallback = (act) => (waiting.set(waiting.size + 1, act), waiting.size);
    window.cancelIdleCallback = (request) => waiting.set(request, () => {});
    window.letIdle = () => {
        const held = [...waiting.values()];
        window.requestIdleCallback = (act) => setTimeout(act);
        window.cancelIdleCallback = clearTimeout;
        held.forEach((act) => act());
    };
"""
"""The browser is not idle until a test says so."""

TOP = "row => row.getBoundingClientRect().top"


@pytest.fixture
async def reader(guest):
    """A participant with a long conversation, in a browser that is not idle."""
    # while the page is away: drawn one by one as they come, so many take seconds
    await guest.page.goto(f"{guest.stage.url}/health")
    await guest.page.evaluate("id => { localStorage.removeItem(`roomful:${id}:known`) }", guest.session_id)
    await guest.hear("Maren", *(f"line {index:03}!" for index in range(LONG)))
    await guest.open()
    await expect(guest.bubble(f"line {LONG - 1}!")).to_be_in_viewport()
    await expect(guest.bubbles).to_have_count(LONG)
    await guest.page.add_init_script(HOLD_IDLE)
    return guest


async def test_the_end_is_drawn_first_and_stays_where_it_is_while_the_rest_is_drawn(reader):
    await reader.page.reload()

    last = reader.bubble(f"line {LONG - 1}!")
    await expect(last).to_be_in_viewport(ratio=1)
    assert 20 <= await reader.bubbles.count() < 100
    before = await last.evaluate(TOP)
    await reader.page.evaluate("letIdle()")
    await expect(reader.bubbles).to_have_count(LONG)
    assert await last.evaluate(TOP) == pytest.approx(before, abs=1)
    assert await reader.page.locator("article .text").evaluate_all(
        "texts => texts.map((text) => text.firstChild.textContent.trim())"
    ) == [f"line {index:03}!" for index in range(LONG)]
    await expect(reader.page.locator(".pill")).to_have_count(0)


async def test_the_place_in_the_middle_is_drawn_first_and_does_not_move(reader):
    await reader.page.locator(".list").evaluate("list => list.scrollTo(0, list.scrollHeight / 2)")
    await expect(reader.page.locator(".pill")).to_be_visible()
    kept = "id => JSON.parse(localStorage.getItem(`roomful:${id}:place`))"
    await reader.page.wait_for_function(kept, arg=reader.session_id)
    place = reader.page.locator(f'[data-id="{await reader.page.evaluate(kept, reader.session_id)}"]')

    await reader.page.reload()

    await expect(place).to_be_in_viewport()
    assert await reader.bubbles.count() < 150
    before = await place.evaluate(TOP)
    await reader.page.evaluate("letIdle()")
    await expect(reader.bubbles).to_have_count(LONG)
    assert await place.evaluate(TOP) == pytest.approx(before, abs=1)
    await expect(reader.page.locator(".pill")).to_be_visible()


async def test_a_place_between_two_messages_is_kept(reader):
    between = """list => {
      const row = [...list.querySelectorAll("[data-id]")].at(-60);
      row.scrollIntoView({ block: "start" });
      const { left, top, width } = list.getBoundingClientRect();
      const there = () => document.elementFromPoint(left + width / 2, top + 24).closest("[data-id]");
      for (let moved = 0; moved < 60 && there() !== null; moved += 1) list.scrollBy(0, -1);
      return there() === null;
    }"""
    assert await reader.page.locator(".list").evaluate(between)

    kept = "id => JSON.parse(localStorage.getItem(`roomful:${id}:place`))"
    await reader.page.wait_for_function(kept, arg=reader.session_id)
    place = reader.page.locator(f'[data-id="{await reader.page.evaluate(kept, reader.session_id)}"]')
    await expect(place).to_be_in_viewport()


async def test_what_is_new_is_drawn_first_with_its_divider(reader):
    known = "id => { localStorage.setItem(`roomful:${id}:known`, '150') }"
    await reader.page.evaluate(known, reader.session_id)

    await reader.page.reload()

    await expect(reader.page.locator(".unread")).to_have_text(f"{LONG - 150} new messages")
    await expect(reader.page.locator(".unread")).to_be_in_viewport()
    before = await reader.page.locator(".unread").evaluate(TOP)
    await reader.page.evaluate("letIdle()")
    await expect(reader.bubbles).to_have_count(LONG)
    assert await reader.page.locator(".unread").evaluate(TOP) == pytest.approx(before, abs=1)


async def test_a_quote_leads_to_a_message_that_is_not_drawn_yet(reader):
    first = await reader.bubble("line 000!").get_attribute("data-id")
    await reader.hear("Tobias", "that was", reply_to=first)
    await reader.page.reload()
    await expect(reader.page.locator(f'[data-id="{first}"]')).to_have_count(0)

    await reader.bubble("that was").locator(".quote").click()

    await expect(reader.page.locator(f'[data-id="{first}"]')).to_be_in_viewport()
    await expect(reader.page.locator(f'[data-id="{first}"]')).to_be_focused()


async def test_the_keyboard_reaches_messages_that_are_not_drawn_yet(reader):
    await reader.page.reload()
    await expect(reader.bubble(f"line {LONG - 1}!")).to_be_visible()
    await expect(reader.bubble("line 000!")).to_have_count(0)
    await reader.composer.focus()

    await reader.page.keyboard.press("Shift+Tab")
    await reader.page.keyboard.press("Home")

    await expect(reader.bubble("line 000!")).to_be_focused()


@asynccontextmanager
async def in_two_pieces(guest):
    """Let 150 messages come to a reloaded page in two pieces; the second after what is done inside."""
    rest, sockets = [], []

    async def meet(socket):
        def pass_on(text):
            if json.loads(text)["type"] == "batch" and not rest:
                frames = json.loads(text)["frames"]
                socket.send(json.dumps({"type": "batch", "frames": frames[:50]}))
                rest.append(json.dumps({"type": "batch", "frames": frames[50:]}))
            elif rest:
                rest.append(text)
            else:
                socket.send(text)

        socket.connect_to_server().on_message(pass_on)
        sockets.append(socket)

    await guest.page.route_web_socket("**/ws/**", meet)
    await guest.page.reload()
    await expect(guest.bubble("line 049!")).to_be_visible()
    yield
    for text in rest:
        sockets[-1].send(text)
    await expect(guest.bubbles).to_have_count(150)


async def test_a_history_that_comes_in_pieces_is_neither_new_nor_read_out(guest):
    await guest.hear("Maren", *(f"line {index:03}!" for index in range(150)))
    await expect(guest.bubbles).to_have_count(150)
    # a device that has not seen anything of it yet
    await guest.page.evaluate("id => { localStorage.removeItem(`roomful:${id}:known`) }", guest.session_id)

    async with in_two_pieces(guest):
        pass

    await expect(guest.page.locator(".unread")).to_have_count(0)
    await expect(guest.page).to_have_title("Harbour Street")
    await expect(guest.page.locator("[role=log] p")).to_have_count(0)


async def test_what_is_new_is_marked_as_a_whole_when_it_comes_in_pieces(guest):
    await guest.hear("Maren", *(f"line {index:03}!" for index in range(150)))
    await expect(guest.bubbles).to_have_count(150)
    await guest.page.evaluate("id => { localStorage.setItem(`roomful:${id}:known`, '20') }", guest.session_id)

    async with in_two_pieces(guest):
        await expect(guest.page.locator(".unread")).to_be_attached()

    await expect(guest.page.locator(".unread")).to_have_text("130 new messages")
    await expect(guest.page.locator(".unread")).to_be_in_viewport()
