//! An HTTP/1.1 response, parsed as its bytes arrive (RFC 9112). Pure: the caller gives it
//! slices, and it never reads.

use std::borrow::Cow;

/// Why a response is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not an HTTP head.
    #[error("the answer is not HTTP: {0}")]
    Head(httparse::Error),
    /// More than 64 KiB of head or trailers.
    #[error("the head of the answer is longer than 64 KiB")]
    HeadTooLong,
    /// Lengths that contradict each other or are not numbers.
    #[error("the answer's content-length is invalid: {0}")]
    Length(String),
    /// A chunk without its size or end.
    #[error("the answer's chunks are malformed")]
    Chunk,
    /// A body to be kept is longer than 64 MiB.
    #[error("the answer's body is longer than 64 MiB")]
    BodyTooLong,
    /// The connection ended before the response did.
    #[error("the answer was cut off after {0} bytes of body")]
    Cut(u64),
}

/// The maximum length of the head, and of the trailers.
pub const MAX_HEAD: usize = 64 * 1024;
/// The maximum length of a kept body.
pub const MAX_BODY: usize = 64 * 1024 * 1024;
/// A body that is kept only to be described is not longer than this.
const SHORT_BODY: usize = 1 << 20;
const MAX_FIELDS: usize = 128;
/// The number of bytes kept of a media type.
const LONGEST_MEDIA_TYPE: usize = 64;
/// The kept part of a `Location`, in characters.
const LONGEST_LOCATION: usize = 300;

/// The needed fields of the head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Whether the connection can carry another request.
    pub keep_alive: bool,
    /// Whether the body is compressed with gzip.
    pub gzip: bool,
    /// `Retry-After` in seconds, if it has that form.
    pub retry_after_s: Option<u64>,
    /// Whether it sets cookies.
    pub sets_cookies: bool,
    /// `Location` of a redirect.
    pub location: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

/// A response that is being parsed. It can be used again, to keep its buffers.
#[derive(Debug)]
pub struct Response {
    state: State,
    head: Head,
    body: Vec<u8>,
    body_bytes: u64,
    /// In lower case, without parameters; empty if there is none.
    media_type: Vec<u8>,
    /// The first byte of the body, as it was sent, that is not blank.
    first: Option<u8>,
    to_head_request: bool,
    keep_body: bool,
    keep_short: bool,
    /// The head as it was sent, if its fields may be asked for.
    fields: Vec<u8>,
    keep_fields: bool,
}

enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            state: State::Done,
            head: Head::default(),
            body: Vec::new(),
            body_bytes: 0,
            media_type: Vec::new(),
            first: None,
            to_head_request: false,
            keep_body: false,
            keep_short: false,
            fields: Vec::new(),
            keep_fields: false,
        }
    }
}

impl Response {
    /// Begins a response. `keep_body` says whether its body is needed. A compressed body is
    /// always kept, and so is the body of an unexpected status.
    pub fn begin(&mut self, to_head_request: bool, keep_body: bool) {
        self.state = State::Head;
        self.head = Head::default();
        self.body.clear();
        self.body_bytes = 0;
        self.media_type.clear();
        self.first = None;
        self.to_head_request = to_head_request;
        self.keep_body = keep_body;
        self.keep_short = false;
        self.fields.clear();
        self.keep_fields = false;
    }

    /// Keeps the body that comes as long as it is short, also if it is not needed.
    pub fn keep_short(&mut self) {
        self.keep_short = true;
    }

    /// Keeps all fields of the head that comes. Otherwise they are kept only if the answer sets
    /// cookies or leads elsewhere.
    pub fn keep_fields(&mut self) {
        self.keep_fields = true;
    }

