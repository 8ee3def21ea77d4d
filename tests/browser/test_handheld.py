"""A handheld's evening: signing in, scanning, saying more, taking back, finding, locking."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen


def test_a_pin_opens_scanning(new_screen: NewScreen) -> None:
    """A PIN typed on the page's own keys signs in, and the strip says who and as what."""
    screen = new_screen()
    screen.open_handheld()
    expect(screen.page.locator("#signin")).to_be_visible()
    screen.sign_in()
    expect(screen.page.locator("#strip .staff")).to_have_text("Pat Pin, scanning")


def test_a_wrong_pin_says_so(new_screen: NewScreen) -> None:
    """A wrong PIN is refused in words and can be typed again."""
    screen = new_screen()
    screen.open_handheld()
    screen.type("9753")
    expect(screen.page.locator("#signin .error")).to_have_text("That PIN is wrong.")
    screen.type(screen.gate.badge())  # which sets the count of wrong PINs back
    expect(screen.page.locator("#signin")).to_be_hidden()


def test_a_badge_signs_in_by_a_reader(supervised: Screen) -> None:
    """A badge that a reader types signs in, with no field in focus."""
    expect(supervised.page.locator("#strip .staff")).to_have_text("Sue Supervisor, supervisor")


def test_a_gate_is_chosen_by_name_and_direction(handheld: Screen) -> None:
    """The chosen gate and direction are the ones on the board and on the tool."""
    handheld.tool("post")
    handheld.sheet.get_by_role("button", name="South: Exit").click()
    expect(handheld.page.locator("#post")).to_have_text("South")
    expect(handheld.page.locator("#way")).to_have_text("Exit: Arena")
    expect(handheld.page.locator("#tool-post")).to_have_text("South · Exit")


def test_a_reader_needs_no_focus(handheld: Screen) -> None:
    """A code that a reader types is scanned, whatever button has the focus, and presses none."""
    handheld.page.locator("#tool-more").focus()
    assert handheld.type(handheld.fresh()) == []  # Enter and space would press the button
    handheld.shows("green", "Welcome")
    expect(handheld.sheet).to_be_hidden()
    assert handheld.heard() == ["admitted"]


def test_a_reader_without_enter_is_read_after_a_pause(handheld: Screen) -> None:
    """A reader that sends no Enter is understood all the same."""
    handheld.type(handheld.fresh(), last="")
    handheld.shows("green")


def test_another_layout_goes_through_as_typed(handheld: Screen) -> None:
    """What a reader types by the wrong layout reaches the gate as it was typed."""
    azerty = str.maketrans("AQZWMaqzwm1234567890:.", "QAWZ?qawz,&é\"'(-è_çà/:")
    typed = handheld.fresh().translate(azerty)
    with handheld.page.expect_request("**/api/scan") as sent:
        handheld.type(typed)
    assert sent.value.post_data_json == {"text": typed, "source": "keyboard"}


def test_typing_in_a_field_is_not_swallowed(supervised: Screen) -> None:
    """Words typed fast into the search field stay there and are not scanned."""
    supervised.tool("search")
    field = supervised.page.locator("#search-words")
    expect(field).to_be_focused()
    supervised.page.keyboard.type("standing")
    expect(field).to_have_value("standing")
    assert supervised.heard() == []


def test_a_used_ticket_says_when_and_where(handheld: Screen) -> None:
    """A second use is red, with when and where it was used and what to say to the guest."""
    text = handheld.fresh()
    handheld.gate.scan(text)
    handheld.type(text)
    handheld.shows("red", "Already in")
    expect(handheld.flood.locator(".prior")).to_have_text(
        re.compile(r"^Came in (now|\d+ seconds? ago) \(\d\d:\d\d\) at this gate$")
    )
    expect(handheld.flood.locator(".guest")).to_contain_text("Say to the guest:")
    assert handheld.heard() == ["already_admitted"]


def test_a_refusal_stays_until_it_is_dismissed(handheld: Screen) -> None:
    """A red screen stays; its button ends it."""
    handheld.scan("revoked")
    handheld.shows("red", "Cancelled")
    handheld.page.wait_for_timeout(4500)  # longer than a green stays: nothing must happen
    handheld.shows("red", "Cancelled")
    handheld.press("Done")
    expect(handheld.flood).to_be_hidden()


