//! `init`: what a folder says about a project, what its own code says, and the
//! configuration that is written from both.
//!
//! - [`folder`] reads names and small files; nothing is run
//! - [`look`] draws conclusions from them, each with how sure it is
//! - [`lock`] turns lock files into pinned requirements
//! - [`probe`] is a script for the project's own shell, and its answer
//! - [`mod@write`] makes the files
//! - [`Looked`] and [`of_code`] say what was found, and how sure it is

mod conclusions;
pub mod folder;
mod lock;
pub mod look;
pub mod probe;
pub mod write;

pub use conclusions::{Looked, of_code};

/// How sure a conclusion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// The project says so.
    Certain,
    /// It is the usual meaning.
    Likely,
    /// There are other possibilities.
    Guess,
}

impl Sure {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Guess => "a guess",
        }
    }
}

/// A conclusion, for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// What it is about, in a word or two.
    pub about: &'static str,
    /// The conclusion.
    pub value: String,
    /// How sure it is.
    pub sure: Sure,
    /// Why.
    pub why: String,
}

/// A conclusion.
pub fn conclude(
    about: &'static str,
    value: impl Into<String>,
    sure: Sure,
    why: impl Into<String>,
) -> Conclusion {
    Conclusion { about, value: value.into(), sure, why: why.into() }
}
