//! The history of runs: one JSON object in a line for each run, so that two branches that
//! each add a line can be merged by keeping both.

use portcullis_core::history::{Entry, EntryRow};
use portcullis_core::threshold::Percentile;
use serde::{Deserialize, Serialize};

use crate::instant::{rfc3339, unix_ms};
use crate::record::RunRecord;

/// Version of a line: raised when a field is removed or changes its meaning.
pub const LINE_VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
struct Line {
    version: u32,
    /// RFC 3339 in UTC.
    started_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch: Option<String>,
    exit_code: u8,
    /// Machine and measured configuration.
    key: String,
    tasks: Vec<Task>,
}

#[derive(Deserialize, Serialize)]
struct Task {
    task: String,
    requests: u64,
    error_rate: f64,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
}

/// Why a line is not read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct LineError {
    /// Counted from 1.
    pub line: usize,
    /// The reason.
    pub why: String,
}

/// A run as an entry; `branch` is not part of the results.
pub fn entry_of(run: &RunRecord, branch: Option<String>) -> Entry {
    let machine = &run.machine;
    let key = format!(
        "{} / {} cores / {} / {}",
        machine.system,
        machine.cores,
        machine.processor.as_deref().unwrap_or("unknown CPU"),
        run.configuration_hash
    );
    let rows = run.summary.iter().flat_map(|summary| &summary.tasks).map(|task| {
        let row = task.judged();
        let ms = |percentile| row.latency.percentile_ms(percentile);
        EntryRow {
            task: task.name.clone(),
            requests: row.requests,
            error_rate: row.error_rate().unwrap_or(0.0),
            p50_ms: ms(Percentile::P50),
            p95_ms: ms(Percentile::P95),
        }
    });
    let (started_unix_ms, exit_code) = (run.started_unix_ms, run.exit_code);
    Entry {
        started_unix_ms,
        commit: run.commit.clone(),
        branch,
        exit_code,
        key,
        rows: rows.collect(),
    }
}

/// An entry as a line, with its line end.
pub fn line_of(entry: &Entry) -> String {
    let task = |row: &EntryRow| Task {
        task: row.task.clone(),
        requests: row.requests,
        error_rate: row.error_rate,
        p50_ms: row.p50_ms,
        p95_ms: row.p95_ms,
    };
    let line = Line {
        version: LINE_VERSION,
        started_at: rfc3339(entry.started_unix_ms),
        commit: entry.commit.clone(),
        branch: entry.branch.clone(),
        exit_code: entry.exit_code,
        key: entry.key.clone(),
        tasks: entry.rows.iter().map(task).collect(),
    };
    // Only text and numbers, which always have a form in JSON.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// The entries of a file by their start, each once, and the lines that are none.
pub fn read(text: &str) -> (Vec<Entry>, Vec<LineError>) {
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match entry(line) {
            Ok(entry) => entries.push(entry),
            Err(why) => errors.push(LineError { line: index + 1, why }),
        }
    }
    entries.sort_by(|a, b| (a.started_unix_ms, &a.commit).cmp(&(b.started_unix_ms, &b.commit)));
    entries.dedup();
    (entries, errors)
}

fn entry(line: &str) -> Result<Entry, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| match line {
        _ if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) => {
            "a mark of an unfinished merge: keep the lines of both sides".to_owned()
        }
        _ => format!("not an entry of a history: {error}"),
    })?;
    if line.version != LINE_VERSION {
        return Err(format!("version {}; this program reads version {LINE_VERSION}", line.version));
    }
    let started_unix_ms = unix_ms(&line.started_at)
        .ok_or_else(|| format!("started_at = {:?} is no time (RFC 3339)", line.started_at))?;
    let row = |task: Task| EntryRow {
        task: task.task,
        requests: task.requests,
        error_rate: task.error_rate,
        p50_ms: task.p50_ms,
        p95_ms: task.p95_ms,
    };
    Ok(Entry {
        started_unix_ms,
        commit: line.commit,
        branch: line.branch,
        exit_code: line.exit_code,
        key: line.key,
        rows: line.tasks.into_iter().map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: u64) -> Entry {
        Entry {
            started_unix_ms: at,
            commit: Some("abc".to_owned()),
            branch: Some("main".to_owned()),
            exit_code: 0,
            key: "a machine".to_owned(),
            rows: vec![EntryRow {
                task: "list \"x\"\n".to_owned(),
                requests: 3,
                error_rate: 0.25,
                p50_ms: Some(1.5),
                p95_ms: None,
            }],
        }
    }

    #[test]
    fn what_is_written_is_read_in_order_and_once() {
        let lines = [2_000, 1_000, 2_000].map(|at| line_of(&sample(at))).concat();
        assert_eq!(lines.lines().count(), 3);
        let (entries, errors) = read(&format!("\n{lines}\n"));
        assert_eq!(entries, [sample(1_000), sample(2_000)]);
        assert!(errors.is_empty());
    }

    #[test]
    fn a_line_that_is_no_entry_is_named_and_the_others_are_read() {
        let good = line_of(&sample(1));
        let newer = good.replace("\"version\":1", "\"version\":9");
        let text = format!("<<<<<<< HEAD\n{good}=======\n{{\"version\":\n{newer}[]\n");
        let (entries, errors) = read(&text);
        assert_eq!(entries.len(), 1);
        assert_eq!(errors.iter().map(|error| error.line).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
        assert!(errors[0].to_string().contains("unfinished merge"), "{}", errors[0]);
        assert!(errors[3].to_string().contains("version 9"), "{}", errors[3]);
    }
}