    /// The value of the first kept field with this name, ignoring case.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut found = None;
        self.each_field(name, |value| {
            found.get_or_insert_with(|| String::from_utf8_lossy(value).into_owned());
        });
        found
    }

    /// Calls `each` with the value of every kept field with this name, ignoring case.
    pub fn each_field(&self, name: &str, mut each: impl FnMut(&[u8])) {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        // It was parsed before, so an error means that nothing was kept.
        if parsed.parse(&self.fields).is_err() {
            return;
        }
        let named = parsed.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        named.for_each(|field| each(field.value.trim_ascii()));
    }

    /// Whether the response is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The head of a complete response.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The body as it was sent, without chunk framing.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The number of body bytes that arrived, kept or not.
    pub fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// The media type in lower case, without parameters; empty if there is none.
    pub fn media_type(&self) -> &[u8] {
        &self.media_type
    }

    /// The first byte of the body, as it was sent, that is not blank.
    pub fn first_byte(&self) -> Option<u8> {
        self.first
    }

    /// Parses as much of `input` as possible, and returns its length. The rest must be given
    /// again, with more bytes after it.
    ///
    /// # Errors
    /// The response is malformed or too large.
    pub fn feed(&mut self, input: &[u8]) -> Result<usize, Invalid> {
        let mut taken = 0;
        while !self.is_done() {
            let step = self.step(&input[taken..])?;
            match step {
                Some(bytes) => taken += bytes,
                None => break,
            }
        }
        Ok(taken)
    }

    /// The connection ended: this ends a body without a length, otherwise it is an error.
    ///
    /// # Errors
    /// The response was not complete.
    pub fn end(&mut self) -> Result<(), Invalid> {
        match self.state {
            State::Done => Ok(()),
            State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(Invalid::Cut(self.body_bytes)),
        }
    }

    /// Parses one step; `None` if it needs more input.
    fn step(&mut self, input: &[u8]) -> Result<Option<usize>, Invalid> {
        match self.state {
            State::Done => Ok(None),
            State::Head => self.read_head(input),
            State::Length(left) => {
                let taken = self.take_body(input, left)?;
                let left = left - taken as u64;
                self.state = if left == 0 { State::Done } else { State::Length(left) };
                Ok((taken > 0 || left == 0).then_some(taken))
            }
            State::UntilClose => {
                let taken = self.take_body(input, u64::MAX)?;
                Ok((taken > 0).then_some(taken))
            }
            State::ChunkSize => self.read_chunk_size(input),
            State::ChunkData(left) => {
                let taken = self.take_body(input, left)?;
                let left = left - taken as u64;
                self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                Ok((taken > 0).then_some(taken))
            }
            State::ChunkEnd => match input {
                [b'\r', b'\n', ..] => {
                    self.state = State::ChunkSize;
                    Ok(Some(2))
                }
                [] | [b'\r'] => Ok(None),
                _ => Err(Invalid::Chunk),
            },
            State::Trailers => self.read_trailers(input),
        }
    }

    fn take_body(&mut self, input: &[u8], left: u64) -> Result<usize, Invalid> {
        let taken = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.body_bytes += taken as u64;
        if self.first.is_none() {
            self.first = input[..taken].iter().copied().find(|byte| !byte.is_ascii_whitespace());
        }
        if self.keep_body {
            if self.body.len() + taken > MAX_BODY {
                return Err(Invalid::BodyTooLong);
            }
            self.body.extend_from_slice(&input[..taken]);
        } else if self.keep_short {
            self.keep_short = self.body.len() + taken <= SHORT_BODY;
            match self.keep_short {
                true => self.body.extend_from_slice(&input[..taken]),
                false => self.body.clear(),
            }
        }
        Ok(taken)
    }

    fn read_head(&mut self, input: &[u8]) -> Result<Option<usize>, Invalid> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        let mut config = httparse::ParserConfig::default();
        // Folded lines: their breaks count as blanks (RFC 9112, section 5.2), and every value is
        // read with its blanks trimmed.
        config.allow_obsolete_multiline_headers_in_responses(true);
        let size = match config.parse_response(&mut parsed, input) {
            // The limit must not depend on how the bytes are cut.
            Ok(httparse::Status::Complete(size)) if size > MAX_HEAD => {
                return Err(Invalid::HeadTooLong);
            }
            Ok(httparse::Status::Complete(size)) => size,
            Ok(httparse::Status::Partial) if input.len() > MAX_HEAD => {
                return Err(Invalid::HeadTooLong);
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(Invalid::Head(error)),
        };
        let status = parsed.code.unwrap_or(0);
        if status < 100 {
            return Err(Invalid::Head(httparse::Error::Status));
        }
        // Interim answers (RFC 9110, section 15.2) come before the real one. A 101 would change
        // the protocol, but the client never asks for that.
        if (100..200).contains(&status) && status != 101 {
            return Ok(Some(size));
        }
        let (head, framing, media_type) =
            interpret(status, parsed.version == Some(1), parsed.headers, self.to_head_request)?;
        let media_type = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
        let media_type = media_type.trim_ascii().iter().take(LONGEST_MEDIA_TYPE);
        self.media_type.extend(media_type.map(u8::to_ascii_lowercase));
        self.keep_body |= head.gzip || !(200..300).contains(&status);
        if self.keep_fields || head.sets_cookies || (300..400).contains(&status) {
            self.fields.extend_from_slice(&input[..size]);
        }
        self.head = head;
        self.state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Ok(Some(size))
    }

    fn read_chunk_size(&mut self, input: &[u8]) -> Result<Option<usize>, Invalid> {
        // `httparse` reads a line without digits as a size of zero.
        if input.first().is_some_and(|byte| !byte.is_ascii_hexdigit()) {
            return Err(Invalid::Chunk);
        }
        // `httparse` counts leading zeros as digits of the number.
        let zeros = input.iter().take_while(|byte| **byte == b'0').count();
        let skipped = zeros.saturating_sub(1);
        match httparse::parse_chunk_size(input.get(skipped..).unwrap_or_default()) {
            // Extensions have no separate limit.
            Ok(httparse::Status::Complete((size, _))) if skipped + size > MAX_HEAD => {
                Err(Invalid::Chunk)
            }
            Ok(httparse::Status::Complete((size, 0))) => {
                self.state = State::Trailers;
                Ok(Some(skipped + size))
            }
            Ok(httparse::Status::Complete((size, length))) => {
                self.state = State::ChunkData(length);
                Ok(Some(skipped + size))
            }
            Ok(httparse::Status::Partial) if input.len() > MAX_HEAD => Err(Invalid::Chunk),
            Ok(httparse::Status::Partial) => Ok(None),
            Err(_) => Err(Invalid::Chunk),
        }
    }

    fn read_trailers(&mut self, input: &[u8]) -> Result<Option<usize>, Invalid> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        match httparse::parse_headers(&unfolded(input), &mut fields) {
            Ok(httparse::Status::Complete((size, _))) if size > MAX_HEAD => {
                Err(Invalid::HeadTooLong)
            }
            Ok(httparse::Status::Complete((size, _))) => {
                self.state = State::Done;
                Ok(Some(size))
            }
            Ok(httparse::Status::Partial) if input.len() > MAX_HEAD => Err(Invalid::HeadTooLong),
            Ok(httparse::Status::Partial) => Ok(None),
            Err(error) => Err(Invalid::Head(error)),
        }
    }
}

