//! Words of enums in files: each stands in core, beside its enum.

use std::borrow::Cow;
use std::marker::PhantomData;

use portcullis_core::compare::{Decision, Side};
use portcullis_core::event::Stage;
use portcullis_core::evidence::State;
use portcullis_core::judge::Judgement;
use portcullis_core::measure::{Acknowledgement, FailureKind, Tls};
use portcullis_core::threshold::{Comparison, Policy, Reference, Severity, Unit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Contradiction;
use super::wire::Wire;

/// An enum that has a word for each of its values.
pub trait Words: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The value's word.
    fn word(self) -> &'static str;

    /// What is said of another word.
    fn unknown(word: &str) -> String;

    /// The value of a word.
    fn known(word: &str) -> Result<Self, Contradiction> {
        let value = Self::ALL.iter().copied().find(|value| value.word() == word);
        value.ok_or_else(|| Contradiction::new(Self::unknown(word)))
    }
}

macro_rules! words {
    ($($of:ident.$name:ident: $unknown:literal;)*) => {
        $(impl Words for $of {
            const ALL: &'static [Self] = &$of::ALL;

            fn word(self) -> &'static str {
                self.$name()
            }

            fn unknown(word: &str) -> String {
                format!($unknown, word)
            }
        })*
    };
}

words! {
    Acknowledgement.name: "unknown acknowledgement \"{}\"";
    Comparison.sign: "unknown comparison \"{}\"";
    Decision.name: "unknown decision \"{}\"";
    FailureKind.name: "unknown kind of failure \"{}\"";
    Judgement.name: "unknown judgement \"{}\"";
    Policy.name: "unknown policy \"{}\"";
    Reference.name: "unknown reference \"{}\"";
    Severity.name: "unknown severity \"{}\"";
    Side.name: "unknown side \"{}\"";
    Stage.name: "unknown stage \"{}\"";
    State.name: "unknown state \"{}\"";
    Tls.name: "unknown TLS mode \"{}\"";
    Unit.name: "unknown unit \"{}\"";
}

/// A word of `T`; one that was read may be another, until it is looked up.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Word<T> {
    text: Cow<'static, str>,
    #[serde(skip)]
    of: PhantomData<T>,
}

impl<T: Words> Wire<'_, T> for Word<T> {
    fn of(value: &T) -> Self {
        Self { text: value.word().into(), of: PhantomData }
    }

    fn read(self) -> Result<T, Contradiction> {
        T::known(&self.text)
    }
}

impl<T: Words> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = T::ALL.iter().map(|value| value.word()).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}
