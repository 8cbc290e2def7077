//! What stands around the measurements, read back: machine, stages, the server,
//! the first round, the baseline.

use portcullis_core::baseline::{Baseline, BaselinePlan};
use portcullis_core::event::{Stage, StageEnd, StageRecord};
use portcullis_core::measure::{Usage, UsageAt};
use std::borrow::Cow;
use std::time::Duration;

use super::{ReadError, numbers};
use crate::run::{BaselineReport, FirstCall, Machine};
use crate::wire;

fn wrong(at: &str, message: impl std::fmt::Display) -> ReadError {
    ReadError::Inconsistent(format!("{at}: {message}"))
}

/// The machine.
pub fn machine(file: wire::Machine) -> Machine {
    Machine {
        system: file.system.into_owned(),
        cores: file.cores,
        processor: file.processor.map(Cow::into_owned),
        memory_bytes: file.memory_bytes,
        load_at_start: file.load_at_start,
        governor: file.governor.map(Cow::into_owned),
        quota_cores: file.quota_cores,
        steal_share: file.steal_share,
    }
}

/// A stage that ended.
///
/// # Errors
/// Words that are not known, a time that cannot be.
pub fn stage(file: wire::Stage) -> Result<StageRecord, ReadError> {
    let stage = Stage::ALL.into_iter().find(|stage| stage.name() == file.stage);
    let end = match (file.end.as_ref(), file.failure) {
        ("done", _) => StageEnd::Done,
        ("cached", _) => StageEnd::Cached,
        ("failed", Some(why)) => StageEnd::Failed(why.into_owned()),
        (other, _) => return Err(wrong("stages", format!("\"{other}\" is no end of a stage"))),
    };
    Ok(StageRecord {
        stage: stage.ok_or_else(|| wrong("stages", format!("no stage \"{}\"", file.stage)))?,
        took: numbers::seconds(file.took_s).map_err(|error| wrong("stages", error))?,
        end,
        detail: file.detail.into_owned(),
        log: file.log.map(Cow::into_owned),
    })
}

/// What our own server used, if the load came so far, and how it ended.
///
/// # Errors
/// A time that cannot be.
pub fn server(file: wire::Server) -> Result<Server, ReadError> {
    let course = file.course.iter().map(moment).collect::<Result<_, _>>()?;
    let cpu = file.cpu_s.map(numbers::seconds).transpose();
    let usage = cpu.map_err(|error| wrong("server.cpu_s", error))?.map(|cpu| Usage {
        cpu,
        peak_memory_bytes: file.peak_memory_bytes.unwrap_or_default(),
        voluntary_switches: file.voluntary_switches.unwrap_or_default(),
        involuntary_switches: file.involuntary_switches.unwrap_or_default(),
    });
    Ok((usage, course, file.end.into_owned()))
}

/// What it used, the same over time, and how it ended.
pub type Server = (Option<Usage>, Vec<UsageAt>, String);

fn moment(&(at, cpu, memory_bytes): &(f64, f64, u64)) -> Result<UsageAt, ReadError> {
    let seconds = |s| numbers::seconds(s).map_err(|error| wrong("server.course", error));
    Ok(UsageAt { at: seconds(at)?, cpu: seconds(cpu)?, memory_bytes })
}

/// A call of the first round.
///
/// # Errors
/// A time that cannot be.
pub fn first_call(file: wire::FirstCall) -> Result<FirstCall, ReadError> {
    let ns = numbers::latency_ns(file.latency_ms).map_err(|error| wrong("first_round", error))?;
    let latency = Duration::from_nanos(ns);
    Ok(FirstCall {
        task: file.task.into_owned(),
        latency,
        failure: file.failure.map(Cow::into_owned),
    })
}

/// What was done with the baseline. Of what stood in it only date and commit are
/// known; the limits that were taken from it are those of the thresholds.
///
/// # Errors
/// A word that is not known.
pub fn baseline(file: wire::Baseline) -> Result<BaselineReport, ReadError> {
    let stored = Baseline {
        timestamp: file.timestamp.map(Cow::into_owned),
        commit: file.commit.map(Cow::into_owned),
        ..Baseline::default()
    };
    let stored = match file.state.as_ref() {
        "compared" => Some(stored),
        "missing" => None,
        other => return Err(wrong("baseline.state", format!("\"{other}\""))),
    };
    let plan = BaselinePlan {
        file: file.file.as_ref().into(),
        stored,
        foreign: file.foreign.map(Cow::into_owned),
        is_lowered: file.lowered,
    };
    Ok(BaselineReport { shown: file.file.into_owned(), plan, written: file.written })
}