/// Fields with the breaks of folded lines replaced by blanks (RFC 9112, section 5.2); the
/// length stays.
fn unfolded(input: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = Cow::Borrowed(input);
    let mut start = 0;
    while let Some(length) = input[start..].iter().position(|byte| *byte == b'\n') {
        let end = start + length;
        let line = input[start..end].strip_suffix(b"\r").unwrap_or(&input[start..end]);
        if line.is_empty() {
            break;
        }
        if let Some(b' ' | b'\t') = input.get(end + 1) {
            bytes.to_mut()[start + line.len()..=end].fill(b' ');
        }
        start = end + 1;
    }
    bytes
}

/// Interprets the fields of a head, and finds how the body is framed (RFC 9112, section
/// 6.3), and the value of `Content-Type`.
fn interpret<'i>(
    status: u16,
    is_http_1_1: bool,
    fields: &[httparse::Header<'i>],
    to_head_request: bool,
) -> Result<(Head, Framing, &'i [u8]), Invalid> {
    let mut head = Head { status, keep_alive: is_http_1_1, ..Head::default() };
    let mut length: Option<u64> = None;
    let mut media_type: &[u8] = b"";
    let (mut encoded, mut chunked, mut close) = (false, false, false);
    for field in fields {
        let value = field.value.trim_ascii();
        if field.name.eq_ignore_ascii_case("content-length") {
            let new = content_length(value)?;
            if length.is_some_and(|known| known != new) {
                return Err(Invalid::Length("it is set twice".to_owned()));
            }
            length = Some(new);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            encoded = true;
            // Empty items of a list must be skipped (RFC 9110, section 5.6.1).
            let mut items = value.rsplit(|b| *b == b',').map(<[u8]>::trim_ascii);
            if let Some(last) = items.find(|item| !item.is_empty()) {
                chunked = last.eq_ignore_ascii_case(b"chunked");
            }
        } else if field.name.eq_ignore_ascii_case("connection") {
            close |= lists(value, b"close");
            head.keep_alive |= lists(value, b"keep-alive");
        } else if field.name.eq_ignore_ascii_case("content-encoding") {
            head.gzip =
                value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip");
        } else if field.name.eq_ignore_ascii_case("set-cookie") {
            head.sets_cookies = true;
        } else if field.name.eq_ignore_ascii_case("content-type") {
            media_type = value;
        } else if field.name.eq_ignore_ascii_case("retry-after") {
            head.retry_after_s = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
        } else if (300..400).contains(&status) && field.name.eq_ignore_ascii_case("location") {
            let text = String::from_utf8_lossy(value);
            head.location = Some(text.chars().take(LONGEST_LOCATION).collect());
        }
    }
    // "close" wins in any order of the fields (RFC 9112, section 9.3). After a 101 the
    // connection has another protocol.
    head.keep_alive &= !close && status != 101;
    let no_body = to_head_request || status == 204 || status == 304 || status < 200;
    let framing = match (no_body, encoded, chunked, length) {
        (true, ..) => Framing::None,
        (_, true, true, length) => {
            // With both, the length may be an attack (RFC 9112, section 6.3, item 3). HTTP/1.0 has
            // no chunks (section 6.1).
            head.keep_alive &= length.is_none() && is_http_1_1;
            Framing::Chunked
        }
        (_, true, false, _) => Framing::UntilClose,
        (_, false, _, Some(length)) => Framing::Length(length),
        (_, false, _, None) => Framing::UntilClose,
    };
    if matches!(framing, Framing::UntilClose) {
        head.keep_alive = false;
    }
    Ok((head, framing, media_type))
}

/// Whether a comma-separated list contains a word, ignoring case.
fn lists(value: &[u8], word: &[u8]) -> bool {
    value.split(|b| *b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
}

/// Parses the length. A list of equal numbers counts as one number (RFC 9110, section 8.6).
fn content_length(value: &[u8]) -> Result<u64, Invalid> {
    let text = String::from_utf8_lossy(value);
    let mut numbers = text.split(',').map(|part| {
        let part = part.trim();
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u64>().ok()).flatten()
    });
    let bad = || Invalid::Length(format!("\"{}\"", text.chars().take(40).collect::<String>()));
    let first = numbers.next().flatten().ok_or_else(bad)?;
    if numbers.any(|number| number != Some(first)) { Err(bad()) } else { Ok(first) }
}
