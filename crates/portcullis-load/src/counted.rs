//! What a recorder has counted since it was last asked: enough to see how rules
//! stand, and cheap to tell, since latencies stay where they are.

use portcullis_core::measure::{Beyond, Block, Distribution, Row, TaskSummary};

use crate::cell::Cell;
use crate::recorder::Recorder;

/// What was told of one cell so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    row: Row,
    /// Blocks of which something was told.
    blocks: usize,
    /// The last of them as it was told: it may have grown since.
    last: Block,
}

impl Recorder {
    /// For each task what was counted since the last call: no latencies but
    /// their number. What is told of blocks and of the row is the same requests:
    /// else the second that just went bad would not be known as one.
    pub fn take_counts(&mut self) -> Vec<TaskSummary> {
        let tasks = self.window.iter_mut().zip(self.continued.iter_mut().zip(&mut self.extension));
        let told =
            |(window, (continued, extension)): (&mut Cell, (&mut Cell, &mut Cell))| TaskSummary {
                window: since(window),
                continued: since(continued),
                extension: since(extension),
                ..TaskSummary::default()
            };
        tasks.map(told).collect()
    }
}

fn since(cell: &mut Cell) -> Row {
    let now = cell.counts();
    let told = &mut cell.told;
    let before = std::mem::replace(&mut told.row, now.clone());
    let first = told.blocks.saturating_sub(1);
    let mut blocks = cell.blocks.get(first..).unwrap_or_default().to_vec();
    if let Some(grown) = blocks.first_mut().filter(|_| told.blocks > 0) {
        grown.requests -= told.last.requests;
        grown.failures -= told.last.failures;
        grown.beyond = less(&grown.beyond, &told.last.beyond);
    }
    told.blocks = cell.blocks.len();
    told.last = cell.blocks.last().cloned().unwrap_or_default();
    let count = now.latency.count - before.latency.count;
    let mut statuses = now.statuses;
    for (status, answers) in &mut statuses {
        *answers -= before.answers_with(*status);
    }
    Row {
        requests: now.requests - before.requests,
        failures: now.failures - before.failures,
        with_data: now.with_data - before.with_data,
        latency: Distribution { count, ..Distribution::default() },
        beyond: less(&now.beyond, &before.beyond),
        failed_beyond: less(&now.failed_beyond, &before.failed_beyond),
        statuses,
        blocks,
        ..Row::default()
    }
}

fn less(now: &[Beyond], before: &[Beyond]) -> Vec<Beyond> {
    let known = |index: usize| before.get(index).copied().unwrap_or_default();
    let less = |(index, now): (usize, &Beyond)| Beyond {
        above: now.above - known(index).above,
        at_or_above: now.at_or_above - known(index).at_or_above,
    };
    now.iter().enumerate().map(less).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::latencies::Latencies;
    use crate::sample::Sample;

    #[test]
    fn what_was_told_in_parts_is_what_was_counted_at_any_moment() {
        let limits = [Duration::from_millis(5)];
        let mut cell = Cell::new(&Latencies::new(Duration::from_secs(1)), limits.len());
        let mut known = Row::default();
        for n in 0..50_u64 {
            let sample = Sample { latency: Duration::from_millis(n % 10), ..Sample::default() };
            cell.record(&sample, Duration::from_millis(n * 130), &limits);
            if n % 3 == 0 {
                known.add(&since(&mut cell));
                assert_eq!(known.blocks, cell.blocks, "after {n} requests");
                assert_eq!(known.beyond, cell.row().beyond);
            }
        }
    }
}
