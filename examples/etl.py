"""The Python door: functions become nodes, parameters become dependencies.

    python examples/etl.py 2026-11-23

Run it twice with ``--run-id``, and the second time there is nothing left to do.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date

import indelible as ink
from indelible.errors import RunExistsError

flow = ink.Workflow("etl", description="Numbers of one day, cleaned and summed up.")


@dataclass
class Sale:
    product: str
    cents: int
    day: date


@flow.node
def extract(day: date) -> list[Sale]:
    """Everything that was sold.  ``day`` is no node, so it is an input of the workflow."""
    return [Sale("beans", 1380, day), Sale("mug", 0, day), Sale("kettle", 5400, day)]


@flow.node(retry=ink.Retry(max_attempts=3, delay="100ms"))
def clean(extract: list[Sale]) -> list[Sale]:
    """Drop what was given away.  ``extract`` is a node: this waits for it, takes its output."""
    return [sale for sale in extract if sale.cents > 0]


@flow.node
async def total(clean: list[Sale]) -> int:
    return sum(sale.cents for sale in clean)


@flow.node(depends_on=[clean], trigger_rule="all_done")
def announce(total: int) -> str:
    print(f"{ink.context().run_id}: {total / 100:.2f}")
    return f"{total / 100:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("day", help="such as 2026-11-23")
    parser.add_argument("--run-id")
    parser.add_argument("--store")
    given = parser.parse_args()
    try:
        run = flow.run(day=given.day, run_id=given.run_id, store=given.store)
    except RunExistsError:
        run = ink.resume(given.run_id, flow=flow, store=given.store)
    print(f"{run.status}: {run.node('announce').output}")
    return 0 if run.status == "completed" else 1


if __name__ == "__main__":
    raise SystemExit(main())