def test_a_green_goes_by_itself(handheld: Screen) -> None:
    """A green screen stays four seconds."""
    handheld.type(handheld.fresh())
    handheld.shows("green")
    expect(handheld.flood).to_be_hidden(timeout=10_000)
    handheld.alive()


def test_the_same_ticket_does_not_sound_twice(handheld: Screen) -> None:
    """A ticket that is still in view changes nothing: no second sound, no second verdict."""
    text = handheld.fresh()
    handheld.type(text)
    handheld.shows("green")
    with handheld.page.expect_response("**/api/scan") as answered:
        handheld.type(text)
    assert answered.value.json()["repeat"] is True
    handheld.shows("green", "Welcome")
    assert handheld.heard() == ["admitted"]


def test_a_group_is_let_in_by_one_touch(handheld: Screen) -> None:
    """A family ticket offers the rest of the family, and fewer."""
    handheld.scan("family")
    handheld.shows("green")
    expect(handheld.flood.locator(".stepper output")).to_have_text("3")
    handheld.flood.get_by_role("button", name="One fewer").click()
    handheld.press("Admit 2 more")
    expect(handheld.flood).to_contain_text("Let 2 people in.")
    expect(handheld.flood).to_contain_text("One more may enter on this ticket.")


def test_a_look_is_confirmed(handheld: Screen) -> None:
    """A class that needs a look is amber with its text, and green once somebody has looked."""
    handheld.scan("child")
    handheld.shows("amber", "Look first")
    expect(handheld.flood.locator(".look")).to_have_text("Child: check that an adult comes along")
    handheld.press("Checked: let in")
    handheld.shows("green", "Welcome")


def test_questions_are_asked_and_answered(handheld: Screen) -> None:
    """A required question stops the guest until it is answered; an optional one does not."""
    handheld.scan("waiver")
    handheld.shows("amber", "Ask")
    handheld.press("Save and let in")
    expect(handheld.flood.locator(".error")).to_contain_text("needed")
    handheld.flood.get_by_role("radio", name="yes").click()
    handheld.page.keyboard.press("Tab")
    handheld.page.get_by_label("Locker number").fill("A 17")
    handheld.press("Save and let in")
    handheld.shows("green", "Welcome")


def test_an_entry_is_taken_back(handheld: Screen) -> None:
    """Undo, from the tools, takes the last entry back; the ticket is good again."""
    text = handheld.fresh()
    handheld.type(text)
    handheld.shows("green")
    handheld.press("Next guest")
    handheld.tool("undo")
    handheld.press("Take this entry back")
    handheld.shows("green", "Undone")
    assert handheld.gate.scan(text)["code"] == "admitted"


def test_undo_on_the_verdict_counts_down(handheld: Screen) -> None:
    """A green screen offers undo with the time that is left for it."""
    handheld.type(handheld.fresh())
    undo = handheld.flood.locator("[data-deed=undo]")
    expect(undo).to_have_text(re.compile(r"^Undo \((2:00|1:\d\d)\)$"))
    undo.click()
    handheld.shows("green", "Undone")


def test_an_override_needs_a_reason_and_a_badge(handheld: Screen) -> None:
    """Somebody who only scans admits against a refusal with a supervisor's badge."""
    text = handheld.fresh()
    handheld.gate.scan(text)
    handheld.type(text)
    handheld.shows("red")
    handheld.press("Supervisor: admit anyway")
    go = handheld.sheet.get_by_role("button", name="Admit", exact=True)
    expect(go).to_be_disabled()
    handheld.press("Other reason")
    handheld.page.get_by_label("In a few words").fill("Came with the band")
    go.click()
    expect(handheld.sheet).to_contain_text("Scan a supervisor's badge")
    handheld.type(handheld.gate.badge())
    handheld.shows("green", "Welcome")


def test_a_strange_badge_overrides_nothing(handheld: Screen) -> None:
    """The badge of nobody is refused in words, and the screen stays red."""
    handheld.scan("refunded")
    handheld.press("Supervisor: admit anyway")
    handheld.press("Our mistake")
    handheld.sheet.get_by_role("button", name="Admit", exact=True).click()
    handheld.type("UB1:NOBODY.")
    handheld.shows("red", "Refunded")
    expect(handheld.flood.locator(".error")).to_have_text("That is not a staff badge.")


