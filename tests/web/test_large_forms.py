"""A large form or upload that is refused gets its answer on every server (V-43)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import require_proof
from mfa_gate.errors import StoreUnavailable
from tests.harness import FETCH, PAGE, Headers, log_in, make_world

from .serving import spawned
from .test_cut_on_servers import SERVERS

pytestmark = pytest.mark.waits

SIZE = 3 * 2**20
PIECE = 65_536


async def session(request: Request) -> Response:
    """Give the cookies of somebody without a proof, or with one."""
    browser = await world.browser(address="127.0.0.1")
    if request.url.query == "proven":
        browser = await world.enrolled(address="127.0.0.1")
    return PlainTextResponse("; ".join(f"{name}={value}" for name, value in browser.cookies.items()))


async def later(request: Request) -> Response:
    """Let ten minutes pass."""
    world.clock.advance(600)
    return PlainTextResponse("later")


async def away(request: Request) -> Response:
    """Take the store away for good."""

    def raises(*_: object) -> object:
        raise StoreUnavailable("gone")

    world.engine.forget_all()
    world.store.load = world.store.settings = raises  # type: ignore[method-assign,assignment]
    return PlainTextResponse("away")


async def upload(request: Request) -> Response:
    """Take a file."""
    return PlainTextResponse(str(len(await request.body())))


@require_proof("5m")
async def pay(request: Request) -> Response:
    """Take a file from somebody with a fresh proof."""
    return PlainTextResponse(str(len(await request.body())))


world = make_world(
    app=Starlette(
        routes=[
            Route("/open/session", session),
            Route("/open/later", later),
            Route("/open/away", away),
            Route("/login", log_in, methods=["POST"]),
            Route("/upload", upload, methods=["POST"]),
            Route("/pay", pay, methods=["POST"]),
        ]
    )
)
app = world.app


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Start one server after the other."""
    with spawned("tests.web.test_large_forms:app", SERVERS[request.param]) as found:
        yield found


async def send(
    port: int, path: str, headers: Headers, *, size: int = SIZE, chunked: bool = False, method: str = "POST"
) -> tuple[int, dict[str, str]]:
    """Send the whole body first, then read, as browsers do.

    Raises ``OSError`` for a connection that breaks.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    length = ("transfer-encoding", "chunked") if chunked else ("content-length", str(size))
    lines = [f"{method} {path} HTTP/1.1", f"host: localhost:{port}"]
    lines += [f"{name}: {value}" for name, value in (*headers, length)]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for sent in range(0, size, PIECE):
        piece = b"x" * min(PIECE, size - sent)
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
        await asyncio.sleep(0.002)  # a network that takes its time
    if chunked:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.close()
    status, *rest = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
    return int(status.split()[1]), fields


async def get(port: int, path: str) -> str:
    """Return the body at an address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    body = (await reader.read()).partition(b"\r\n\r\n")[2].decode()
    writer.close()
    return body


async def cookies(port: int, who: str) -> tuple[str, str]:
    """Sign in on the server."""
    found = next(line for line in (await get(port, f"/open/session?{who}")).splitlines() if "=" in line)
    return ("cookie", found)


FORM = ("content-type", "multipart/form-data; boundary=x")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_form_without_a_proof(port: int, chunked: bool) -> None:
    """A form with a file is led to our page by a redirect that the browser can read."""
    headers = [*PAGE, FORM, await cookies(port, "owing")]
    status, fields = await send(port, "/upload", headers, chunked=chunked)
    assert (status, fields["location"]) == (303, "/mfa/enroll")


async def test_an_upload_by_fetch(port: int) -> None:
    """A front end gets the problem with its address, and not "failed to fetch"."""
    status, fields = await send(port, "/upload", [*FETCH, FORM, await cookies(port, "owing")])
    assert (status, fields["content-type"]) == (403, "application/problem+json")


async def test_an_endpoint_that_asks_for_more(port: int) -> None:
    """The demand of an endpoint comes before the app has read anything."""
    headers = [*PAGE, FORM, await cookies(port, "proven")]
    await get(port, "/open/later")
    status, fields = await send(port, "/pay", headers)
    assert (status, fields["location"]) == (303, "/mfa/challenge")


async def test_a_form_of_ours_that_is_too_large(port: int) -> None:
    """Our own addresses say that a body is too large.

    It has a length, as each form of a browser has. One without a length is not read on (S-104).
    """
    headers = [*PAGE, ("content-type", "application/x-www-form-urlencoded"), await cookies(port, "owing")]
    status, _ = await send(port, "/mfa/enroll/totp", headers)
    assert status == 413


async def test_a_store_that_is_away(port: int) -> None:
    """The page that says so arrives. (The last one: this server's store stays away.)"""
    owing = await cookies(port, "owing")
    await get(port, "/open/away")
    status, _ = await send(port, "/upload", [*PAGE, FORM, owing])
    assert status == 503
