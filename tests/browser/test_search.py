"""The sheet in which a supervisor looks tickets up."""

from typing import Any

from playwright.sync_api import Response, Route, expect

from tests.browser.screen import Screen

MISSING = "The list is not complete on this gate yet"


def test_a_list_that_is_not_whole_is_said_to_be(supervised: Screen) -> None:
    """Beside whoever was found, and where nobody was; a whole list is silent."""
    page, sheet = supervised.page, supervised.sheet
    supervised.tool("search")
    field = page.locator("#search-words")
    with page.expect_response("**/api/search?*") as told:
        field.fill("seated")
    expect(sheet.locator(".row").first).to_contain_text("Seated")
    expect(sheet).not_to_contain_text(MISSING)
    answer: Response = told.value
    whole: dict[str, Any] = answer.json()
    assert whole["missing"] == 0

    def lacking(route: Route) -> None:
        found = whole["found"] if "seated" in route.request.url else []
        route.fulfill(json={"found": found, "missing": 1})

    page.route("**/api/search?*", lacking)
    field.fill("seated a")
    expect(sheet).to_contain_text(MISSING)
    expect(sheet.locator(".row").first).to_contain_text("Seated")
    field.fill("nobody")
    expect(sheet).to_contain_text("Nothing found")
    expect(sheet).to_contain_text(MISSING)
