//! The counts of a recorder since the last call: enough to evaluate rules, and cheap to
//! pass on, because latencies are not included.

use portcullis_core::measure::{Block, Distribution, OverLimit, Row};

/// A row as it was at the last call.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    row: Row,
    /// The number of blocks it had.
    blocks: usize,
    /// Its last block, which may have grown since.
    last: Block,
}

impl Snapshot {
    /// The difference between `now` and the snapshot; `now` becomes the new snapshot. `all` are
    /// all blocks so far.
    pub fn delta(&mut self, now: Row, all: &[Block]) -> Row {
        let before = std::mem::replace(&mut self.row, now.clone());
        let first = self.blocks.saturating_sub(1);
        let mut blocks = all.get(first..).unwrap_or_default().to_vec();
        if let Some(grown) = blocks.first_mut().filter(|_| self.blocks > 0) {
            grown.requests -= self.last.requests;
            grown.failures -= self.last.failures;
            grown.beyond = less(&grown.beyond, &self.last.beyond);
        }
        self.blocks = all.len();
        self.last = all.last().cloned().unwrap_or_default();
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
}

fn less(now: &[OverLimit], before: &[OverLimit]) -> Vec<OverLimit> {
    let known = |index: usize| before.get(index).copied().unwrap_or_default();
    let less = |(index, now): (usize, &OverLimit)| OverLimit {
        above: now.above - known(index).above,
        at_or_above: now.at_or_above - known(index).at_or_above,
    };
    now.iter().enumerate().map(less).collect()
}
