//! Records measurements: one worker's recorder with a row per task, the time series, single
//! requests that are kept, and the lag of the generator itself.

mod clock;
mod delta;
mod exemplars;
mod gap;
mod interval;
mod late_recorder;
mod latencies;
mod phase;
mod recorder;
mod row_recorder;
mod sample;
mod series;
mod thread_times;
mod timeline;

pub use clock::unix_ms;
pub use gap::{GapRecorder, Stretch, longest as longest_gap};
pub use interval::IntervalCounts;
pub use phase::{Phase, Subject, TaskId};
pub use recorder::Recorder;
pub use sample::{Failure, GoodAnswer, Sample};
pub use series::Series;
pub use thread_times::{PULSE, ThreadTimes, ask_for_punctuality};
