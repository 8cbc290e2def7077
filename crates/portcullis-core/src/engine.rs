//! The interface of a load engine: what it reports while it runs, and its result. Code that
//! starts an engine uses only this file.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::event::Progress;
use crate::measure::{FailureKind, Summary};

/// Observes a load, and can end it. All calls come from the thread that started the load.
pub trait Observer {
    /// A user received a token. It is a secret, so this is called before anything that could
    /// contain it.
    fn secret(&mut self, token: &str);

    /// Whether the load continues; asked several times a second, from the first request of the
    /// first round on.
    fn goes_on(&mut self) -> bool;

    /// The first round has ended: the answer of each task before the load starts. With a break
    /// the load does not begin.
    fn first_round(&mut self, answers: &[FirstAnswer]) -> ControlFlow<()>;

    /// A second of the load has passed.
    fn progress(&mut self, progress: Progress);
}

/// The answer of a task in the first round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAnswer {
    /// The name of the task.
    pub task: String,
    /// Method and path.
    pub request: String,
    /// Its latency.
    pub latency: Duration,
    /// Its status; 0 without a whole answer.
    pub status: u16,
    /// The size of its unpacked body.
    pub bytes: u64,
    /// What its body is.
    pub content: Content,
    /// The items of the first list in it, if it is JSON and not long.
    pub items: Option<u64>,
    /// The failure, if there was one.
    pub failure: Option<FirstFailure>,
}

/// What the body of an answer is, by its media type and how it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// There is none.
    #[default]
    None,
    /// JSON.
    Json,
    /// A page.
    Html,
    /// Anything else.
    Other,
}

/// Remarks on tasks that answer with a page while most others answer with JSON: a login page or
/// an error page with a good status.
pub fn pages_among_json(answers: &[FirstAnswer]) -> Vec<String> {
    let with = |content| answers.iter().filter(move |answer| answer.content == content);
    let (pages, json) = (with(Content::Html).count(), with(Content::Json).count());
    let remark = |answer: &FirstAnswer| {
        format!(
            "first round: {}: {} answers with a page (HTML), {json} other tasks with JSON: is it \
             an error page?",
            answer.task, answer.request
        )
    };
    with(Content::Html).filter(|_| pages < json).map(remark).collect()
}

/// Why an answer in the first round was not a good one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstFailure {
    /// Its kind.
    pub kind: FailureKind,
    /// The status of the answer; 0 without a whole one.
    pub status: u16,
    /// What happened.
    pub message: String,
    /// The beginning of the body.
    pub answer: String,
}

impl FirstFailure {
    /// Whether the service does not have what was asked for.
    pub fn is_missing(&self) -> bool {
        self.kind == FailureKind::Status && is_missing(self.status)
    }
}

/// Whether a status says that the service does not have what was asked for: RFC 9110, sections
/// 15.5.5, 15.5.6 and 15.5.11.
pub fn is_missing(status: u16) -> bool {
    matches!(status, 404 | 405 | 410)
}

/// A login that returned no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFailure {
    /// The user's number, from 1.
    pub user: u32,
    /// The status of the answer; 0 without one.
    pub status: u16,
    /// Whether the service throttled it (429).
    pub throttled: bool,
    /// What happened, with the status and the message of the service.
    pub message: String,
}

/// The measurements.
#[derive(Clone, Debug)]
pub enum Measured {
    /// The built-in engine counted every request.
    Exact(Box<Summary>),
}

/// How a load that had begun ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As planned.
    Complete,
    /// The observer stopped it.
    Aborted,
    /// A user could not log in.
    LoginFailed(LoginFailure),
    /// The engine itself failed, which is a bug.
    Defect(String),
}

/// The result of a load that had begun, however it ended.
#[derive(Clone, Debug)]
pub struct LoadOutcome {
    /// The measurements.
    pub measured: Measured,
    /// How it ended.
    pub ended: Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_among_json_is_remarked_and_json_among_pages_is_not() {
        let remarks = |contents: &[Content]| {
            let answer = |content: &Content| FirstAnswer {
                task: "list".to_owned(),
                request: "GET /a/".to_owned(),
                latency: Duration::ZERO,
                status: 200,
                bytes: 0,
                content: *content,
                items: None,
                failure: None,
            };
            pages_among_json(&contents.iter().map(answer).collect::<Vec<_>>())
        };
        use Content::{Html, Json, Other};
        let said = remarks(&[Json, Html, Json, Content::None, Other]);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("first round: list: GET /a/ answers with a page"), "{said:?}");
        assert!(remarks(&[Html, Html, Json]).is_empty() && remarks(&[Html]).is_empty());
        assert!(remarks(&[Html, Json]).is_empty(), "a service of both kinds");
        assert!(remarks(&[Json, Json, Other]).is_empty() && remarks(&[]).is_empty());
    }
}
