"""Writing: keys, input methods, and what is recorded of it."""

import pytest
from playwright.async_api import expect

from tests.browser.stage import PHONE, SENT, Stage, quiet_room

pytestmark = pytest.mark.anyio


async def test_enter_sends_and_shift_enter_begins_a_line(guest):
    await guest.composer.press_sequentially("one")
    await guest.composer.press("Shift+Enter")
    await guest.composer.press_sequentially("two")
    height = await guest.composer.evaluate("field => field.offsetHeight")
    await guest.composer.press("Enter")

    await expect(guest.bubble("one")).to_have_count(1)
    await expect(guest.composer).to_have_value("")
    assert await guest.composer.evaluate("field => field.offsetHeight") < height
    await expect(guest.page.locator(SENT)).to_have_count(1)
    assert await guest.said() == ["one\ntwo"]


async def test_on_a_phone_enter_begins_a_line_until_it_is_set_to_send(stage, browser):
    async with stage.guest(browser, **PHONE) as guest:
        await guest.composer.press_sequentially("one")
        await guest.composer.press("Enter")
        await expect(guest.composer).to_have_value("one\n")

        await guest.page.get_by_role("button", name="Menu").click()
        await guest.page.get_by_label("Enter sends the message").check()
        await guest.page.keyboard.press("Escape")
        await guest.composer.press("Enter")

        await expect(guest.bubble("one")).to_have_count(1)


async def test_enter_chooses_a_word_while_an_input_method_composes(guest):
    await guest.composer.focus()
    keys = await guest.context.new_cdp_session(guest.page)
    await keys.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    await guest.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "keyCode": 229})
    await expect(guest.bubbles).to_have_count(0)

    await keys.send("Input.insertText", {"text": "日本"})
    await guest.composer.press("Enter")
    await expect(guest.bubble("日本")).to_have_count(1)


async def test_what_was_seen_and_typed_is_in_the_log_without_the_words(guest):
    await guest.page.clock.install()
    await guest.page.reload()
    (message,) = await guest.hear("Maren", "look here")
    await expect(guest.bubble("look here")).to_be_in_viewport()
    await guest.composer.press_sequentially("secret")
    for _ in range(3):
        await guest.composer.press("Backspace")
    await guest.page.clock.run_for(30_000)
    await expect(guest.page.locator("article .bubble")).to_have_count(1)
    await guest.say("done")

    noted = await guest.logged("activity")
    seen = [one for note in noted if note["kind"] == "seen" for one in note["details"]["messages"]]
    bursts = [one for note in noted if note["kind"] == "typing" for one in note["details"]["bursts"]]
    whats = {one["what"] for note in noted if note["kind"] == "visibility" for one in note["details"]["changes"]}
    assert message in {one["message_id"] for one in seen}
    assert sum(one["inserted"] for one in bursts) >= 6
    assert sum(one["deletions"] for one in bursts) >= 3
    assert {"visible", "composer_focus"} <= whats
    assert "secret" not in str(noted)


async def test_no_more_than_a_batch_every_ten_seconds_is_reported(guest):
    sent = []
    await guest.page.clock.install()
    guest.page.on("websocket", lambda socket: socket.on("framesent", lambda payload: sent.append(str(payload))))
    await guest.page.reload()
    await guest.hear("Maren", "look here")
    await expect(guest.bubble("look here")).to_be_in_viewport()
    await guest.composer.press_sequentially("abc")
    assert [text for text in sent if '"type":"' in text] == []

    await guest.page.clock.run_for(10_000)
    await guest.say("done")

    kinds = [kind for text in sent for kind in ("seen", "typing", "visibility") if f'"type":"{kind}"' in text]
    assert len(kinds) == len(set(kinds))
    assert "seen" in kinds


async def test_a_study_can_turn_the_recording_off(browser, tmp_path):
    stage = Stage(tmp_path, quiet_room(record_activity=False))
    await stage.start()
    async with stage.guest(browser) as guest:
        sent = []
        await guest.page.clock.install()
        guest.page.on("websocket", lambda socket: socket.on("framesent", lambda payload: sent.append(str(payload))))
        await guest.page.reload()
        await guest.hear("Maren", "look here")
        await guest.composer.press_sequentially("abc")
        await guest.page.clock.run_for(30_000)
        await guest.say("done")

        assert [text for text in sent if '"user_message"' not in text] == []
        assert await guest.logged("activity") == []
    await stage.stop()
