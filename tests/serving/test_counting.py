"""Numbers are counted alone and added up over all processes, the ended ones too."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.serving import tallies
from app.serving.tallies import Tallies

COUNT_AND_LEAVE = """
    import sys
    from pathlib import Path
    from app.serving.tallies import Tallies
    mine = Tallies(Path(sys.argv[1]), spare=4)
    mine.numbers[mine.place(("in_flight",), slots=1)] += 7
    at = mine.place(("seconds", "GET", "/"), slots=3)
    mine.numbers[at] += 2
    mine.numbers[at + 2] += 0.5
"""

SCRAPE_AFTER_REQUESTS = """
    from app.serving import metrics
    from app.serving.exchange import Exchange
    for took_s in (0.001, 0.0011, 99.0):
        exchange = Exchange({})
        exchange.route, exchange.status = "/x", 200
        exchange.operation, exchange.execution = "Screen", "planned"
        metrics.observe(exchange, "POST", took_s=took_s)
    metrics.observe(exchange, "BREW", took_s=0.1)
    metrics.entered()
    metrics.turned_away()
    print(metrics.exposition()[0].decode())
"""


def test_a_name_has_its_place_and_its_own_numbers() -> None:
    mine = Tallies(None, spare=4)
    first, second = mine.place(("a",), slots=2), mine.place(("b",), slots=1)
    assert mine.place(("a",), slots=2) == first
    mine.numbers[first + 1] += 1.5
    mine.numbers[second] += 1
    assert mine.sums(of_the_living=["now"]) == {("a",): [0.0, 1.5], ("b",): [1.0]}


def test_ended_processes_still_count_but_have_nothing_under_way(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", textwrap.dedent(COUNT_AND_LEAVE), tmp_path], check=True)
    mine = Tallies(tmp_path, spare=4)
    mine.numbers[mine.place(("in_flight",), slots=1)] += 1
    mine.numbers[mine.place(("seconds", "GET", "/"), slots=3)] += 1
    assert mine.sums(of_the_living=["in_flight"]) == {
        ("in_flight",): [1.0],
        ("seconds", "GET", "/"): [3.0, 0.0, 0.5],
    }


def test_a_name_half_written_is_not_read(tmp_path: Path) -> None:
    mine = Tallies(tmp_path, spare=4)
    mine.place(("whole",), slots=1)
    with (tmp_path / f"{os.getpid()}{tallies.NAMES}").open("ab") as names:
        names.write(b'[5, 1, "ha')
    assert mine.sums(of_the_living=["now"]) == {("whole",): [0.0]}


def test_what_finds_no_room_is_counted_apart() -> None:
    mine = Tallies(None, spare=4)
    places = [mine.place((str(n),), slots=1_000) for n in range(200)]
    assert places[0] == 4
    assert places[-1] == 0
    mine.numbers[places[-1]] += 1
    assert ("199",) not in mine.sums(of_the_living=["now"])


@pytest.mark.parametrize("shared", [False, True])
def test_prometheus_reads_buckets_sums_and_counts(tmp_path: Path, *, shared: bool) -> None:
    env = {**os.environ, **({"GATEWAY_METRICS_FOLDER": str(tmp_path)} if shared else {})}
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRAPE_AFTER_REQUESTS)],
        check=True, capture_output=True, text=True, env=env,
    ).stdout  # fmt: skip
    labels = 'method="POST",route="/x",status="200"'
    for line in (
        f'gateway_request_seconds_bucket{{le="0.001",{labels}}} 1.0',
        f'gateway_request_seconds_bucket{{le="0.0025",{labels}}} 2.0',
        f'gateway_request_seconds_bucket{{le="30.0",{labels}}} 2.0',
        f'gateway_request_seconds_bucket{{le="+Inf",{labels}}} 3.0',
        f"gateway_request_seconds_count{{{labels}}} 3.0",
        f"gateway_request_seconds_sum{{{labels}}} 99.0021",
        'gateway_request_seconds_count{method="other",route="/x",status="200"} 1.0',
        'gateway_executions_total{execution="planned",operation="Screen"} 4.0',
        "gateway_requests_in_flight 1.0",
        "gateway_requests_refused_total 1.0",
    ):
        assert line in said.splitlines()
    # Of several processes only one would answer about its own memory.
    assert ("python_info" in said) is not shared
