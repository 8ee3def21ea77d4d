"""What the demo serves: its page and events, and cameras that a gate's own source reads."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from demo import picture
from demo.lens import Lens
from demo.page import page
from demo.telling import Telling
from demo.web import Pages, Site
from edge.scan.cameras import NetworkCamera
from edge.scan.engines import load_zbar
from edge.scan.picture import grey_of
from edge.scan.stream import VideoDecoder

T = TypeVar("T")
CODE = "https://tickets.example/a-code"
SOON = 10.0  # seconds


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Site, Telling, Lens]]:
    """Serve one lane's camera and a telling."""
    telling, lens = Telling(), Lens(1)
    site = Site(Pages(page(), telling, {"north-1": lens}))
    running = [asyncio.create_task(each) for each in (site.serve(), lens.run())]
    try:
        async with asyncio.timeout(SOON):
            yield site, telling, lens
    finally:
        site.stop()
        running[1].cancel()
        await asyncio.gather(*running, return_exceptions=True)


def during(act: Callable[[Site, Telling, Lens], Coroutine[Any, Any, T]]) -> T:
    """Do something while it is served."""

    async def run() -> T:
        async with served() as (site, telling, lens):
            return await act(site, telling, lens)

    return asyncio.run(run())


async def asked(site: Site, path: str) -> httpx.Response:
    """GET something."""
    async with httpx.AsyncClient(base_url=site.address, trust_env=False) as http:
        return await http.get(path)


def test_the_page_asks_nobody_else() -> None:
    """One document with its style and script in it; it names no other host, and may reach none."""
    answer = during(lambda site, *_: asked(site, "/"))
    assert answer.status_code == 200
    assert "--admit:" in answer.text  # the look of every page
    assert re.findall(r"https?://", answer.text) == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


def test_the_story_is_told_at_once_and_on_every_change() -> None:
    """Whoever opens the page later hears all of it, and then what is new."""

    async def listen(site: Site, telling: Telling, _: Lens) -> list[Any]:
        telling.chapter("setup")
        telling.say("The first sentence.")
        heard = []
        async with (
            httpx.AsyncClient(base_url=site.address, trust_env=False) as http,
            http.stream("GET", "/events") as answer,
        ):
            assert answer.headers["content-type"] == "text/event-stream"
            async for line in answer.aiter_lines():
                if line:
                    heard.append(json.loads(line.removeprefix("data: ")))
                    telling.set(done=7)
                if len(heard) == 2:
                    return heard
        return heard

    first, second = during(listen)
    assert [line["text"] for line in first["lines"]] == ["Set-up", "The first sentence."]
    assert (first["chapter"], second["done"]) == ("setup", 7)


def test_a_gates_network_camera_reads_what_is_held_up() -> None:
    """By its own source and decoder, over HTTP; and an empty lane afterwards."""

    async def look(site: Site, _: Telling, lens: Lens) -> tuple[bool, bool]:
        lens.hold(picture.phone(CODE, "Ana Adler"))
        camera = await asyncio.to_thread(NetworkCamera, f"{site.address}/camera/north-1.mjpeg")
        try:
            seen = await asyncio.to_thread(reads, camera, (CODE,))
            lens.leave()
            return seen, await asyncio.to_thread(reads, camera, ())
        finally:
            camera.close()

    assert during(look) == (True, True)


def reads(camera: NetworkCamera, texts: tuple[str, ...]) -> bool:
    """Say whether a camera comes to read just this."""
    decoder, end = VideoDecoder(load_zbar()), time.monotonic() + SOON / 3
    while time.monotonic() < end:
        grey = grey_of(camera.read())
        assert grey is not None
        if decoder.read(grey).texts == texts:
            return True
    return False


def test_a_still_is_the_newest_picture() -> None:
    """The page asks for one after the other."""

    async def twice(site: Site, _: Telling, lens: Lens) -> list[bytes]:
        one = await asked(site, "/camera/north-1.jpg?1")
        lens.hold(picture.phone(CODE, "Ana Adler"))
        await asyncio.sleep(0.5)
        return [one.content, (await asked(site, "/camera/north-1.jpg?2")).content]

    one, other = during(twice)
    assert one[:2] == other[:2] == b"\xff\xd8"
    assert one != other


def test_there_is_nothing_else() -> None:
    """Other paths, and cameras that there are not."""
    for path in ("/camera/east-9.jpg", "/camera/north-1.png", "/../etc/passwd", "/events/x"):
        assert during(lambda site, *_, path=path: asked(site, path)).status_code == 404


def test_stopping_ends_streams() -> None:
    """Who still listens is hung up on in good order, and at once."""

    async def stop(site: Site, telling: Telling, _: Lens) -> float:
        telling.say("Something.")
        async with (
            httpx.AsyncClient(base_url=site.address, trust_env=False) as http,
            http.stream("GET", "/events") as answer,
        ):
            parts = answer.aiter_bytes()
            await anext(parts)
            begun = time.monotonic()
            site.stop()
            async for _part in parts:
                pass
            return time.monotonic() - begun

    assert during(stop) < 3
