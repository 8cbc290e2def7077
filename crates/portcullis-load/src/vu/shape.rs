//! The shape of an answer: its media type and how its body begins. An answer whose shape is
//! not that of the first round is probably an error page with a good status.

use portcullis_core::engine::Content;

use crate::http::Response;

/// The first byte of a body that is not blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `<`
    Markup,
    /// Any other.
    Other,
}

impl Start {
    /// How a body begins; `None` if it is empty or blank.
    pub fn of(body: &[u8]) -> Option<Self> {
        body.iter().find(|byte| !byte.is_ascii_whitespace()).copied().map(Self::of_byte)
    }

    fn of_byte(byte: u8) -> Self {
        match byte {
            b'{' => Self::Object,
            b'[' => Self::Array,
            b'<' => Self::Markup,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Markup => "\"<\"",
            Self::Other => "something else",
        }
    }
}

/// The shape of an answer with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// In lower case, without parameters; empty if the answer had none.
    pub media_type: String,
    /// How its body begins.
    pub start: Start,
}

impl Shape {
    /// What it says about the answer, to compare tasks.
    pub fn content(&self) -> Content {
        let is = |part: &str| self.media_type.contains(part);
        match self.start {
            Start::Markup if !is("json") => Content::Html,
            Start::Object | Start::Array => Content::Json,
            Start::Other if is("json") => Content::Json,
            _ if is("html") => Content::Html,
            _ => Content::Other,
        }
    }
}

/// The shapes of the answers to one step in the first round, by status.
#[derive(Clone, Debug, Default)]
pub struct StepShapes(Vec<(u16, Shape)>);

/// The shapes of the first round: for each task, those of its steps.
#[derive(Clone, Debug, Default)]
pub struct Shapes(pub Vec<Vec<StepShapes>>);

/// The start of an answer's body, which is `unpacked` if it was compressed.
pub fn start(response: &Response, unpacked: &[u8]) -> Option<Start> {
    match response.head().gzip {
        true => Start::of(unpacked),
        false => response.first_byte().map(Start::of_byte),
    }
}

impl StepShapes {
    /// Remembers the shape of the first answer with a status. An answer without a body has
    /// none.
    pub fn remember(&mut self, status: u16, media_type: &[u8], start: Option<Start>) {
        let is_known = self.0.iter().any(|(known, _)| *known == status);
        if let Some(start) = start.filter(|_| !is_known) {
            let media_type = String::from_utf8_lossy(media_type).into_owned();
            self.0.push((status, Shape { media_type, start }));
        }
    }

    /// The shape of the first answer.
    pub fn first(&self) -> Option<&Shape> {
        self.0.first().map(|(_, shape)| shape)
    }

    /// How an answer differs from the one of the first round with this status, if it does. An
    /// empty body has every shape, and so has a media type that is missing.
    pub fn difference(
        &self,
        status: u16,
        media_type: &[u8],
        start: Option<Start>,
    ) -> Option<String> {
        let (_, known) = self.0.iter().find(|(known, _)| *known == status)?;
        let start = start?;
        let is_typed = !media_type.is_empty() && !known.media_type.is_empty();
        if is_typed && media_type != known.media_type.as_bytes() {
            return Some(format!(
                "the answer is {}, but {} in the first round (if both are right: shape = false)",
                String::from_utf8_lossy(media_type),
                known.media_type
            ));
        }
        (start != known.start).then(|| {
            format!(
                "the body begins with {}, but with {} in the first round (if both are right: \
                 shape = false)",
                start.name(),
                known.start.name()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_media_type_or_start_is_another_shape_and_nothing_is_none() {
        let mut shapes = StepShapes::default();
        let json = b"application/json".as_slice();
        shapes.remember(204, b"", None);
        shapes.remember(200, json, Start::of(b" \n[1]"));
        shapes.remember(200, b"text/html", Start::of(b"<p>"));
        let differs = |status, media_type: &[u8], body: &[u8]| {
            shapes.difference(status, media_type, Start::of(body))
        };
        assert_eq!(differs(200, json, b"[]"), None);
        assert_eq!(differs(200, b"", b"\t[]"), None);
        assert_eq!(differs(200, json, b""), None);
        assert_eq!(differs(200, json, b" \r\n"), None);
        assert_eq!(differs(204, b"text/html", b"<p>"), None, "nothing was seen with it");
        assert_eq!(differs(404, b"text/html", b"<p>"), None);
        for (media_type, body, said) in [
            (b"text/html".as_slice(), b"<p>".as_slice(), "text/html, but application/json"),
            (json, b"{}", "begins with an object, but with an array"),
            (b"", b"<p>", "begins with \"<\", but with an array"),
            (json, b"Traceback", "begins with something else, but with an array"),
        ] {
            let found = differs(200, media_type, body).unwrap_or_default();
            assert!(found.contains(said) && found.contains("shape = false"), "{found}");
        }
    }
}
