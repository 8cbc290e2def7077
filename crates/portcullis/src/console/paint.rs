//! Colours, where a terminal shows them and NO_COLOR is not set.

/// Paints words, or leaves them as they are.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// With colours or without.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For what failed.
    pub fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// For what passed.
    pub fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// For what only warns.
    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// For what is less important.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}
