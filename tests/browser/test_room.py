"""The room: what is said, by whom, and what can be done with it."""

import pytest
from playwright.async_api import expect

from tests.browser.stage import PHONE

pytestmark = pytest.mark.anyio


async def test_messages_of_a_sender_stand_in_groups_with_a_name_and_a_steady_colour(guest):
    await guest.hear("Maren", "one", "two")
    await guest.hear("Tobias", "three")
    await guest.hear("Maren", "four")
    page = guest.page

    await expect(guest.bubbles).to_have_count(4)
    assert await page.locator(".name").all_text_contents() == ["Maren", "Tobias", "Maren"]
    colours = await page.locator(".name").evaluate_all("names => names.map((name) => getComputedStyle(name).color)")
    assert colours[0] == colours[2] != colours[1]
    await expect(page.locator(".day")).to_have_text(["Today"])
    assert (await guest.bubble("one").locator("time").text_content()).count(":") == 1


async def test_the_header_has_the_group_and_its_members_and_opens_them(guest):
    await expect(guest.page.locator(".title h1")).to_have_text("Harbour Street")
    await expect(guest.page.locator(".title-members")).to_have_text("Maren, Tobias, Leila, Viktor Braun and you")

    await guest.page.locator(".title").click()

    members = guest.page.get_by_role("dialog").locator(".members li")
    assert [text.strip() for text in await members.locator("bdi, span:not(.avatar)").all_text_contents()] == [
        *guest.stage.simulation.agent_names,
        "You",
    ]


async def test_ticks_tell_what_has_become_of_a_message(guest):
    message = await guest.say("Hello everyone!")
    ticks = guest.bubble("Hello everyone!").locator(".ticks")
    await expect(ticks).to_have_attribute("aria-label", "Sent")

    await guest.receipt(message, "delivered")
    await expect(ticks).to_have_attribute("aria-label", "Delivered")

    await guest.receipt(message, "read")
    await expect(ticks).to_have_attribute("aria-label", "Read by everyone")


async def test_those_who_type_are_named_while_they_do(guest):
    line = guest.page.locator("p.typing")
    await guest.typing("Maren")
    await expect(line).to_have_text("Maren is typing…")

    await guest.typing("Leila")
    await expect(line).to_have_text("Maren and Leila are typing…")

    await guest.typing("Tobias", "Viktor Braun")
    await expect(line).to_have_text("Several people are typing…")

    top = await guest.page.locator(".composer").evaluate("node => node.getBoundingClientRect().top")
    await guest.page.reload()
    await expect(line).to_have_text("Several people are typing…")
    assert top == await guest.page.locator(".composer").evaluate("node => node.getBoundingClientRect().top")


async def test_a_reply_quotes_its_message_and_leads_to_it(guest):
    (first,) = await guest.hear("Maren", "Who has seen the ferry?")
    await guest.hear("Tobias", *(f"filler {index:02}!" for index in range(30)))

    await (await guest.menu("filler 29!")).get_by_role("button", name="Reply").click()
    await expect(guest.page.locator(".replying .quote-text")).to_have_text("filler 29!")
    await guest.page.get_by_role("button", name="Do not reply").click()
    await expect(guest.page.locator(".replying")).to_have_count(0)

    await guest.hear("Leila", "I have", reply_to=first)
    quote = guest.bubble("I have").locator(".quote")
    await expect(quote).to_contain_text("MarenWho has seen the ferry?")
    await quote.click()

    await expect(guest.page.locator(f'[data-id="{first}"]')).to_be_in_viewport()
    await expect(guest.page.locator(f'[data-id="{first}"]')).to_be_focused()


async def test_what_is_replied_to_is_in_the_log(guest):
    (first,) = await guest.hear("Maren", "Who has seen the ferry?")
    await (await guest.menu("ferry")).get_by_role("button", name="Reply").click()
    await guest.composer.press_sequentially("It left at nine")
    await guest.composer.press("Enter")

    await expect(guest.bubble("It left at nine").locator(".quote-name")).to_have_text("Maren")
    await expect(guest.bubble("It left at nine").locator(".ticks-pending")).to_have_count(0)
    assert [data["reply_to"] for data in await guest.logged("message") if data["sender"] == "user"] == [first]


