//! What a recorder has counted since it was last asked: enough to see how rules
//! stand, and cheap to tell, since latencies stay where they are.

use portcullis_core::distribution::Distribution;
use portcullis_core::summary::{Beyond, Row, TaskSummary};

use crate::cell::Cell;
use crate::recorder::Recorder;

/// What was told of one cell so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    row: Row,
    /// Blocks that were told; the last one may have grown since.
    blocks: usize,
}

impl Recorder {
    /// For each task what was counted since the last call: no latencies but
    /// their number, and no blocks that may still grow.
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
    let whole = cell.blocks.len().saturating_sub(1);
    let blocks = cell.blocks.get(told.blocks..whole).unwrap_or_default().to_vec();
    told.blocks = told.blocks.max(whole);
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
