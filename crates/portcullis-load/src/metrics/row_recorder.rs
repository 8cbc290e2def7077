//! The counts and latencies of one row of the results, by one worker. Its memory is
//! allocated once, before the load.

use std::time::Duration;

use portcullis_core::measure;
use portcullis_core::measure::{Block, Distribution, OverLimit, Row, add_status};

use super::clock;
use super::delta::Snapshot;
use super::exemplars::ExemplarRecorder;
use super::latencies::Latencies;
use super::sample::{GoodAnswer, Sample};

/// The counts of one row.
#[derive(Clone, Debug)]
pub struct RowRecorder {
    requests: u64,
    failures: u64,
    body_bytes: u64,
    good: Latencies,
    failed: Latencies,
    first_byte: Latencies,
    service: Latencies,
    beyond: Vec<OverLimit>,
    failed_beyond: Vec<OverLimit>,
    with_data: u64,
    stalled: u64,
    cut: u64,
    skipped: u64,
    /// The requests among `cut`.
    unfinished: Vec<Unfinished>,
    /// Good answers behind which bytes came later.
    late: Vec<GoodAnswer>,
    /// Counts by second.
    blocks: Vec<Block>,
    /// Its counts at the last call.
    snapshot: Snapshot,
    /// Kept answers and requests.
    pub exemplars: ExemplarRecorder,
    /// Counts by status, ascending. There are few, so only the first answer of each allocates.
    statuses: Vec<(u16, u64)>,
}

/// A request that was cut when the grace ended.
#[derive(Clone, Copy, Debug)]
struct Unfinished {
    /// Its time so far, from sending: in the open model its latency has the wait for a free
    /// user in it, which is not the service's.
    sent_for: Duration,
    /// Its latency so far.
    lasted: Duration,
    /// When it was cut, since the start of the run.
    ended: Duration,
}

/// A time between first and last byte in this range looks like a delayed acknowledgement:
/// Linux delays them by at least 40 ms (`TCP_DELACK_MIN`, include/net/tcp.h).
const STALL: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(35)..=Duration::from_millis(50);

impl RowRecorder {
    /// An empty row; `empty` is a histogram with the right bounds.
    pub fn new(empty: &Latencies, limits: usize) -> Self {
        Self {
            requests: 0,
            failures: 0,
            body_bytes: 0,
            good: empty.clone(),
            failed: empty.clone(),
            first_byte: empty.clone(),
            service: empty.clone(),
            beyond: vec![OverLimit::default(); limits],
            failed_beyond: vec![OverLimit::default(); limits],
            with_data: 0,
            stalled: 0,
            cut: 0,
            skipped: 0,
            unfinished: Vec::new(),
            late: Vec::new(),
            blocks: Vec::new(),
            snapshot: Snapshot::default(),
            exemplars: ExemplarRecorder::default(),
            statuses: Vec::new(),
        }
    }

    /// The block of a second; it is the last block or a later one.
    fn block(&mut self, second: u32) -> Option<&mut Block> {
        if self.blocks.last().is_none_or(|block| block.second != second) {
            let beyond = vec![OverLimit::default(); self.beyond.len()];
            self.blocks.push(Block { second, beyond, ..Block::default() });
        }
        self.blocks.last_mut()
    }

    /// Adds a request that ended at this time of the run.
    pub fn record(&mut self, sample: &Sample, ended: Duration, limits: &[Duration]) {
        let failed = sample.failure.is_some();
        let (latencies, beyond) = match failed {
            true => (&mut self.failed, &mut self.failed_beyond),
            false => (&mut self.good, &mut self.beyond),
        };
        latencies.record(sample.latency);
        for (limit, beyond) in limits.iter().zip(beyond) {
            note(beyond, sample.latency, *limit);
        }
        // Of a request that was cut, only a lower bound of its latency is known. Whether it is a
        // failure of the service is decided at the end (`fail_unfinished`).
        if sample.is_cut {
            self.cut += 1;
            let (sent_for, lasted) = (sample.service.unwrap_or(sample.latency), sample.latency);
            self.unfinished.push(Unfinished { sent_for, lasted, ended });
            return;
        }
        self.requests += 1;
        self.body_bytes += sample.body_bytes;
        self.failures += u64::from(failed);
        self.with_data += u64::from(sample.has_data);
        self.exemplars.note(sample, ended);
        if let Some(block) = self.block(clock::second(ended)) {
            block.requests += 1;
            block.failures += u32::from(failed);
            for (limit, beyond) in limits.iter().zip(&mut block.beyond) {
                note(beyond, sample.latency, *limit);
            }
        }
        if sample.status != 0 {
            add_status(&mut self.statuses, sample.status, 1);
        }
        if failed {
            self.exemplars.note_error(sample, ended);
        } else {
            sample.first_byte.into_iter().for_each(|after| self.first_byte.record(after));
            sample.service.into_iter().for_each(|took| self.service.record(took));
            self.stalled += u64::from(STALL.contains(&sample.tail));
        }
    }

    /// Counts a request that was not sent.
    pub fn skip(&mut self) {
        self.skipped += 1;
    }

    /// The longest time of a good answer, from sending.
    pub fn longest_good(&self) -> Option<Duration> {
        let times = if self.service.count() > 0 { &self.service } else { &self.good };
        (times.count() > 0).then(|| times.longest())
    }

