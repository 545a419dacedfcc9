"""The lab: from a key press to the painted page, and many people editing at the same time.

    python -m benchmarks.lab keys            a browser on this machine (Debian's chromium)
    python -m benchmarks.lab people --people 100 --seconds 30 --workers 2

The first presses an arrow key in a field, and waits until the page with the new figures has been painted: from the
key's event to the second frame after the page was put in. The second serves the lab to people who each send
an edit of lab9 twice a second, over the loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import time
from importlib import resources

import numpy as np

from tests.lab.conftest import served

PAINTED = """
async () => {
  const field = document.activeElement;
  const times = [];
  for (let k = 0; k < %d; k += 1) {
    const key = k %% 8 < 4 ? "ArrowUp" : "ArrowDown";
    const painted = new Promise((done) => addEventListener("page", () =>
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))), { once: true }));
    const begun = performance.now();
    field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    times.push(await painted - begun);
    await new Promise((done) => setTimeout(done, 120));
  }
  return times;
}
"""


def keys(count: int) -> dict[str, dict[str, float]]:
    """Milliseconds from a key press to the painted page, by problem."""
    from playwright.sync_api import sync_playwright

    found = {}
    with served(workers=2, seconds=20) as address, sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for problem, name in (("lab9", "W2[1,0]"), ("classes", "W3[0,0]")):
            tab = browser.new_page(viewport={"width": 1400, "height": 900})
            tab.goto(f"{address}/problems/{problem}")
            tab.evaluate("document.fonts.ready")
            tab.locator(f'#numbers input[data-input="{name}"]').focus()
            tab.wait_for_selector("#sweep svg")
            found[problem] = percentiles(tab.evaluate(PAINTED % count)[3:])
        browser.close()
    return found


async def _person(
    client: object, text: str, until: float, times: list[float], errors: list[int]
) -> None:
    drawn = random.Random()
    await asyncio.sleep(drawn.random() * 0.5)
    before = text
    while time.perf_counter() < until:
        begun = time.perf_counter()
        number = f"{drawn.uniform(-1, 1):.2f}"
        after = text.replace("b3 = 0.3", f"b3 = {number}")
        asked = {"text": after, "before": before, "view": {"narrow": False}}
        answer = await client.post("/answers/page", content=json.dumps(asked))  # type: ignore[attr-defined]
        times.append(1e3 * (time.perf_counter() - begun))
        errors.append(answer.status_code != 200)
        before = after
        await asyncio.sleep(max(0.0, 0.5 - (time.perf_counter() - begun)))


async def _people(address: str, count: int, seconds: float) -> dict[str, float]:
    import httpx

    text = (resources.files("handgrad.problems") / "lab9.toml").read_text("utf-8")
    times: list[float] = []
    errors: list[int] = []
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_person(client, text, until, times, errors) for _ in range(count)))
    return {**percentiles(times), "answers a second": len(times) / seconds, "errors": sum(errors)}


def percentiles(times: list[float]) -> dict[str, float]:
    """The median and the 95th percentile."""
    return {"median": float(np.median(times)), "p95": float(np.percentile(times, 95))}


def main() -> None:
    """Measures, and prints one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["keys", "people"])
    parser.add_argument("--count", type=int, default=60, help="key presses")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.what == "keys":
        found: object = keys(options.count)
    else:
        with served(workers=options.workers, seconds=20) as address:
            found = asyncio.run(_people(address, options.people, options.seconds))
    print(json.dumps({"load": os.getloadavg()[0], "milliseconds": found}))


if __name__ == "__main__":
    main()
