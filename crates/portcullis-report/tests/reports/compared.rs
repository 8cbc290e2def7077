//! Runs that were compared with a base.

use std::time::Duration;

use portcullis_core::compare::{
    Comparison, Decision, Effect, ErrorRise, Pair, Side, Sides, TaskComparison,
};
use portcullis_core::judge::Finding;
use portcullis_report::RunRecord;

use crate::runs::Recipe;

/// A run that was compared with a base: one task slower, one undecided, one not
/// compared.
pub fn compared(text: &str) -> RunRecord {
    let effect = |median: f64, width: f64| Effect {
        pairs: 214,
        median,
        mean: median,
        low: median / width,
        high: median * width,
        at_most: median * width * 0.99,
    };
    let task = |name: &str, decision, effect: Option<Effect>| TaskComparison {
        name: format!("{name}{text}"),
        pairs: 214,
        decision,
        decided_after: None,
        p50_ms: Sides { base: Some(9.1), candidate: effect.map(|effect| 9.1 * effect.median) },
        p95_ms: Sides { base: Some(14.0), candidate: None },
        tail: ErrorRise::default(),
        cpu: effect.map(|effect| Effect { median: 1.01, ..effect }),
        rise: ErrorRise::default(),
        failures: Sides { base: if effect.is_none() { 214 } else { 0 }, candidate: 0 },
        base_lacks: effect.is_none().then_some(404),
        effect,
    };
    let comparison = Comparison {
        asked: format!("merge-base{text}"),
        commit: format!("77de41c05ab1{text}"),
        took: Duration::from_secs(41),
        limit: Duration::from_secs(120),
        unplaced: Some(format!("no permission{text}")),
        overrides: vec![format!("A.b = 1{text}")],
        tasks: vec![
            task("list_claims", Decision::Slower, Some(effect(1.34, 1.08))),
            task("get_dashboard", Decision::NotSlower, Some(effect(1.004, 1.03))),
            task("list_reports", Decision::Undecided, Some(effect(1.05, 1.12))),
            task("list_new_things", Decision::Undecided, None),
        ],
        pairs: (0..600).map(pair).collect(),
        names: vec![format!("list_claims{text}"), "get_dashboard".to_owned()],
        base_load: Some(format!("the base got the same load: 812 requests{text}")),
        loosened: vec![format!("thresholds.fail: p95 < 500ms → p95 < 800ms{text}")],
        ..Comparison::default()
    };
    RunRecord { comparison: Some(comparison), ..Recipe::sound().run() }
}

/// The same as the comparison decides it.
pub fn slower() -> RunRecord {
    let findings = vec![Finding::violated("list_claims is slower by +34 %".to_owned())];
    RunRecord { findings, exit_code: 1, ..compared("") }
}

/// Every other pair is of the slower task.
fn pair(index: u64) -> Pair {
    let ms = |ms: f64| Some(Duration::from_secs_f64(ms / 1e3));
    let candidate = if index.is_multiple_of(2) { 12.2 } else { 9.1 };
    Pair {
        task: (index % 2) as usize,
        at: Duration::from_millis(index * 68),
        first: if index.is_multiple_of(3) { Side::Base } else { Side::Candidate },
        latency: Sides { base: ms(9.1), candidate: ms(candidate) },
        cpu: Sides::default(),
    }
}
