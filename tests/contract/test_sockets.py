"""Bytes that no client would send: a 4xx problem or a closed connection, never a 5xx, and the server lives on."""

import itertools
import json
import random
import struct
from collections.abc import Iterator

import httpx
import msgpack
import pytest

from tests.contract.world import AUTHORIZED, World, example_of, path_of
from tests.support.contract import Exchange, operations, reply_faults
from tests.support.raw import RawReply, head, speak

SEED = 20260102
MUTANTS = 2_000
PADDING = "X-Padding: " + "x" * 400  # some changes must do no harm, whatever else this server has been asked before
LINES = [f"{name}: {value}" for name, value in AUTHORIZED.items()]
JSON = "Content-Type: application/json"
BODY = b'{"task": "a", "queue": "sockets"}'
WITH_BODY = [o for o in operations() if "requestBody" in o.spec]


def post(body: bytes, *lines: str, path: str = "/v1/jobs") -> bytes:
    return head("POST", path, *LINES, JSON, *lines) + body


def sized(body: bytes, length: int | None = None) -> bytes:
    return post(body, f"Content-Length: {len(body) if length is None else length}")


GET = head("GET", "/v1/server", *LINES)
# name -> what is sent, statuses of the answer (0: the connection is closed without one)
HOSTILE: dict[str, tuple[bytes, set[int]]] = {
    "no request at all": (b"", {0, 408}),
    "only line ends": (b"\r\n" * 20, {0, 400, 408}),
    "words": (b"hello there\r\n\r\n", {400}),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(range(200)), {400}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400, 404, 405}),
    "HTTP/0.9": (b"GET /v1/server\r\n\r\n", {0, 400, 401}),
    "HTTP/9.9": (GET.replace(b"HTTP/1.1", b"HTTP/9.9"), {0, 400}),
    "no path": (GET.replace(b"/v1/server ", b""), {400}),
    "a method in lower case": (GET.replace(b"GET", b"get"), {400}),
    "an unknown method": (GET.replace(b"GET", b"BREW"), {400}),
    "a long method": (b"G" * 5_000 + GET[3:], {400}),
    "a path with raw bytes": (GET.replace(b"server", b"serv\xff\xfe"), {400, 404}),
    "a path with broken UTF-8": (GET.replace(b"server", b"%ff%fe%80"), {404}),
    "a path with a NUL": (GET.replace(b"server", b"serv%00er"), {404}),
    "a path that climbs": (GET.replace(b"/v1/server", b"/../../etc/passwd"), {400, 404}),
    "a query of broken UTF-8": (GET.replace(b"/v1/server", b"/v1/queues?after=%ff%fe&limit=%80"), {422}),
    "an absolute path": (GET.replace(b"/v1/server", b"http://localhost/v1/server"), {200, 404}),
    "a header without a colon": (GET[:-2] + b"nonsense\r\n\r\n", {400}),
    "a header with a space before the colon": (GET[:-2] + b"A : b\r\n\r\n", {400}),
    "a header with a NUL": (GET[:-2] + b"A: b\x00c\r\n\r\n", {400}),
    "a header of raw bytes": (GET[:-2] + b"Idempotency-Key: \xff\xfe\r\n\r\n", {200}),
    "a folded header": (GET[:-2] + b"A: b\r\n c\r\n\r\n", {200, 400}),
    "headers over the cap": (GET[:-2] + b"A: " + b"b" * 9_000 + b"\r\n\r\n", {431}),
    "many headers over the cap": (GET[:-2] + b"A: b\r\n" * 3_000 + b"\r\n", {431}),
    "a request line over the cap": (GET.replace(b"server", b"s" * 9_000), {431}),
    "headers without an end": (GET[:-2] + b"A: " + b"b" * 100_000, {431}),
    "no length": (post(BODY), {0, 400, 422}),  # the body is the next request, and closes the connection
    "a body that breaks off": (sized(BODY, 100), {408}),
    "a chunked body that breaks off": (post(b'5\r\n{"tas', "Transfer-Encoding: chunked"), {408}),
    "a chunk of no size": (post(b"zz\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), {400}),
    "a negative chunk": (post(b"-5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), {400}),
    "a huge chunk": (post(b"ffffffffffffffff\r\n{}", "Transfer-Encoding: chunked"), {400, 408, 413}),
    "a huger chunk": (post(b"fffffffffffffffff\r\n{}", "Transfer-Encoding: chunked"), {400}),
    "length and chunks": (post(b"0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), {400}),
    "two lengths": (post(BODY, "Content-Length: 2", f"Content-Length: {len(BODY)}"), {400}),
    "a negative length": (sized(BODY, -1), {400}),
    "a length in words": (post(BODY, "Content-Length: ten"), {400}),
    "a huge length": (sized(BODY, 10**15), {413}),
    "a huger length": (sized(BODY, 10**30), {400}),
    "a body longer than its length": (sized(BODY, 10), {0, 400}),
    "an encoding that nobody asked for": (post(b"\x1f\x8b", "Content-Encoding: gzip", "Content-Length: 2"), {400, 415}),
    "an empty body": (sized(b""), {400, 422}),
    "broken UTF-8": (sized(b'{"task": "\xff\xfe"}'), {400}),
    "broken UTF-8 where nobody looks": (sized(b'{"task": "a", "payload": {"\xc3\x28": [1]}}'), {400}),
    "overlong UTF-8": (sized(b'{"task": "a", "payload": "\xc0\xaf"}'), {400}),
    "a surrogate in UTF-8": (sized(b'{"task": "a", "payload": "\xed\xa0\x80"}'), {400}),
    "half a surrogate pair": (sized(b'{"task": "a", "payload": "\\ud800"}'), {201, 400, 422}),
    "a NUL in a text": (sized(b'{"task": "a", "payload": "\\u0000"}'), {201}),
    "NaN": (sized(b'{"task": "a", "payload": NaN}'), {400}),
    "Infinity": (sized(b'{"task": "a", "payload": [-Infinity]}'), {400}),
    "a number beyond all floats": (sized(b'{"task": "a", "payload": 1e999}'), {201, 400, 422}),
    "a number of 5000 digits": (sized(b'{"task": "a", "payload": ' + b"9" * 5_000 + b"}"), {201}),
    "a priority of 5000 digits": (sized(b'{"task": "a", "priority": ' + b"9" * 5_000 + b"}"), {422}),
    "a leading zero": (sized(b'{"task": "a", "payload": 01}'), {400}),
    "a trailing comma": (sized(b'{"task": "a",}'), {400}),
    "two values": (sized(b'{"task": "a"} {"task": "b"}'), {400}),
    "a key twice": (sized(b'{"task": "a", "task": "b", "queue": "sockets"}'), {201, 400, 422}),
    "a byte order mark": (sized(b'\xef\xbb\xbf{"task": "a"}'), {400}),
    "UTF-16": (sized('{"task": "a"}'.encode("utf-16")), {400}),
    "deep nesting": (sized(b'{"task": "a", "payload": ' + b"[" * 9_000 + b"]" * 9_000 + b"}"), {422}),
    "deep nesting without an end": (sized(b"[" * 19_000), {400, 422}),
    "deep objects": (sized(b'{"task": "a", "payload": ' + b'{"a":' * 3_000 + b"1" + b"}" * 3_000 + b"}"), {422}),
    "an array": (sized(b"[1]"), {422}),
    "null": (sized(b"null"), {422}),
    "an instant that is none": (sized(b'{"task": "a", "run_at": "2026-13-99T99:99:99Z"}'), {422}),
    "an instant before Christ": (sized(b'{"task": "a", "run_at": "-0001-01-01T00:00:00Z"}'), {422}),
    "the last instant": (sized(b'{"task": "a", "run_at": "9999-12-31T23:59:59.999Z"}'), {201, 422}),
    "the last instant, further west": (sized(b'{"task": "a", "run_at": "9999-12-31T23:59:59.999-23:59"}'), {201, 422}),
    "the first instant, further east": (sized(b'{"task": "a", "run_at": "0001-01-01T00:00:00+23:59"}'), {201, 422}),
}


@pytest.fixture(autouse=True)
def the_server_lives_on(world: World) -> Iterator[None]:
    seen = len(world.server.output())
    yield
    assert world.http.get("/readyz").status_code == 200
    told = world.server.output()[seen:]
    assert "fault of the server" not in told
    assert "Traceback" not in told


def judge(reply: RawReply | None) -> int:
    """Return the status of a reply, 0 for none; a refusal must be a problem of the contract."""
    if reply is None:
        return 0
    assert reply.status < 500, reply
    if reply.status >= 400:
        assert reply_faults(reply.exchange("ANY", "/of/them")) == []
    return reply.status


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request(world: World, name: str) -> None:
    data, expected = HOSTILE[name]
    assert judge(speak(world.server.port, data)) in expected


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Return bytes with a few changes: bits flipped, pieces cut, doubled, moved or replaced by rubbish."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((1, 1, 2, 8, 64)))
        piece = data[start:end]
        new = chance.choice(
            (b"", piece * 2, chance.randbytes(len(piece)), bytes(255 - byte for byte in piece), b"\r\n", b"\x00")
        )
        data = data[:start] + new + data[end:]
    return data


@pytest.mark.fuzz
def test_mutants_of_real_requests(world: World) -> None:
    chance = random.Random(SEED)
    requests = [GET, sized(BODY)]
    for of in operations():
        content = json.dumps(example_of(of).get("json")).encode() if of in WITH_BODY else b""
        lines = [PADDING, *LINES, *([JSON, f"Content-Length: {len(content)}"] if content else [])]
        requests.append(head(of.method, path_of(of), *lines) + content)
    statuses = set()
    for index in range(MUTANTS):
        data = mutated(chance, chance.choice(requests))
        try:
            statuses.add(judge(speak(world.server.port, data, then_close=True)))
        except (AssertionError, TimeoutError) as fault:
            raise AssertionError(f"mutant {index} of seed {SEED}: {data!r}") from fault
    assert {0, 200, 400, 401, 404} <= statuses  # else they are all too broken, or not broken enough


RUBBISH: dict[str, bytes] = {
    "nothing": b"",
    "a reserved byte": b"\xc1",
    "an array of four thousand million": b"\xdd\xff\xff\xff\xff",
    "a map of four thousand million": b"\xdf\xff\xff\xff\xff",
    "a text of four thousand million": b"\xdb\xff\xff\xff\xff",
    "bytes of four thousand million": b"\xc6\xff\xff\xff\xff",
    "an extension of four thousand million": b"\xc9\xff\xff\xff\xff\x01",
    "two values": msgpack.packb({"task": "a"}) * 2,
    "half a value": msgpack.packb({"task": "a", "payload": "x" * 100})[:50],
    "deep arrays": b"\x82\xa4task\xa1a\xa7payload" + b"\x91" * 9_000 + b"\xc0",
    "deep maps": b"\x82\xa4task\xa1a\xa7payload" + b"\x81\xa1k" * 5_000 + b"\xc0",
    "deep at the top": b"\x91" * 19_000,
    "a text of broken UTF-8": b"\x81\xa4task\xa2\xff\xfe",
    "a payload of broken UTF-8": b"\x82\xa4task\xa1a\xa7payload\xa2\xff\xfe",
    "a key of broken UTF-8": b"\x82\xa4task\xa1a\xa2\xff\xfe\x01",
    "a key that is no text": msgpack.packb({1: 2, "task": "a"}),
    "a payload with keys that are no texts": msgpack.packb({"task": "a", "payload": {1: 2, None: 3}}),
    "a payload with keys that are lists": b"\x82\xa4task\xa1a\xa7payload\x81\x91\x01\x02",
    "NaN": msgpack.packb({"task": "a", "payload": [float("nan")]}),
    "infinity as a factor": msgpack.packb({"task": "a", "retry": {"factor": float("inf")}}),
    "an extension": msgpack.packb({"task": "a", "payload": msgpack.ExtType(42, b"abc")}),
    "a timestamp": b"\x82\xa4task\xa1a\xa6run_at\xd6\xff" + struct.pack(">I", 1_767_323_045),
    "a timestamp beyond the calendar": b"\x82\xa4task\xa1a\xa6run_at\xc7\x0c\xff" + struct.pack(">Iq", 0, 2**62),
    "a timestamp with too many nanoseconds": b"\x82\xa4task\xa1a\xa6run_at\xd7\xff" + b"\xff" * 8,
    "a task of bytes": msgpack.packb({"task": b"a"}),
    "meta with bytes": msgpack.packb({"task": "a", "meta": {"k": b"\xff"}}),
    "meta with an extension": msgpack.packb({"task": "a", "meta": {"k": msgpack.ExtType(42, b"abc")}}),
    "meta with NaN": msgpack.packb({"task": "a", "meta": {"k": float("nan")}}),
    "the largest integer": msgpack.packb({"task": "a", "priority": 2**64 - 1}),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_as_msgpack(world: World, name: str) -> None:
    headers = {"Content-Type": "application/msgpack", "Accept": "application/msgpack"}
    for of in WITH_BODY:
        reply = world.http.request(of.method, path_of(of), content=RUBBISH[name], headers=headers)
        assert reply.status_code < 500, f"{of.id}: {reply.text}"


@pytest.mark.fuzz
def test_random_msgpack(world: World) -> None:
    chance = random.Random(SEED)
    whole = [msgpack.packb(example_of(of)["json"]) for of in WITH_BODY]
    for index, (of, example) in zip(range(MUTANTS), itertools.cycle(zip(WITH_BODY, whole, strict=True))):
        data = mutated(chance, example) if index % 3 else chance.randbytes(chance.randint(1, 200))
        headers = {"Content-Type": "application/msgpack"}
        reply = world.http.request(of.method, path_of(of), content=data, headers=headers)
        assert reply.status_code < 500, f"{index} of seed {SEED}: {data!r} {reply.text}"


def test_a_payload_that_json_cannot_hold_is_handed_out_raw(world: World) -> None:
    data = msgpack.packb({"task": "a", "queue": "raw", "payload": msgpack.ExtType(42, b"abc")})
    created = world.http.post("/v1/jobs", content=data, headers={"Content-Type": "application/msgpack"})
    assert created.status_code in (201, 422)
    if created.status_code == 201:
        assert created.json()["payload_type"] == "application/msgpack"
        assert reply_faults(as_exchange(world.http.get(created.headers["location"]))) == []


def as_exchange(reply: httpx.Response) -> Exchange:
    return Exchange(reply.request.method, reply.request.url.path, reply.status_code, dict(reply.headers), reply.content)
