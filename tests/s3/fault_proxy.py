"""A proxy in front of an S3 server that logs every request and makes replies fail as it is told: by request and count, never by time.

    proxy = Proxy(port_of_the_server)
    proxy.fault(cut(1000), op="GetObject", key="in.csv", skip=1)    # the second GET of it: 1,000 bytes of the body, then the end
    ...
    proxy.log[-1].op, .key, .query, .fields, .status, .fault

A fault is a function that is given an Exchange and does with it what it likes; those below cover the usual ones, and fault() says which
requests meet it: `op` (see operation()), `key` (a pattern of fnmatch), `where` (a test of the Request); the first `skip` of them pass, the
next `times` (None: all that come) are hit. Where several match, the first one that was set goes first.
With `tls` (an ssl.SSLContext) the proxy is where TLS ends. `s3`: a client of the server, for what the proxy asks in its own name.
`connect`: it is a client's HTTP proxy; whatever host is asked for, the server is the one behind it.
"""
import fnmatch
import itertools
import socket
import ssl
import struct
import threading
import urllib.parse

PIECE = 1 << 16


class Gone(Exception):
    """The connection is no more; what was being done on it is done."""


def operation(method, key, query):
    """The name of the request, as S3's reference has it, shortened."""
    if not key:
        return {"GET": "ListUploads" if "uploads" in query else "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket",
                "DELETE": "DeleteBucket"}.get(method, method)
    if method == "POST":
        return "CreateUpload" if "uploads" in query else "Complete"
    if "uploadId" in query:
        return {"PUT": "UploadPart", "GET": "ListParts", "DELETE": "Abort"}.get(method, method)
    return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}.get(method, method)


class Request:
    def __init__(self, number, connection, line, fields):
        self.number, self.connection, self.fields = number, connection, fields
        self.method, self.target, _ = line.split(" ")
        self.path, _, self.query_text = self.target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(self.query_text, keep_blank_values=True))
        bucket, _, key = self.path[1:].partition("/")
        name, virtual, _ = fields.get("host", "").partition(".s3.")
        if virtual:  # the bucket is the first part of the host's name
            bucket, key = name, self.path[1:]
        self.bucket, self.key = urllib.parse.unquote(bucket), urllib.parse.unquote(key)
        self.op = operation(self.method, self.key, self.query)
        self.body = b""
        self.status = None  # of the reply that was sent
        self.fault = None  # the name of the fault that it met
        self.sent = 0  # bytes of the reply's body that were passed on

    def __repr__(self):
        return f"{self.op} {self.key or self.query_text} -> {self.status}{' ' + self.fault if self.fault else ''}"


