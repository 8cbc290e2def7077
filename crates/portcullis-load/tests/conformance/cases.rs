//! The answers: what the server sends and what a client is to make of it.
//! Sections are those of RFC 9112 unless RFC 9110 is named.

use std::io::{Read, Write};

mod framing;

/// What the server does, in order.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    Pause,
}

/// What the server does behind the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It waits for the next request: the client must see the end by itself.
    Waits,
    Closes,
    HalfCloses,
    Resets,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub name: &'static str,
    pub to_head_request: bool,
    pub steps: Vec<Step>,
    pub end: End,
    /// Status and body; nothing where the answer is to be refused.
    pub wanted: Option<(u16, Vec<u8>)>,
    /// Whether the connection is to be used again.
    pub keep_alive: bool,
    /// Why curl is not asked.
    pub differs: Option<&'static str>,
    /// Why curl is not asked whether the connection may be used again.
    pub reuse_differs: Option<&'static str>,
}

/// An answer that is to be taken; the connection is kept.
fn taken(name: &'static str, sent: impl AsRef<[u8]>, status: u16, body: impl AsRef<[u8]>) -> Case {
    Case {
        name,
        to_head_request: false,
        steps: vec![Step::Send(sent.as_ref().to_vec())],
        end: End::Waits,
        wanted: Some((status, body.as_ref().to_vec())),
        keep_alive: true,
        differs: None,
        reuse_differs: None,
    }
}

/// An answer that is to be refused; the server closes behind it.
fn refused(name: &'static str, sent: impl AsRef<[u8]>) -> Case {
    Case { wanted: None, ..taken(name, sent, 0, "") }.end(End::Closes)
}

impl Case {
    /// The server does not wait for another request.
    fn end(self, end: End) -> Self {
        Self { end, keep_alive: false, ..self }
    }

    /// The server would wait, but the connection is not to be used again.
    fn not_kept(self) -> Self {
        Self { keep_alive: false, ..self }
    }

    fn of_head(self) -> Self {
        Self { to_head_request: true, ..self }
    }

    fn differs(self, reason: &'static str) -> Self {
        Self { differs: Some(reason), ..self }
    }

    fn reuse_differs(self, reason: &'static str) -> Self {
        Self { reuse_differs: Some(reason), ..self }
    }

    /// In several segments, cut where the text has a `|`.
    fn cut(self) -> Self {
        self.in_pieces(|bytes| bytes.split(|byte| *byte == b'|').map(<[u8]>::to_vec).collect())
    }

    /// In segments of a given size.
    fn dripped(self, size: usize) -> Self {
        self.in_pieces(|bytes| bytes.chunks(size).map(<[u8]>::to_vec).collect())
    }

    fn in_pieces(self, split: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Self {
        let mut steps = Vec::new();
        for step in &self.steps {
            if let Step::Send(bytes) = step {
                for piece in split(bytes) {
                    steps.extend([Step::Send(piece), Step::Pause]);
                }
            }
        }
        steps.pop();
        Self { steps, ..self }
    }
}

/// What is in the packed body.
pub const PLAIN: &[u8] =
    br#"{"results": [1, 2, 3], "more": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#;

pub fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut plain).unwrap();
    plain
}

fn packed() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(PLAIN).unwrap();
    encoder.finish().unwrap()
}

