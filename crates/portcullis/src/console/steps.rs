//! Progress of `init` and `doctor`: a line for each finished step, without a panel.

use std::sync::{Mutex, PoisonError};

use portcullis_core::event::{Event, Sink, StageEnd};
use portcullis_core::units::show_duration;

use super::{for_output, plain, print_to};

/// The mark before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is as it should be.
    Fine,
    /// It may be a problem.
    Warning,
    /// It is a problem.
    Problem,
    /// It says more about the line before it.
    More,
}

/// A sink that prints steps, and keeps the advice of failed ones.
#[derive(Debug, Default)]
pub struct Steps {
    /// Whether everything goes to standard error, because standard output is for a machine.
    is_error: bool,
    advice: Mutex<Vec<String>>,
}

impl Steps {
    /// Lines on standard output, or on standard error.
    pub fn new(is_error: bool) -> Self {
        Self { is_error, advice: Mutex::default() }
    }

    /// Prints a line.
    pub fn line(&self, mark: Mark, text: &str) {
        let paint = for_output().paint;
        let mark = match mark {
            Mark::Fine => paint.green("ok      "),
            Mark::Warning => paint.yellow("warning "),
            Mark::Problem => paint.red("problem "),
            Mark::More => "        ".to_owned(),
        };
        print_to(self.is_error, &format!("{mark}{}\n", plain(text)));
    }

    /// Prints a line without a mark.
    pub fn say(&self, text: &str) {
        print_to(self.is_error, &format!("{}\n", plain(text)));
    }

    /// The advice so far, which is then forgotten.
    pub fn take_advice(&self) -> Vec<String> {
        std::mem::take(&mut *self.advice.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink for Steps {
    fn event(&self, event: &Event) {
        match event {
            Event::StageEnded(record) => {
                let (name, took) = (record.stage.name(), show_duration(record.took));
                match &record.end {
                    StageEnd::Failed(why) => self.line(Mark::Problem, &format!("{name}: {why}")),
                    StageEnd::Cached => {
                        let text = format!("{name}: {} (cached, {took})", record.detail);
                        self.line(Mark::Fine, &text);
                    }
                    StageEnd::Completed => {
                        self.line(Mark::Fine, &format!("{name}: {} ({took})", record.detail));
                    }
                }
            }
            Event::Warning(text) => self.line(Mark::Warning, text),
            Event::Note(text) => self.line(Mark::More, text),
            Event::LogTail { lines, .. } => {
                lines.iter().for_each(|line| self.line(Mark::More, &format!("| {line}")));
            }
            Event::Advice(text) => {
                let mut advice = self.advice.lock().unwrap_or_else(PoisonError::into_inner);
                advice.push(text.clone());
            }
            Event::StageStarted(_) | Event::Progress(_) | Event::Pairs(_) => {}
        }
    }
}
