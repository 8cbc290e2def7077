//! What the fuzzer found worth keeping, replayed: every file of the corpus
//! goes through the same checks that the fuzz targets call.

#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[path = "../../../fuzz/checks/response.rs"]
mod response;

#[test]
fn the_corpus_of_response_holds() {
    replay::corpus("response", response::check);
}
