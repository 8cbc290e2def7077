//! What the fuzzer found worth keeping, replayed: every file of the corpora
//! goes through the same checks that the fuzz targets call.

#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[path = "../../../fuzz/checks/scenario.rs"]
mod scenario;
#[path = "../../../fuzz/checks/threshold.rs"]
mod threshold;

#[test]
fn the_corpus_of_scenario_holds() {
    replay::corpus("scenario", scenario::check);
}

#[test]
fn the_corpus_of_threshold_holds() {
    replay::corpus("threshold", threshold::check);
}
