"""A mail server for one run: it takes every mail and keeps none (RFC 5321, as far as clients
need it). Its argument is its port on loopback.
"""

import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def say(self, text):
        self.wfile.write(text.encode("ascii") + b"\r\n")

    def take_mail(self):
        """Read a mail to its end: a line with a dot alone."""
        self.say("354 go on")
        size = 0
        for line in self.rfile:
            if line in (b".\r\n", b".\n"):
                print(f"took a mail of {size} bytes", flush=True)
                self.say("250 taken")
                return
            size += len(line)

    def handle(self):
        self.say("220 portcullis ESMTP")
        for line in self.rfile:
            verb = line.strip().partition(b" ")[0].upper()
            if verb == b"EHLO":
                self.say("250-portcullis\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == b"DATA":
                self.take_mail()
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            elif verb in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP", b"VRFY"):
                self.say("250 fine")
            else:
                self.say("502 unknown")


class Server(socketserver.ThreadingTCPServer):
    """One thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True


with Server(("127.0.0.1", int(sys.argv[1])), Session) as server:
    server.serve_forever()