fn joined(head: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Vec<u8> {
    [head.as_ref(), body.as_ref()].concat()
}

/// A head with these fields, each ended, in front of the body `abc`.
fn abc(fields: impl AsRef<[u8]>) -> Vec<u8> {
    joined(joined("HTTP/1.1 200 OK\r\n", fields), "Content-Length: 3\r\n\r\nabc")
}

/// A chunked answer with these chunks.
fn chunked(chunks: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

fn length(value: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\n{body}")
}

pub fn all() -> Vec<Case> {
    let groups = [
        framing::lengths(),
        framing::chunks(),
        framing::ends(),
        connections(),
        interim(),
        bodiless(),
        heads(),
        segments(),
    ];
    groups.into_iter().flatten().collect()
}

/// Whether the connection persists: section 9.3.
fn connections() -> Vec<Case> {
    let old = |field: &str| format!("HTTP/1.0 200 OK\r\n{field}Content-Length: 3\r\n\r\nabc");
    vec![
        taken("close", abc("Connection: close\r\n"), 200, "abc").not_kept(),
        taken("close in another case", abc("CONNECTION: Close\r\n"), 200, "abc").not_kept(),
        taken("close in a list", abc("Connection: x-hop, close\r\n"), 200, "abc").not_kept(),
        taken("close and then keep-alive", abc("Connection: close, keep-alive\r\n"), 200, "abc")
            .not_kept(),
        taken(
            "close in the first of two fields",
            abc("Connection: close\r\nConnection: keep-alive\r\n"),
            200,
            "abc",
        )
        .not_kept(),
        taken(
            "close in the second of two fields",
            abc("Connection: keep-alive\r\nConnection: close\r\n"),
            200,
            "abc",
        )
        .not_kept(),
        taken("close within a word", abc("Connection: closed, not-close\r\n"), 200, "abc")
            .reuse_differs("options are whole tokens: RFC 9110, 7.6.1; curl 7 looks at beginnings"),
        taken("keep-alive", abc("Connection: keep-alive\r\n"), 200, "abc"),
        taken(
            "keep-alive with a field",
            abc("Connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n"),
            200,
            "abc",
        ),
        taken("keep-alive in a list", abc("Connection: x , KEEP-ALIVE\r\n"), 200, "abc"),
        taken("HTTP/1.0", old(""), 200, "abc").not_kept(),
        taken("HTTP/1.0 with keep-alive", old("Connection: Keep-Alive\r\n"), 200, "abc"),
        taken(
            "HTTP/1.0 with keep-alive in a list",
            old("Connection: x, keep-alive\r\n"),
            200,
            "abc",
        ),
        taken("HTTP/1.0 with close", old("Connection: close\r\n"), 200, "abc").not_kept(),
        taken(
            "close with chunks",
            chunked("1\r\na\r\n0\r\n\r\n").replace("OK\r\n", "OK\r\nConnection: close\r\n"),
            200,
            "a",
        )
        .not_kept(),
        taken("close with 204", "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, "")
            .not_kept(),
    ]
}

/// Interim answers: RFC 9110, section 15.2.
fn interim() -> Vec<Case> {
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
    let last = length("3", "abc");
    vec![
        taken("100", format!("{go_on}{last}"), 200, "abc"),
        taken("103", format!("{hints}{last}"), 200, "abc"),
        taken(
            "102 and 199",
            format!("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 X\r\n\r\n{last}"),
            200,
            "abc",
        ),
        taken("100, 103, 103", format!("{go_on}{hints}{hints}{last}"), 200, "abc"),
        taken("100 in a segment of its own", format!("{go_on}|{hints}|{last}"), 200, "abc").cut(),
        taken(
            "100 with a length",
            format!("HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n{last}"),
            200,
            "abc",
        ),
        taken("100 before chunks", format!("{go_on}{}", chunked("1\r\na\r\n0\r\n\r\n")), 200, "a"),
        refused("nothing behind 100", go_on),
        refused("a cut behind 100", format!("{go_on}HTTP/1.1 20")),
        taken(
            "101",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            101,
            "",
        )
        .not_kept()
        .differs("nobody asked for it (RFC 9110, 7.8): an answer of its own; curl waits"),
    ]
}

/// Answers that have no body: section 6.3, item 1.
fn bodiless() -> Vec<Case> {
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    vec![
        taken("HEAD", length("0", ""), 200, "").of_head(),
        taken("HEAD with a length", length("1000", ""), 200, "").of_head(),
        taken("HEAD without a length", "HTTP/1.1 200 OK\r\n\r\n", 200, "").of_head(),
        taken("HEAD with chunks", chunks, 200, "").of_head(),
        taken("HEAD with close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", 200, "")
            .of_head()
            .not_kept(),
        taken(
            "HEAD of a missing page",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n",
            404,
            "",
        )
        .of_head(),
        taken(
            "HEAD behind 103",
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
            200,
            "",
        )
        .of_head(),
        taken("HEAD with a body", length("3", "abc"), 200, "")
            .of_head()
            .not_kept()
            .reuse_differs("what is left is not the beginning of the next answer: 9.2"),
        taken("204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        taken(
            "204 with a length of zero",
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            204,
            "",
        ),
        taken("204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 204, ""),
        taken("304", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, ""),
        taken(
            "304 with a length",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n",
            304,
            "",
        ),
        taken(
            "304 with chunks",
            "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
            304,
            "",
        ),
        taken(
            "205 with a length of zero",
            "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
            205,
            "",
        ),
    ]
}

/// Status lines and fields: sections 2.2, 4 and 5.
fn heads() -> Vec<Case> {
    let status = |line: &str| format!("{line}\r\nContent-Length: 3\r\n\r\nabc");
    let fields =
        |count: usize| -> String { (0..count).map(|i| format!("X-{i}: {i}\r\n")).collect() };
    let long = |size: usize| format!("X-Long: {}\r\n", "v".repeat(size));
    let cookies: String =
        (0..20).map(|i| format!("Set-Cookie: c{i}={}\r\n", "v".repeat(3000))).collect();
    vec![
        taken("an empty reason", status("HTTP/1.1 200 "), 200, "abc"),
        taken("no reason", status("HTTP/1.1 200"), 200, "abc"),
        taken(
            "a reason beyond ASCII",
            joined(b"HTTP/1.1 200 \xfcber\r\n", "Content-Length: 3\r\n\r\nabc"),
            200,
            "abc",
        ),
        taken("404", status("HTTP/1.1 404 Not Found"), 404, "abc"),
        taken(
            "a redirect, not followed",
            "HTTP/1.1 302 Found\r\nLocation: /0\r\nContent-Length: 3\r\n\r\nabc",
            302,
            "abc",
        ),
        taken("429", status("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5"), 429, "abc"),
        taken("503 until close", "HTTP/1.1 503 Busy\r\n\r\nbusy", 503, "busy").end(End::Closes),
        taken("599", status("HTTP/1.1 599 Odd"), 599, "abc"),
        taken("a field of 60 KB", abc(long(60_000)), 200, "abc"),
        taken("fields of 60 KB", abc(&cookies), 200, "abc"),
        taken("120 fields", abc(fields(120)), 200, "abc"),
        taken("fields without values", abc("X-Empty:\r\nX-Blank: \t \r\n"), 200, "abc"),
        taken("blanks around values", abc("X-A:\t a b \t\r\nX-B:b\r\n"), 200, "abc"),
        taken("odd names of fields", abc("!#$%&'*+-.^_`|~09aZ: x\r\n"), 200, "abc"),
        taken("values beyond UTF-8", abc(b"X-Name: caf\xe9 \xff\xfe\r\n"), 200, "abc"),
        taken("values in UTF-8", abc("X-Name: \u{fc}ber \u{2192}\r\n"), 200, "abc"),
        taken("bare LF in the head", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, "abc"),
        taken("colons in values", abc("X-Time: 12:30:00\r\n"), 200, "abc"),
        refused("a NUL byte in a value", abc("X-Nul: a\0b\r\n")),
        refused("an empty answer", ""),
        refused("an answer that is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n"),
        refused("a page without a head", "<html><body>hello</body></html>\r\n\r\n"),
        refused("a cut in the status line", "HTTP/1.1 20"),
        refused("a cut behind the status line", "HTTP/1.1 200 OK\r\n")
            .differs("a head without its end is incomplete: 8"),
        refused("a cut in a field", "HTTP/1.1 200 OK\r\nContent-Le")
            .differs("a head without its end is incomplete: 8"),
        refused("a cut behind a field", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"),
        refused("a cut in the end of the head", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r"),
        refused("a status of two digits", status("HTTP/1.1 20 OK")),
        refused("a status of four digits", status("HTTP/1.1 2000 OK")),
        refused("no status", status("HTTP/1.1 OK")),
        refused("a status that is below 100", status("HTTP/1.1 099 Odd")),
        taken("a status that is above 599", status("HTTP/1.1 999 Odd"), 999, "abc"),
        refused("another version", status("HTTP/3.1 200 OK")),
        refused("a head beyond 64 KiB", abc(long(66_000)))
            .differs("a limit, which RFC 9110, 5.4 allows; curl's is larger"),
        refused("129 fields", abc(fields(128)))
            .differs("a limit, which RFC 9110, 5.4 allows; curl has none"),
        taken("a folded field", abc("X-Folded: a\r\n b\r\n"), 200, "abc"),
        refused("a blank before a colon", abc("X-Name : a\r\n"))
            .differs("no whitespace is allowed there: 5.1"),
        refused("a line without a colon", abc("nonsense\r\n")),
        refused("a name with a blank", abc("X Name: a\r\n")).differs("a name is a token: 5.1"),
        refused("an empty name", abc(": a\r\n")).differs("a name is a token: 5.1"),
    ]
}

/// Whatever way the bytes are cut.
fn segments() -> Vec<Case> {
    let mixed = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n";
    vec![
        taken("a length byte by byte", length("3", "abc"), 200, "abc").dripped(1),
        taken("chunks byte by byte", mixed, 200, "hello!").dripped(1),
        taken("until close byte by byte", "HTTP/1.0 200 OK\r\n\r\nabc", 200, "abc")
            .dripped(1)
            .end(End::Closes),
        taken("cut between head and body", length("3", "|abc"), 200, "abc").cut(),
        taken("cut in the body", length("3", "a|b|c"), 200, "abc").cut(),
        taken("cut in CRLF", "HTTP/1.1 200 OK\r|\nContent-Length: 3\r|\n\r|\nabc", 200, "abc")
            .cut(),
        taken(
            "cut between the CRLFs of the end",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n|\r\nabc",
            200,
            "abc",
        )
        .cut(),
        taken("cut in a name", "HTTP/1.1 200 OK\r\nContent-|Length: 3\r\n\r\nabc", 200, "abc")
            .cut(),
        taken(
            "cut in a length",
            "HTTP/1.1 200 OK\r\nContent-Length: 1|1\r\n\r\nhello world",
            200,
            "hello world",
        )
        .cut(),
        taken(
            "cut in the version",
            "HT|TP/1|.1 2|00 OK\r\nContent-Length: 3\r\n\r\nabc",
            200,
            "abc",
        )
        .cut(),
        taken(
            "cut in a chunk size",
            chunked("0|b|\r|\nhello world\r\n0\r\n\r\n"),
            200,
            "hello world",
        )
        .cut(),
        taken("cut in the end of a chunk", chunked("3\r\nabc|\r|\n0\r\n\r\n"), 200, "abc").cut(),
        taken("cut in the last chunk", chunked("3\r\nabc\r\n0|\r\n|\r|\n"), 200, "abc").cut(),
        taken("cut in a trailer", chunked("3\r\nabc\r\n0\r\nA: |b\r\n|\r\n"), 200, "abc").cut(),
        taken(
            "head in thirds, 60 KB",
            abc(format!("X-Long: {}\r\n", "v".repeat(60_000))),
            200,
            "abc",
        )
        .dripped(20_000),
    ]
}
