//! Failed requests: their kinds, and those of one task and kind together.

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// A status that the task does not accept.
    Status,
    /// 429: the server refuses for now.
    Throttled,
    /// No complete answer in time.
    Timeout,
    /// No connection.
    Connect,
    /// The connection ended before the first byte of an answer, or broke.
    Reset,
    /// An answer that is not HTTP, or whose body is cut or cannot be unpacked.
    Body,
    /// A good status with a body that fails the task's check.
    Validation,
    /// A login without a usable token.
    Login,
}

/// Failures of one task and kind.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureGroup {
    /// The task's name, or `login`.
    pub task: String,
    /// Its method.
    pub method: String,
    /// Their kind.
    pub kind: FailureKind,
    /// What happened, in words; the first one's own.
    pub message: String,
    /// How many.
    pub count: u64,
    /// When the first ended, in milliseconds since 1970.
    pub first_unix_ms: u64,
    /// When the last ended.
    pub last_unix_ms: u64,
}

impl FailureKind {
    /// All kinds, in their order.
    pub const ALL: [Self; 8] = [
        Self::Status,
        Self::Throttled,
        Self::Timeout,
        Self::Connect,
        Self::Reset,
        Self::Body,
        Self::Validation,
        Self::Login,
    ];

    /// The kind as tables and files name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Body => "body",
            Self::Validation => "validation",
            Self::Login => "login",
        }
    }
}