class Reader:
    """What comes in on a socket, by lines and by sizes."""

    def __init__(self, sock):
        self.sock, self.held = sock, b""

    def more(self):
        try:
            data = self.sock.recv(PIECE)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        self.held += data

    def head(self):
        """The first line and the fields, their names in lower case."""
        while b"\r\n\r\n" not in self.held:
            self.more()
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        return first, [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def pieces(self, size):
        while size:
            if not self.held:
                self.more()
            piece, self.held = self.held[:size], self.held[size:]
            size -= len(piece)
            yield piece

    def chunked(self):
        while True:
            while b"\r\n" not in self.held:
                self.more()
            line, _, self.held = self.held.partition(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield from self.pieces(size)
            b"".join(self.pieces(2))
            if size == 0:
                return

    def to_the_end(self):
        try:
            while True:
                if self.held:
                    piece, self.held = self.held, b""
                    yield piece
                self.more()
        except Gone:
            return


class Reply:
    """The server's reply; the body is a generator of pieces that can be looked at once."""

    def __init__(self, status, reason, fields, pieces):
        self.status, self.reason, self.fields, self.pieces = status, reason, fields, pieces

    def field(self, name):
        return next((value for n, value in self.fields if n == name), None)

    def set_field(self, name, value):
        """None takes it away."""
        self.fields = [(n, v) for n, v in self.fields if n != name] + ([(name, value)] if value is not None else [])

    @property
    def body(self):
        """All of it, kept for sending."""
        data = b"".join(self.pieces)
        self.pieces = [data]
        return data

    def set_body(self, data):
        self.pieces = [data]
        self.set_field("transfer-encoding", None)
        self.set_field("content-length", str(len(data)))

    def head(self):
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.fields)
        return f"HTTP/1.1 {self.status} {self.reason}\r\n{fields}\r\n".encode("latin-1")


class Exchange:
    """One request that is there whole, and what may be done with it."""

    def __init__(self, proxy, client, request):
        self.proxy, self.client, self.request = proxy, client, request
        self.open = True  # the client's connection serves another request

    def ask(self):
        """Passes the request on and gives the server's reply."""
        server = socket.create_connection(("127.0.0.1", self.proxy.server_port))
        request = self.request
        fields = [(n, v) for n, v in request.fields.items() if n not in ("expect", "connection")] + [("connection", "close")]
        # A server that wants no body says so before it is sent: it would not be heard behind it.
        waits = len(request.body) >= PIECE
        if waits:
            fields.append(("expect", "100-continue"))
        head = f"{request.method} {request.target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n"
        reader = Reader(server)
        try:
            server.sendall(head.encode("latin-1") + (b"" if waits else request.body))
            while True:
                line, fields = reader.head()
                _, status, reason = (line + " ").split(" ", 2)
                if status != "100":
                    break
                if waits:
                    server.sendall(request.body)
        except (OSError, Gone) as error:
            server.close()
            raise Gone from error
        fields = [(n, v) for n, v in fields if n not in ("connection", "keep-alive")]
        reply = Reply(int(status), reason.strip(), fields, ())

        def pieces():
            with server:
                if request.method == "HEAD" or reply.status in (204, 304):
                    return
                if length is not None:
                    yield from reader.pieces(int(length))
                else:
                    yield from reader.chunked() if chunked else reader.to_the_end()

        length, chunked = reply.field("content-length"), reply.field("transfer-encoding") == "chunked"
        reply.pieces = pieces()
        if chunked:
            reply.set_body(b"".join(reply.pieces))
        return reply

    def send(self, data):
        try:
            self.client.sendall(data)
        except OSError as error:
            raise Gone from error

    def reply(self, reply, body_bytes=None):
        """Sends it, of the body only so many bytes."""
        self.request.status = reply.status
        self.send(reply.head())
        for piece in reply.pieces:
            if body_bytes is not None:
                piece, body_bytes = piece[:body_bytes], body_bytes - len(piece[:body_bytes])
            self.send(piece)
            self.request.sent += len(piece)
            if body_bytes == 0:
                return
        if reply.field("content-length") is None and self.request.method != "HEAD" and reply.status not in (204, 304):
            self.open = False

    def answer(self, status, code="", fields=None, message="by the proxy"):
        """An error as S3 words it, without asking the server."""
        body = b"" if self.request.method == "HEAD" or not code else (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>').encode()
        self.reply(Reply(status, "x", [("content-length", str(len(body))), ("content-type", "application/xml"), *(fields or {}).items()], [body]))

    def end(self, reset=False):
        """Ends the connection, by FIN or by RST."""
        self.open = False
        try:
            if reset:
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif not isinstance(self.client, ssl.SSLSocket):
                self.client.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# ---- faults ---------------------------------------------------------------------------------------------------------------


def cut(body_bytes, reset=False):
    """The connection ends behind so many bytes of the body."""
    def act(exchange):
        exchange.reply(exchange.ask(), body_bytes)
        exchange.end(reset)
    return act


def cut_head(head_bytes=0, reset=False):
    """The connection ends within the reply's head."""
    def act(exchange):
        reply = exchange.ask()
        exchange.send(reply.head()[:head_bytes])
        exchange.end(reset)
    return act


def refuse(reset=False):
    """The connection ends before the server heard of the request."""
    return lambda exchange: exchange.end(reset)


def lose_reply(reset=False):
    """The server does it, and nobody is told."""
    def act(exchange):
        _ = exchange.ask().body
        exchange.end(reset)
    return act


def answer(status, code="", **fields):
    """This answer; the server is not asked. `retry_after="1"` is the field Retry-After."""
    return lambda exchange: exchange.answer(status, code, {n.replace("_", "-"): v for n, v in fields.items()})


def answer_instead(status, code="", **fields):
    """The server does it, and this is the answer."""
    def act(exchange):
        _ = exchange.ask().body
        exchange.answer(status, code, {n.replace("_", "-"): v for n, v in fields.items()})
    return act


def edit(change, body_bytes=None):
    """`change` is given the server's reply and does with it what it likes."""
    def act(exchange):
        reply = exchange.ask()
        change(reply)
        exchange.reply(reply, body_bytes)
        if body_bytes is not None:
            exchange.end()
    return act


def field(name, value):
    """The reply has another value in this field; None: it lacks it."""
    return edit(lambda reply: reply.set_field(name, value))


def shorter(by):
    """A body that lacks its end, with a Content-Length that agrees."""
    return edit(lambda reply: reply.set_body(reply.body[:-by]))


def longer(data):
    """A body that goes on, with a Content-Length that agrees."""
    return edit(lambda reply: reply.set_body(reply.body + data))


def flip(at):
    """One bit of the body is another one."""
    def change(reply):
        data = bytearray(reply.body)
        data[at] ^= 1
        reply.set_body(bytes(data))
    return edit(change)


def whole_for_range():
    """200 and the whole object, where a range was asked for. Range is signed: the proxy asks in its own name."""
    def act(exchange):
        got = exchange.proxy.s3.call("GET", exchange.request.bucket, exchange.request.key)
        fields = [(n, v) for n, v in got.fields.items() if n not in ("connection", "keep-alive", "transfer-encoding")]
        exchange.reply(Reply(got.status, "OK", fields, [got.body]))
    return act


def small_pages(keys):
    """A listing by so many keys a page. The query is signed: the proxy asks in its own name."""
    def act(exchange):
        got = exchange.proxy.s3.call("GET", exchange.request.bucket, query=[*exchange.request.query.items(), ("max-keys", str(keys))])
        reply = Reply(got.status, "OK", [("content-type", "application/xml")], [got.body])
        reply.set_body(got.body)
        exchange.reply(reply)
    return act


def close_after():
    """The connection is closed behind the reply, without a word: the next request on it meets a dead one."""
    def act(exchange):
        exchange.reply(exchange.ask())
        exchange.end()
    return act


def before(call):
    """Something happens before the server is asked; `call` is given the Request."""
    def act(exchange):
        call(exchange.request)
        exchange.reply(exchange.ask())
    return act


def after(call):
    """Something happens when the server has done it, and before the client hears of it."""
    def act(exchange):
        reply = exchange.ask()
        _ = reply.body
        call(exchange.request)
        exchange.reply(reply)
    return act


def within(body_bytes, call):
    """Something happens when so many bytes of the body were sent."""
    def act(exchange):
        reply = exchange.ask()
        whole = reply.body
        exchange.request.status = reply.status
        exchange.send(reply.head() + whole[:body_bytes])
        call(exchange.request)
        exchange.send(whole[body_bytes:])
    return act


def stall(released, body_bytes=0):
    """Holds the rest of the body back until the event `released` is set, and ends the connection then."""
    def act(exchange):
        reply = exchange.ask()
        exchange.request.status = reply.status
        exchange.send(reply.head() + reply.body[:body_bytes])
        released.wait()
        exchange.end()
    return act


class Fault:
    def __init__(self, act, op, key, where, skip, times, name):
        self.act, self.op, self.key, self.where, self.skip, self.times, self.name = act, op, key, where, skip, times, name
        self.hits = 0

    def takes(self, request):
        if self.op is not None and request.op != self.op or self.key is not None and not fnmatch.fnmatchcase(request.key, self.key):
            return False
        if self.where is not None and not self.where(request) or self.times is not None and self.hits >= self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.hits += 1
        return True


class Proxy:
    keep = PIECE  # bytes: a body of fewer stays with its request

    def __init__(self, server_port, tls=None, port=0, s3=None, connect=False):
        self.server_port, self.tls, self.s3, self.connect = server_port, tls, s3, connect
        self.connects = []
        self.log, self.faults, self.lock = [], [], threading.Lock()
        self.sockets, self.connections = set(), itertools.count()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.endpoint = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.failures = []  # what went wrong in the proxy itself
        threading.Thread(target=self.accept, daemon=True).start()

    def fault(self, act, op=None, key=None, where=None, skip=0, times=1):
        fault = Fault(act, op, key, where, skip, times, act.__qualname__.split(".")[0])
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear(self):
        """Without faults and log, as in the beginning."""
        with self.lock:
            self.faults, self.log = [], []

    def ops(self, *names, key=None):
        """The requests of these operations (all, without one), in order."""
        with self.lock:
            return [r for r in self.log if (not names or r.op in names) and (key is None or fnmatch.fnmatchcase(r.key, key))]

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client, next(self.connections)), daemon=True).start()

    def serve(self, client, connection):
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.connect:
                line, _ = Reader(client).head()
                self.connects.append(line.split(" ")[1])
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
            with self.lock:
                self.sockets.add(client)
            reader = Reader(client)
            while self.exchange(client, connection, reader):
                pass
        except (Gone, OSError):
            pass
        except Exception as error:  # a fault of the tests, which must not pass for one of the server
            self.failures.append(error)
            raise
        finally:
            with self.lock:
                self.sockets.discard(client)
            client.close()

    def exchange(self, client, connection, reader):
        line, fields = reader.head()
        with self.lock:
            request = Request(len(self.log), connection, line, dict(fields))
            self.log.append(request)
            fault = next((f for f in self.faults if f.takes(request)), None)
        exchange = Exchange(self, client, request)
        if fault is not None:
            request.fault = fault.name
        if request.fields.get("expect", "").lower() == "100-continue":
            exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = b"".join(reader.pieces(int(request.fields.get("content-length", "0"))))
        try:
            if fault is None:
                exchange.reply(exchange.ask())
            else:
                fault.act(exchange)
        finally:
            request.body = request.body if len(request.body) < self.keep else b""
        return exchange.open and request.fields.get("connection", "").lower() != "close"

    def close(self):
        # A thread that waits in accept() holds the port until it is woken.
        for sock in [self.listener, *self.sockets]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()