async def test_reactions_are_picked_counted_and_taken_back(guest):
    (message,) = await guest.hear("Maren", "The ferry is back")
    await (await guest.menu("ferry")).get_by_role("button", name="React with 👍").click()
    chip = guest.page.locator(".chip")
    await expect(chip).to_have_attribute("aria-label", "👍 from You")

    await guest.reaction(message, "Leila", "👍")
    await expect(chip).to_have_text("👍2")
    await expect(chip).to_have_attribute("aria-label", "👍 from You and Leila")

    await chip.click()
    await expect(chip).to_have_attribute("aria-label", "👍 from Leila")
    await guest.page.reload()
    await expect(chip).to_have_attribute("aria-label", "👍 from Leila")
    assert [data["emoji"] for data in await guest.logged("reaction", 3)] == ["👍", "👍", None]


async def test_members_are_mentioned_with_the_keyboard_alone(guest):
    await guest.composer.press_sequentially("hi @")
    names = guest.page.get_by_role("option")
    await expect(names).to_have_count(4)
    await guest.composer.press_sequentially("br")
    await expect(names).to_have_text(["Viktor Braun"])
    await guest.composer.press("Enter")
    await expect(guest.composer).to_have_value("hi @Viktor Braun ")

    await guest.composer.press("Enter")
    await expect(guest.page.locator(".mention")).to_have_text("@Viktor Braun")


async def test_text_is_text_and_links_are_shown_but_not_fetched(guest):
    asked = []
    guest.page.on("request", lambda request: asked.append(request.url))
    await guest.hear("Maren", '<img src=x onerror="document.title=1"> see https://ferry.example/a_(b).')

    link = guest.page.locator(".text a")
    await expect(link).to_have_attribute("href", "https://ferry.example/a_(b)")
    await expect(link).to_have_attribute("target", "_blank")
    assert "noopener noreferrer" in await link.get_attribute("rel")
    await expect(guest.page.locator(".text img")).to_have_count(0)
    await expect(guest.page.locator(".text")).to_contain_text('<img src=x onerror="document.title=1"> see')
    assert [url for url in asked if not url.startswith(guest.stage.url)] == []


async def test_emoji_alone_are_large(guest):
    await guest.hear("Maren", "🎉👍", "so 🎉")

    await expect(guest.page.locator(".text.large")).to_have_count(1)
    await expect(guest.page.locator(".text.large")).to_contain_text("🎉👍")


async def test_a_message_is_reported_after_a_reason_is_given(guest):
    (message,) = await guest.hear("Maren", "Something rude")
    dialog = await guest.menu("rude")
    await dialog.get_by_role("button", name="Report").click()
    await expect(dialog.get_by_role("heading")).to_have_text("Report this message from Maren?")
    await expect(dialog.get_by_role("button", name="Report")).to_be_disabled()

    await dialog.get_by_label("Insulting or hateful").check()
    await dialog.get_by_role("button", name="Report").click()

    await expect(guest.page.locator(".notice")).to_have_text("Thank you. The message was reported.")
    await expect(dialog).to_have_count(0)
    assert await guest.logged("report", 1) == [{"message_id": message, "reason": "insult"}]


async def test_a_blocked_member_s_messages_are_behind_a_line_on_every_device(guest, browser):
    await guest.hear("Maren", "first")
    dialog = await guest.menu("first")
    await dialog.get_by_role("button", name="Block Maren").click()
    await dialog.get_by_role("button", name="Block Maren").click()
    await guest.hear("Maren", "second")
    await guest.typing("Maren")

    veiled = guest.page.locator(".veiled")
    await expect(veiled).to_have_text(["Message from a blocked member"] * 2)
    await expect(guest.page.locator("p.typing")).to_have_text("")
    await veiled.first.get_by_role("button").click()
    await expect(guest.bubble("first")).to_have_count(1)

    await guest.page.evaluate("id => { localStorage.removeItem(`roomful:${id}:blocked`) }", guest.session_id)
    await guest.page.reload()
    await expect(veiled).to_have_count(2)
    await guest.page.locator(".title").click()
    await guest.page.get_by_role("button", name="Unblock Maren").click()
    await expect(veiled).to_have_count(0)
    assert [data["blocked"] for data in await guest.logged("block", 2)] == [True, False]


