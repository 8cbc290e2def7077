//! A row: counts and latencies of some requests. Rows can be added.

use super::Distribution;

/// Counts and latencies of some requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Requests, good and failed.
    pub requests: u64,
    /// Failed requests.
    pub failures: u64,
    /// Latencies of good answers, to the last byte.
    pub latency: Distribution,
    /// Latencies of failed requests, and the times so far of cut ones. They are separate
    /// because a fast failure must not improve a percentile.
    pub failed_latency: Distribution,
    /// Unpacked bytes of all bodies.
    pub body_bytes: u64,
    /// For each limit of the summary: good answers beyond it.
    pub beyond: Vec<OverLimit>,
    /// For each limit of the summary: failed requests beyond it. Rules on latencies count them,
    /// because a user waited that long.
    pub failed_beyond: Vec<OverLimit>,
    /// Good answers with a status from 200 to 299.
    pub with_data: u64,
    /// From sending to the first byte of a good answer.
    pub first_byte: Distribution,
    /// In the open model, where `latency` counts from the intended start: from sending to the
    /// last byte of a good answer.
    pub service: Distribution,
    /// Good answers whose last byte came 35 to 50 ms after their first, which looks like a
    /// delayed acknowledgement.
    pub stalled: u64,
    /// Requests still under way when the grace after the load ended; they are in no percentile
    /// and no other count.
    pub cut: u64,
    /// Requests that were not sent, because an earlier step failed or did not give a value that
    /// they need. They are in no other count.
    pub skipped: u64,
    /// Answers by status, good and failed; ascending.
    pub statuses: Vec<(u16, u64)>,
    /// The same requests by the second of their end, ascending; seconds without requests are
    /// left out. Used for the design effect; not shown in reports.
    pub blocks: Vec<Block>,
}

/// The requests that ended in one second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The second, counted from the start of the run.
    pub second: u32,
    /// Requests, good and failed.
    pub requests: u32,
    /// Failed requests.
    pub failures: u32,
    /// For each limit of the summary: requests beyond it.
    pub beyond: Vec<OverLimit>,
}

/// Exact counts for one latency limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverLimit {
    /// Latencies above the limit.
    pub above: u64,
    /// Latencies at the limit or above it.
    pub at_or_above: u64,
}

fn add_beyond(mine: &mut Vec<OverLimit>, theirs: &[OverLimit]) {
    mine.resize(mine.len().max(theirs.len()), OverLimit::default());
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        mine.above += theirs.above;
        mine.at_or_above += theirs.at_or_above;
    }
}

/// The blocks of both rows, by second.
pub fn merged(a: &[Block], b: &[Block]) -> Vec<Block> {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() { b.to_vec() } else { a.to_vec() };
    }
    let mut all: Vec<Block> = a.iter().chain(b).cloned().collect();
    all.sort_by_key(|block| block.second);
    all.dedup_by(|next, kept| {
        let is_same = next.second == kept.second;
        if is_same {
            kept.requests += next.requests;
            kept.failures += next.failures;
            add_beyond(&mut kept.beyond, &next.beyond);
        }
        is_same
    });
    all
}

/// Adds blocks to blocks. Most added blocks are later than the present ones, so blocks are
/// moved only where both overlap.
fn add_blocks(mine: &mut Vec<Block>, theirs: &[Block]) {
    let Some(first) = theirs.first() else { return };
    let overlap = mine.partition_point(|block| block.second < first.second);
    let tail = mine.split_off(overlap);
    mine.extend(merged(&tail, theirs));
}

/// Adds answers with a status to the counts by status, which stay ascending.
pub fn add_status(counts: &mut Vec<(u16, u64)>, status: u16, answers: u64) {
    match counts.binary_search_by_key(&status, |(known, _)| *known) {
        Ok(index) => counts.get_mut(index).into_iter().for_each(|count| count.1 += answers),
        Err(index) => counts.insert(index, (status, answers)),
    }
}

impl Row {
    /// Adds the requests of another row with the same limits.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.latency.add(&other.latency);
        self.failed_latency.add(&other.failed_latency);
        self.body_bytes += other.body_bytes;
        self.with_data += other.with_data;
        self.first_byte.add(&other.first_byte);
        self.service.add(&other.service);
        self.stalled += other.stalled;
        self.cut += other.cut;
        self.skipped += other.skipped;
        add_beyond(&mut self.beyond, &other.beyond);
        add_beyond(&mut self.failed_beyond, &other.failed_beyond);
        add_blocks(&mut self.blocks, &other.blocks);
        for (status, answers) in &other.statuses {
            add_status(&mut self.statuses, *status, *answers);
        }
    }

    /// Answers with a status, good and failed.
    pub fn answers_with(&self, status: u16) -> u64 {
        let counts = self.statuses.iter().filter(|(known, _)| *known == status);
        counts.map(|(_, answers)| answers).sum()
    }

    /// The share of failed requests; `None` without requests.
    pub fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.failures as f64 / self.requests as f64)
    }

    /// Mean size of a body in bytes; 0 without requests.
    pub fn mean_body_bytes(&self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.body_bytes as f64 / self.requests as f64 }
    }
}