    /// Counts the requests that were cut more than `floor` after sending as failed. Returns how
    /// long each had lasted, and when it was cut.
    pub fn fail_unfinished(
        &mut self,
        floor: Duration,
        limits: &[Duration],
    ) -> Vec<(Duration, Duration)> {
        let outlasted = |one: &mut Unfinished| one.sent_for > floor;
        let failed = self.unfinished.extract_if(.., outlasted);
        let failed: Vec<_> = failed.map(|one| (one.lasted, one.ended)).collect();
        for (lasted, ended) in &failed {
            // Their latencies were recorded when they were cut.
            self.cut -= 1;
            self.requests += 1;
            self.failures += 1;
            let second = clock::second(*ended);
            let mut beyond = vec![OverLimit::default(); limits.len()];
            for (limit, beyond) in limits.iter().zip(&mut beyond) {
                note(beyond, *lasted, *limit);
            }
            let block = Block { second, requests: 1, failures: 1, beyond };
            self.blocks = measure::merged(&self.blocks, &[block]);
        }
        failed
    }

    /// Notes that bytes came behind a good answer, which therefore failed.
    pub fn note_late(&mut self, answer: GoodAnswer) {
        self.late.push(answer);
    }

    /// Counts the answers behind which bytes came as failed. This is done at the end, because
    /// counts that were passed on only grow.
    pub fn fail_late(&mut self, limits: &[Duration]) {
        for answer in std::mem::take(&mut self.late) {
            self.failures += 1;
            self.good.remove(answer.latency);
            self.failed.record(answer.latency);
            let both = self.beyond.iter_mut().zip(&mut self.failed_beyond);
            for (limit, (good, failed)) in limits.iter().zip(both) {
                note(failed, answer.latency, *limit);
                good.above -= u64::from(answer.latency > *limit);
                good.at_or_above -= u64::from(answer.latency >= *limit);
            }
            self.with_data -= u64::from(answer.has_data);
            self.stalled -= u64::from(STALL.contains(&answer.tail));
            answer.first_byte.into_iter().for_each(|after| self.first_byte.remove(after));
            answer.service.into_iter().for_each(|took| self.service.remove(took));
            let second = clock::second(answer.ended);
            let block = self.blocks.iter_mut().find(|block| block.second == second);
            block.into_iter().for_each(|block| block.failures += 1);
        }
    }

    /// Adds the counts of another worker.
    pub fn absorb(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.body_bytes += other.body_bytes;
        self.good.absorb(&other.good);
        self.failed.absorb(&other.failed);
        self.first_byte.absorb(&other.first_byte);
        self.service.absorb(&other.service);
        self.with_data += other.with_data;
        self.stalled += other.stalled;
        self.cut += other.cut;
        self.skipped += other.skipped;
        self.unfinished.extend_from_slice(&other.unfinished);
        self.late.extend_from_slice(&other.late);
        for (status, answers) in &other.statuses {
            add_status(&mut self.statuses, *status, *answers);
        }
        for (mine, theirs) in
            [(&mut self.beyond, &other.beyond), (&mut self.failed_beyond, &other.failed_beyond)]
        {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.above += theirs.above;
                mine.at_or_above += theirs.at_or_above;
            }
        }
        self.exemplars.absorb(&other.exemplars);
        self.blocks = measure::merged(&self.blocks, &other.blocks);
    }

    /// The summed time of its requests, good and failed.
    pub fn busy(&self) -> Duration {
        self.good.sum() + self.failed.sum()
    }

    /// The counts since the last call.
    pub fn delta(&mut self) -> Row {
        let now = self.counts();
        self.snapshot.delta(now, &self.blocks)
    }

    /// The counts for rules on shares, with only the number of latencies.
    fn counts(&self) -> Row {
        let count = self.good.count();
        Row {
            requests: self.requests,
            failures: self.failures,
            latency: Distribution { count, ..Distribution::default() },
            beyond: self.beyond.clone(),
            failed_beyond: self.failed_beyond.clone(),
            with_data: self.with_data,
            statuses: self.statuses.clone(),
            ..Row::default()
        }
    }

    /// The row of a summary.
    pub fn row(&self) -> Row {
        Row {
            requests: self.requests,
            failures: self.failures,
            latency: self.good.distribution(),
            failed_latency: self.failed.distribution(),
            body_bytes: self.body_bytes,
            beyond: self.beyond.clone(),
            failed_beyond: self.failed_beyond.clone(),
            with_data: self.with_data,
            first_byte: self.first_byte.distribution(),
            service: self.service.distribution(),
            stalled: self.stalled,
            cut: self.cut,
            skipped: self.skipped,
            blocks: self.blocks.clone(),
            statuses: self.statuses.clone(),
        }
    }
}

fn note(beyond: &mut OverLimit, latency: Duration, limit: Duration) {
    beyond.above += u64::from(latency > limit);
    beyond.at_or_above += u64::from(latency >= limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_in_parts_is_what_was_counted_at_any_moment() {
        let limits = [Duration::from_millis(5)];
        let mut row = RowRecorder::new(&Latencies::new(Duration::from_secs(1)), limits.len());
        let mut known = Row::default();
        for n in 0..50_u64 {
            let sample = Sample { latency: Duration::from_millis(n % 10), ..Sample::default() };
            row.record(&sample, Duration::from_millis(n * 130), &limits);
            if n % 3 == 0 {
                known.add(&row.delta());
                assert_eq!(known.blocks, row.row().blocks, "after {n} requests");
                assert_eq!(known.beyond, row.row().beyond);
            }
        }
    }
}
