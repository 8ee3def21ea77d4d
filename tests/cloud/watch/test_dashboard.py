"""What each panel of the dashboard draws, reckoned by Prometheus from figures given."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

from tests.cloud.watch.test_metrics import RULES, dashboard, program

WHEN: Final = "10m"
# Of the organizer `a`, but for the requests; each as promtool writes a series, every 30 seconds.
TENANT: Final = {
    "tickets_sold": "40x20",
    "admitted": "0+3x20",
    "refused": "0+1x20",
    "incidents_open": "3x20",
    "gates_behind_seconds": "30x20",
    "gates_silent_seconds": "20x20",
    "gates": "4x20",
    "messages_waiting": "5x20",
    "messages_dead": "1x20",
    "messages_oldest_seconds": "7x20",
    "mail_waiting": "2x20",
    "mail_refused": "6x20",
    "mail_oldest_seconds": "9x20",
    "merges_waiting": "8x20",
}
REQUESTS: Final = {
    'usher_http_requests_total{group="orders",status="200"}': "0+90x20",
    'usher_http_requests_total{group="orders",status="503"}': "0+30x20",
    'usher_http_requests_total{group="none",status="404"}': "0+30x20",
    'usher_http_request_seconds_bucket{group="orders",le="0.1"}': "0+120x20",
    'usher_http_request_seconds_bucket{group="orders",le="+Inf"}': "0+120x20",
}
A, ORDERS, NONE = '{tenant="a"}', '{group="orders"}', '{group="none"}'
Drawn = dict[str, float]
# By panel, one of each of its lines; the organizer's title comes twice, as number and as line.
EXPECTED: Final[list[tuple[str, list[Drawn]]]] = [
    ("Sold", [{"{}": 40}]),
    ("Admitted", [{"{}": 60}]),
    ("Open incidents", [{"{}": 3}]),
    ("Admissions a minute", [{A: 6}]),
    ("Refused a minute", [{A: 2}]),
    ("Sold", [{A: 40}]),
    ("Gates: ticket list's age behind the newest", [{A: 30}]),
    ("Gates: silent since", [{A: 20}]),
    ("Gates", [{A: 4}]),
    ("Messages waiting", [{A: 5}, {"{}": 1}, {"{}": 2}, {"{}": 6}]),
    ("Oldest message", [{A: 7}, {"{}": 9}]),
    ("Merges waiting", [{"{}": 8}]),
    ("Requests", [{ORDERS: 4, NONE: 1}]),
    ("Failing", [{ORDERS: 0.25, NONE: 0}]),
    ("Duration, 95 of 100", [{ORDERS: 0.095}]),
]


def test_each_panel_draws_what_the_figures_say(tmp_path: Path) -> None:
    figures = {f"usher_{name}{A}": values for name, values in TENANT.items()}
    reckoned(tmp_path, {**figures, **REQUESTS}, EXPECTED)


def test_where_there_is_nothing_yet_a_number_is_nought(tmp_path: Path) -> None:
    """Before the first sale and the first entry; while the figures are away there is no number."""
    numbers = [
        (title, [{"{}": 0.0} if sums else {} for sums in map(is_sum, drawn)])
        for title, drawn in EXPECTED
    ]
    reckoned(tmp_path, {"usher_figures_up": "1x20"}, numbers)
    nothing = [(title, [Drawn() for _ in drawn]) for title, drawn in EXPECTED]
    reckoned(tmp_path, {"usher_figures_up": "0x20"}, nothing)


def is_sum(drawn: Drawn) -> bool:
    return "{}" in drawn


def reckoned(folder: Path, series: dict[str, str], expected: list[tuple[str, list[Drawn]]]) -> None:
    """Have promtool reckon every panel; it names each that differs."""
    panels = dashboard()["panels"]
    assert [panel["title"] for panel in panels] == [title for title, _ in expected]
    tests = [
        {
            "expr": target["expr"].replace("$tenant", ".*"), "eval_time": WHEN,
            "exp_samples": [{"labels": where, "value": value} for where, value in drawn.items()],
        }
        for panel, (_, lines) in zip(panels, expected, strict=True)
        for target, drawn in zip(panel["targets"], lines, strict=True)
    ]  # fmt: skip
    given = [{"series": name, "values": values} for name, values in series.items()]
    told = {"tests": [{"interval": "30s", "input_series": given, "promql_expr_test": tests}]}
    (folder / "dashboard_test.yml").write_text(json.dumps(told))  # JSON is YAML too
    done = subprocess.run(
        [program("promtool"), "test", "rules", "dashboard_test.yml"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_panel_is_told_of_in_the_readme() -> None:
    _, part = (RULES / "README.md").read_text().split("## The dashboard\n")
    rows = re.findall(r"^\| ([^|]+) \| [^|]{20,} \|$", part.partition("\n## ")[0], re.M)
    assert rows == list(dict.fromkeys(panel["title"] for panel in dashboard()["panels"]))