async def test_new_messages_are_announced_by_a_pill_and_a_divider_and_move_nothing(guest):
    await guest.hear("Maren", *(f"old {index:02}!" for index in range(40)))
    await expect(guest.bubble("old 39!")).to_be_in_viewport()
    listed = guest.page.locator(".list")
    await listed.evaluate("list => list.scrollTo(0, 300)")
    await expect(guest.page.locator(".pill")).to_be_visible()
    before = await guest.bubble("old 09!").evaluate("row => row.getBoundingClientRect().top")

    await guest.hear("Tobias", "new 1", "new 2")

    await expect(guest.page.locator(".pill")).to_have_text("2 new messages")
    assert await guest.bubble("old 09!").evaluate("row => row.getBoundingClientRect().top") == before
    await expect(guest.page).to_have_title("(2) Harbour Street")
    await guest.page.locator(".pill").click()
    await expect(guest.bubble("new 2")).to_be_in_viewport()
    await expect(guest.page.locator(".unread")).to_have_text("2 new messages")
    await expect(guest.page.locator(".pill")).to_have_count(0)

    await guest.hear("Tobias", "new 3")
    await expect(guest.bubble("new 3")).to_be_in_viewport()
    await guest.say("mine")
    await expect(guest.page.locator(".unread")).to_have_count(0)


async def test_the_end_stays_in_view_when_a_reaction_makes_the_last_message_taller(guest):
    *_, last = await guest.hear("Maren", *(f"line {index:02}!" for index in range(40)))
    await expect(guest.bubble("line 39!")).to_be_in_viewport(ratio=1)

    await guest.reaction(last, "Tobias", "👍")

    await expect(guest.page.locator(".chip")).to_be_in_viewport(ratio=1)
    await expect(guest.page.locator(".pill")).to_have_count(0)


async def test_each_message_of_others_is_read_out_once(guest):
    read = """
        window.read = [];
        const log = document.querySelector("[role=log]");
        const told = (change) => change.addedNodes.forEach((node) => window.read.push(node.textContent));
        new MutationObserver((changes) => changes.forEach(told)).observe(log, {childList: true});
    """
    await guest.page.evaluate(read)
    await guest.hear("Maren", "one")
    await guest.say("mine")
    await guest.hear("Tobias", "two")
    await expect(guest.bubble("two")).to_be_visible()

    assert await guest.page.evaluate("window.read") == ["Maren: one", "Tobias: two"]


async def test_on_a_phone_a_swipe_replies_and_a_long_press_opens_the_menu(stage, browser):
    async with stage.guest(browser, **PHONE) as guest:
        await guest.hear("Maren", "swipe me")
        await expect(guest.bubble("swipe me")).to_be_visible()
        box = await guest.bubble("swipe me").locator(".bubble").bounding_box()
        touches = await guest.context.new_cdp_session(guest.page)
        x, y = box["x"] + 20, box["y"] + box["height"] / 2

        async def touch(kind: str, *points: tuple[float, float]) -> None:
            at = [{"x": left, "y": top} for left, top in points]
            await touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        await touch("touchStart", (x, y))
        for step in (10, 30, 50, 70):
            await touch("touchMove", (x + step, y))
        await touch("touchEnd")
        await expect(guest.page.locator(".replying .quote-text")).to_have_text("swipe me")

        box = await guest.bubble("swipe me").locator(".bubble").bounding_box()
        await touch("touchStart", (box["x"] + 20, box["y"] + 10))
        await expect(guest.page.get_by_role("dialog")).to_be_visible()
        await touch("touchEnd")
        assert guest.faults == []
