//! Caveats: facts that limit the numbers, one sentence each, the same in every report.

use super::answer_caveats;
use super::validity::lateness;
use crate::measure::{Acknowledgement, Row, Summary, TaskSummary, Tls};
use crate::units::show_duration;

/// From this share of stalled answers on, it is reported; fewer may be chance. A stalled
/// answer looks like a delayed acknowledgement.
const STALL_SHARE: f64 = 0.05;

/// The share of a row's good answers that look like a delayed acknowledgement, if it is
/// large enough to report.
pub fn stall_share(row: &Row) -> Option<f64> {
    let share = row.stalled as f64 / row.latency.count.max(1) as f64;
    (share >= STALL_SHARE).then_some(share)
}

/// The caveats of a summary, the most serious first.
pub fn caveats(summary: &Summary) -> Vec<String> {
    let all = [
        insecure(summary),
        answer_caveats::gap(summary),
        stalls(summary),
        acknowledgement(summary),
        arrivals(summary),
        answer_caveats::resent(summary),
        late(summary),
        cut(summary),
        warm_up(summary),
        ended_early(summary),
        went_on(summary),
        clipped(summary),
    ];
    let checks = answer_caveats::soft_checks(summary);
    let all = all.into_iter().flatten().chain(checks);
    all.chain(answer_caveats::unchecked(summary)).collect()
}

fn insecure(summary: &Summary) -> Option<String> {
    let anyone = summary.connects.tls == Tls::Insecure;
    anyone.then(|| "the server's certificate was not checked (load.insecure)".to_owned())
}

/// Reports delayed acknowledgements: if head and body are sent in separate segments, the
/// server waits for an acknowledgement (RFC 896), which the client delays by 40 ms (RFC
/// 1122, section 4.2.3.2).
fn stalls(summary: &Summary) -> Option<String> {
    stall_share(&summary.aggregate()).map(|share| {
        format!(
            "{:.0} % of the answers stalled for about 40 ms between the first and the last byte: \
             the server sends them in pieces and waits for a delayed acknowledgement; set \
             TCP_NODELAY there, or write head and body in one call",
            share * 100.0
        )
    })
}

fn acknowledgement(summary: &Summary) -> Option<String> {
    let text = match summary.connects.acknowledgement {
        Acknowledgement::AtOnce => return None,
        Acknowledgement::System => {
            "acknowledgements were left to the operating system (load.quick_ack = false)"
        }
        Acknowledgement::ConnectionClose => {
            "each request used a new connection: this system cannot acknowledge at once"
        }
    };
    (!summary.connects.address.is_empty()).then(|| text.to_owned())
}

fn arrivals(summary: &Summary) -> Option<String> {
    let arrivals = summary.arrivals.filter(|arrivals| arrivals.queued > 0)?;
    let unstarted = match arrivals.unstarted {
        0 => String::new(),
        n => format!("; {n} were never started"),
    };
    Some(format!(
        "{} of {} scheduled requests waited because all {} users were busy; their latency includes \
         the wait{unstarted}",
        arrivals.queued, arrivals.scheduled, summary.users_asked
    ))
}

fn late(summary: &Summary) -> Option<String> {
    let late = lateness(summary)?;
    let all: u64 = summary.tasks.iter().map(|task| task.judged().requests).sum();
    let affected = summary.generator.late_requests;
    (affected > 0).then(|| {
        format!("{late}; {affected} of {all} requests were due or under way within 1 s after it")
    })
}

fn cut(summary: &Summary) -> Option<String> {
    let cut: u64 = summary.tasks.iter().map(|task| task.judged().cut).sum();
    let requests = if cut == 1 { "1 request was" } else { &format!("{cut} requests were") };
    (cut > 0).then(|| {
        format!("{requests} unfinished when the grace period ended: not in any percentile")
    })
}

fn warm_up(summary: &Summary) -> Option<String> {
    let row = &summary.warm_up;
    (row.requests > 0).then(|| {
        let failed = row.failures;
        format!("warm-up: {} requests, {failed} failed; shown, not judged", row.requests)
    })
}

fn ended_early(summary: &Summary) -> Option<String> {
    let why = summary.ended_early.as_ref()?;
    let (measured, window) = (show_duration(summary.measured), show_duration(summary.window));
    Some(format!("the load ended after {measured} of {window}: {why}"))
}

fn went_on(summary: &Summary) -> Option<String> {
    let after: u64 = summary.tasks.iter().map(TaskSummary::requests_after).sum();
    let by_deck: u64 = summary.tasks.iter().map(|task| task.extra_mixed.requests).sum();
    (after > 0).then(|| {
        let how = match by_deck {
            0 => String::new(),
            n => format!(", {n} of them in the ordinary mix"),
        };
        format!(
            "{after} extra requests were made after the window, for tasks without a request and \
             for thresholds in doubt{how}: they count for thresholds, not for rates and charts"
        )
    })
}

/// Reports values beyond the histogram. This should never happen, because histograms reach
/// beyond every deadline.
fn clipped(summary: &Summary) -> Option<String> {
    let all = summary.aggregate();
    let clipped = all.latency.clipped + all.failed_latency.clipped;
    (clipped > 0).then(|| {
        let longest = show_duration(std::time::Duration::from_nanos(all.latency.max_ns));
        format!("{clipped} latencies were beyond the histogram's range; the longest took {longest}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{ArrivalCounts, Distribution, Row};

    fn stalled(stalled: u64) -> Summary {
        let latency = Distribution { count: 100, ..Distribution::default() };
        let window = Row { requests: 100, latency, stalled, ..Row::default() };
        let task = TaskSummary { window, ..TaskSummary::default() };
        Summary { tasks: vec![task], ..Summary::default() }
    }

    #[test]
    fn stalls_are_named_with_their_remedy_once_they_are_no_chance() {
        assert_eq!(caveats(&stalled(4)), Vec::<String>::new());
        let said = caveats(&stalled(60));
        assert!(said[0].starts_with("60 % of the answers stalled"), "{said:?}");
        assert!(said[0].contains("TCP_NODELAY"), "{said:?}");
    }

    #[test]
    fn what_was_not_measured_as_asked_is_said() {
        let mut summary = stalled(0);
        summary.tasks[0].window.cut = 1;
        summary.warm_up.requests = 7;
        summary.connects.tls = Tls::Insecure;
        summary.arrivals = Some(ArrivalCounts { scheduled: 100, queued: 9, unstarted: 2 });
        let said = caveats(&summary).join("\n");
        for part in ["not checked", "9 of 100", "2 were never started", "1 request was", "7 req"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