def test_a_supervisor_lets_pass_what_is_held(supervised: Screen) -> None:
    """A supervisor on duty needs no badge to approve."""
    supervised.scan("box office")
    supervised.shows("amber", "Supervisor")
    expect(supervised.flood).to_contain_text("Because: This ticket is not paid for.")
    supervised.press("Supervisor: let in")
    supervised.shows("green", "Welcome")


def test_a_supervisor_finds_a_ticket(supervised: Screen) -> None:
    """A ticket is found by its holder's name and admitted by hand."""
    supervised.tool("search")
    expect(supervised.page.locator("#search-words")).to_be_focused()
    supervised.page.keyboard.type("two days")
    row = supervised.sheet.locator(".row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Any two days · valid")
    supervised.press("Admit by hand")
    supervised.shows("green")


def test_who_only_scans_can_list_nobody(handheld: Screen) -> None:
    """Search without a supervisor offers another badge, and nothing else."""
    handheld.tool("search")
    expect(handheld.sheet).to_contain_text("Only a supervisor may look tickets up.")
    expect(handheld.page.locator("#search-words")).to_have_count(0)


def test_a_challenge_is_shown_large(handheld: Screen) -> None:
    """A stale live code offers a challenge of eight characters and a code to scan."""
    at = int(handheld.page.evaluate("Date.now()") / 1000) - 600
    handheld.type(handheld.gate.world.live(at))
    handheld.shows("amber", "Refresh")
    handheld.press("Show a challenge")
    shown = handheld.flood.locator(".challenge output")
    expect(shown).to_have_text(re.compile(r"^[0-9A-F]{4} [0-9A-F]{4}$"))
    image = handheld.flood.locator(".challenge img")
    expect(image).to_be_in_viewport(ratio=1)  # whole: half a code can't be scanned
    assert image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }")
    answer = bytes.fromhex(shown.inner_text().replace(" ", ""))
    handheld.type(handheld.gate.world.live(at + 600, answer))
    handheld.shows("green", "Welcome")


def test_the_last_scans_are_listed(handheld: Screen) -> None:
    """The last scans stand newest first, with word, time and source."""
    handheld.type(handheld.fresh())
    handheld.shows("green")
    handheld.scan("blocked")
    handheld.shows("red")
    handheld.press("Done")
    handheld.tool("recent")
    rows = handheld.sheet.locator(".row")
    expect(rows.nth(0)).to_contain_text("Blocked")
    expect(rows.nth(0)).to_contain_text("reader")
    expect(rows.nth(1)).to_contain_text("Welcome")


def test_practice_cannot_be_overlooked(handheld: Screen) -> None:
    """Practice shows its banner over everything, also over a green verdict."""
    handheld.tool("more")
    handheld.press("Practice: off")
    banner = handheld.page.locator("#practice")
    expect(banner).to_be_visible()
    handheld.scan("standing 2")
    handheld.shows("green")
    expect(handheld.flood).to_contain_text("Practice: not counted.")
    expect(banner).to_be_visible()
    handheld.press("Next guest")
    handheld.tool("more")
    handheld.press("Practice: on")
    expect(banner).to_be_hidden()


def test_locking_takes_one_touch(handheld: Screen) -> None:
    """Lock ends the session at once; what is scanned then is not admitted."""
    handheld.tool("lock")
    expect(handheld.page.locator("#signin")).to_be_visible()
    expect(handheld.page.locator("#strip .staff")).to_have_text("Locked")


def test_the_language_is_remembered(handheld: Screen) -> None:
    """Another language comes at one touch, with the lane as it was, and stays."""
    handheld.tool("more")
    handheld.press("Deutsch")
    handheld.alive()
    expect(handheld.page.locator("html")).to_have_attribute("lang", "de")
    expect(handheld.page.locator("#way")).to_have_text("Eingang: Arena")
    handheld.scan("expired")
    handheld.shows("red", "Abgelaufen")
    handheld.open_handheld()
    expect(handheld.page.locator("html")).to_have_attribute("lang", "de")
