//! Converts between the values of a run and the fields of the file: one list of fields
//! works in both directions.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::number::{believed, finite, is_sound, latency, latency_ms, seconds, unix_ms};
use super::{At, Contradiction, known};
use crate::instant::rfc3339;

/// The form of a `T` in the file.
pub trait Wire<'a, T>: Sized {
    /// The form for writing.
    fn of(value: &'a T) -> Self;

    /// The value, as before it was written.
    fn read(self) -> Result<T, Contradiction>;
}

/// The fields of a struct of the file, and the corresponding fields of the run's struct:
/// first those with the same name, then `file = run`. A contradiction in one of the fields
/// after `at` names the field.
macro_rules! fields {
    ($file:ty: $run:ty {
        $($same:ident),* $(; $($name:ident = $own:ident),*)?
    } $(at { $($placed:ident = $placed_own:ident),* })?) => {
        impl<'a> $crate::results::wire::Wire<'a, $run> for $file {
            fn of(run: &'a $run) -> Self {
                use $crate::results::wire::Wire;
                Self {
                    $($same: Wire::of(&run.$same),)*
                    $($($name: Wire::of(&run.$own),)*)?
                    $($($placed: Wire::of(&run.$placed_own),)*)?
                }
            }

            fn read(self) -> Result<$run, $crate::results::Contradiction> {
                #[allow(unused_imports, reason = "most have no place")]
                use $crate::results::{At, wire::Wire};
                type Run = $run;
                Ok(Run {
                    $($same: Wire::read(self.$same)?,)*
                    $($($own: Wire::read(self.$name)?,)*)?
                    $($($placed_own: Wire::read(self.$placed).at(stringify!($placed))?,)*)?
                })
            }
        }
    };
}
pub(crate) use fields;

impl<'a, T, W: Wire<'a, T>> Wire<'a, Option<T>> for Option<W> {
    fn of(value: &'a Option<T>) -> Self {
        value.as_ref().map(W::of)
    }

    fn read(self) -> Result<Option<T>, Contradiction> {
        self.map(W::read).transpose()
    }
}

impl<'a, T, W: Wire<'a, T>> Wire<'a, Vec<T>> for Vec<W> {
    fn of(value: &'a Vec<T>) -> Self {
        value.iter().map(W::of).collect()
    }

    fn read(self) -> Result<Vec<T>, Contradiction> {
        self.into_iter().map(W::read).collect()
    }
}

/// Reads every item of a list; a contradiction names its index.
pub fn read_each<'a, T, W: Wire<'a, T>>(file: Vec<W>, at: &str) -> Result<Vec<T>, Contradiction> {
    let items = file.into_iter().enumerate();
    items.map(|(index, item)| item.read().at(&format!("{at}[{index}]"))).collect()
}

impl<'a> Wire<'a, String> for Cow<'a, str> {
    fn of(value: &'a String) -> Self {
        value.into()
    }

    fn read(self) -> Result<String, Contradiction> {
        Ok(self.into_owned())
    }
}

impl<'a> Wire<'a, Vec<String>> for Cow<'a, [String]> {
    fn of(value: &'a Vec<String>) -> Self {
        value.into()
    }

    fn read(self) -> Result<Vec<String>, Contradiction> {
        Ok(self.into_owned())
    }
}

/// Numbers that are equal in both.
macro_rules! same {
    ($($of:ty),*) => {
        $(impl Wire<'_, $of> for $of {
            fn of(value: &$of) -> Self {
                *value
            }

            fn read(self) -> Result<$of, Contradiction> {
                Ok(self)
            }
        })*
    };
}

same!(bool, u16, u32, u64, usize, f64);

/// Numbers that are written as `$plain`, and checked when they are read.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($plain:ty): $of:ty, $write:expr, $read:expr;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $plain);

        impl Wire<'_, $of> for $name {
            fn of(value: &$of) -> Self {
                let write: fn(&$of) -> $plain = $write;
                Self(write(value))
            }

            fn read(self) -> Result<$of, Contradiction> {
                $read(self.0)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                <$plain>::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$plain>::json_schema(generator)
            }
        })*
    };
}

numbers! {
    /// A count of what a run can have made so often.
    Count(u64): u64, |count| *count, believed;
    /// A number of any sign.
    Finite(f64): f64, |number| *number, finite;
    /// A duration in seconds.
    Seconds(f64): Duration, Duration::as_secs_f64, seconds;
    /// A duration in milliseconds, to the nanosecond, so that a reader can judge
    /// again.
    Milliseconds(f64): Duration, |span| span.as_nanos() as f64 / 1e6, latency;
    /// A latency that the run knows as milliseconds.
    Latency(f64): f64, |ms| *ms, latency_ms;
    /// A mean number of bytes.
    MeanBytes(f64): f64, |bytes| *bytes, mean_bytes;
    /// One version over another.
    Ratio(f64): f64, |ratio| *ratio, ratio;
}

/// Checks a mean size; the error uses the name of the field.
pub fn mean_bytes(bytes: f64) -> Result<f64, Contradiction> {
    let sound = Some(bytes).filter(|bytes| is_sound(*bytes));
    known(sound, "mean_body_bytes is not a number of at least 0")
}

fn ratio(ratio: f64) -> Result<f64, Contradiction> {
    let sound = Some(ratio).filter(|ratio| is_sound(*ratio));
    known(sound, format_args!("{ratio} is not a ratio"))
}

/// An instant as RFC 3339, which a run knows as milliseconds since 1970.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(String);

impl Instant {
    /// As it is written.
    pub fn at(unix_ms: u64) -> Self {
        Self(rfc3339(unix_ms))
    }
}

impl Wire<'_, u64> for Instant {
    fn of(unix_ms: &u64) -> Self {
        Self::at(*unix_ms)
    }

    fn read(self) -> Result<u64, Contradiction> {
        unix_ms(&self.0)
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}
