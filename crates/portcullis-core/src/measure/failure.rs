//! Failed requests: their kinds, and groups by task and kind.

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// A status that the task does not accept.
    Status,
    /// 429: the service throttles.
    Throttled,
    /// No complete answer in time.
    Timeout,
    /// No connection.
    Connect,
    /// The connection ended before the first byte of an answer, or broke.
    Reset,
    /// An answer that is not HTTP, or whose body is truncated or cannot be unpacked.
    Body,
    /// An accepted status with a body that fails the task's check.
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
    /// The message of the first failure.
    pub message: String,
    /// The number of failures.
    pub count: u64,
    /// When the first ended, in milliseconds since 1970.
    pub first_unix_ms: u64,
    /// When the last ended.
    pub last_unix_ms: u64,
}

impl FailureKind {
    /// All kinds in order.
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

    /// The name of the kind in tables and files.
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
