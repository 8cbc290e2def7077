//! Colours, if the terminal supports them and NO_COLOR is not set.

/// Colours text, or leaves it unchanged.
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

    /// For failures.
    pub fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// For passed items.
    pub fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// For warnings.
    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// For less important text.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}
