//! Reading Locust's files: the real ones whole, every truncation of them
//! refused, and each thing that is wrong told with its place.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::print_stderr, reason = "tests say what they skip")]

use std::path::{Path, PathBuf};

use portcullis_core::check::FailedLatencies;
use portcullis_report::read::{Existing, LocustStats, ReadError, read, read_stats};
use proptest::prelude::*;

fn reference() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    let is_there = path.is_dir();
    if !is_there {
        eprintln!("skipped: the reference files are not beside this checkout");
    }
    is_there.then_some(path)
}

fn locust(path: &Path) -> Result<LocustStats, ReadError> {
    match read(path)? {
        Existing::Locust(stats) => Ok(*stats),
        Existing::Ours(_) => panic!("{} is taken for ours", path.display()),
    }
}

/// Ten requests of two URLs, one of them failed.
const SOUND: &str = "\
Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,\
50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%\r\n\
GET,/a/,6,1,20,25.5,10.25,60.5,100.0,0.6,0.1,20,25,30,30,60,60,60,60,60,60,60\r\n\
GET,\"/b/?x=1,2\",4,0,20,25.0,20.0,30.125,100.0,0.4,0.0,30,30,30,30,30,30,30,30,30,30,30\r\n\
,Aggregated,10,1,20,25.3,10.25,60.5,100.0,1.0,0.1,20,30,30,30,60,60,60,60,60,60,60\r\n";

#[test]
fn the_reference_files_are_read_whole() {
    let Some(reference) = reference() else { return };
    let check = |path: &str, rows: usize, requests: u64, failures: u64, beside: (bool, bool)| {
        let stats = locust(&reference.join(path)).unwrap();
        let all = &stats.stated.aggregate;
        let found = (stats.stated.rows.len(), all.requests, all.failures);
        assert_eq!(found, (rows, requests, failures), "{path}");
        let companions = &stats.companions;
        let has = (companions.has_failures, companions.history.is_some());
        assert_eq!(has, beside, "{path}");
    };
    check("locust-csv/2.20/perf_results_stats.csv", 24, 53, 21, (true, true));
    check("locust-csv/2.47/perf_results_stats.csv", 20, 30, 0, (true, true));
    check("old-job/no-server/perf_results_stats.csv", 0, 0, 0, (true, false));
    check("aa-runs/run1-stats.csv", 28, 69, 0, (false, false));
    let stats = locust(&reference.join("locust-csv/2.47/perf_results_stats.csv")).unwrap();
    let exceptions = stats.companions.exceptions.unwrap();
    assert_eq!(exceptions.count, 3);
    assert!(exceptions.first.starts_with("Tried to set status on a request"), "{exceptions:?}");
    let history = stats.companions.history.unwrap().unwrap();
    assert_eq!((history.requests, history.most_users), (30, 5));
}

#[test]
fn every_truncation_is_refused() {
    for cut in 0..SOUND.len() {
        let error = read_stats(&SOUND.as_bytes()[..cut]).unwrap_err();
        assert!(!error.is_foreign(), "cut at {cut}: {error}");
    }
}

#[test]
fn every_truncation_of_a_reference_file_is_refused() {
    let Some(reference) = reference() else { return };
    for name in ["locust-csv/2.20", "locust-csv/2.47", "old-job/no-server"] {
        let whole = std::fs::read(reference.join(name).join("perf_results_stats.csv")).unwrap();
        assert!(read_stats(&whole).is_ok());
        for cut in 0..whole.len() {
            let error = read_stats(&whole[..cut]).unwrap_err();
            assert!(!error.is_foreign(), "{name} cut at {cut}: {error}");
        }
    }
}

#[test]
fn every_truncation_of_the_companions_is_refused_or_a_remark() {
    let Some(reference) = reference() else { return };
    let beside = reference.join("locust-csv/2.20");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x_stats.csv");
    std::fs::copy(beside.join("perf_results_stats.csv"), &path).unwrap();
    let check = |name: &str, step: usize, is_refused: bool| {
        let whole = std::fs::read(beside.join(format!("perf_results_{name}.csv"))).unwrap();
        let copy = folder.path().join(format!("x_{name}.csv"));
        for cut in (0..whole.len()).step_by(step) {
            std::fs::write(&copy, &whole[..cut]).unwrap();
            match locust(&path) {
                Err(error) => assert!(is_refused && !error.is_foreign(), "{name} {cut}: {error}"),
                Ok(stats) => {
                    // Whole lines are a table: of the history nothing is believed.
                    let is_told = stats.companions.history.is_some_and(|read| read.is_err());
                    let is_told = is_told || whole[..cut].ends_with(b"\r\n");
                    assert!(!is_refused && is_told, "{name} {cut}");
                }
            }
        }
        std::fs::write(&copy, whole).unwrap();
        assert!(locust(&path).is_ok(), "{name}");
    };
    check("failures", 1, true);
    check("exceptions", 1, true);
    check("stats_history", 17, false);
}

fn refused(from: &str, to: &str) -> String {
    assert!(SOUND.contains(from), "{from}");
    let changed = SOUND.replacen(from, to, 1);
    format!("{}", read_stats(changed.as_bytes()).unwrap_err())
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    assert!(read_stats(SOUND.as_bytes()).is_ok());
    assert_eq!(read_stats(SOUND.as_bytes()).unwrap().stated.rows[1].name, "/b/?x=1,2");
    let check = |from: &str, to: &str, expected: &str| assert_eq!(refused(from, to), expected);
    check(
        "Request Count",
        "# requests",
        "is not a known results file: line 1, column 3 is \"# requests\", where a statistics \
         file of Locust has \"Request Count\"",
    );
    check(
        ",100%\r\n",
        "\r\n",
        "is not a known results file: line 1, column 22 is nothing, where a statistics file of \
         Locust has \"100%\"",
    );
    check("/a/,6,", "/a/,-6,", "line 2, column \"Request Count\": \"-6\" is not a count");
    check("/a/,6,", "/a/,6.0,", "line 2, column \"Request Count\": \"6.0\" is not a count");
    check("/a/,6,1", "/a/,6,7", "line 2, column \"Failure Count\": 7 of 6 requests failed");
    check(
        "/a/,6,",
        "/a/,99999999999999,",
        "line 2, column \"Request Count\": 99999999999999 is more than any run can count",
    );
    check(
        "25.5",
        "NaN",
        "line 2, column \"Average Response Time\": \"NaN\" is not a number of at least 0",
    );
    check(
        "25.5",
        "inf",
        "line 2, column \"Average Response Time\": \"inf\" is not a number of at least 0",
    );
    check(
        "20,25.5",
        "-0,25.5",
        "line 2, column \"Median Response Time\": \"-0\" is not a number of at least 0",
    );
    check("0.6", "", "line 2, column \"Requests/s\": \"\" is not a number of at least 0");
    check(
        "25.5",
        "61.5",
        "line 2, column \"Average Response Time\": 61.5 is not between the minimum, 10.25, and \
         the maximum, 60.5",
    );
    check(
        "20,25,30,30,60,60",
        "20,25,30,N/A,60,60",
        "line 2, column \"80%\": \"N/A\" is not a number of at least 0",
    );
    check(
        "20,25,30,30,60,60",
        "20,25,30,29,60,60",
        "line 2, column \"80%\": 29 is below the previous percentile",
    );
    check(
        "60,60,60,60\r\nGET,\"",
        "60,60,60,59\r\nGET,\"",
        "line 2, column \"100%\": 59 is below the previous percentile",
    );
    check(
        "/b/?x=1,2\",4",
        "/b/?x=1,2\",3",
        "contradicts itself: its rows have 9 requests, but its Aggregated row has 10",
    );
    check(
        "gated,10,1",
        "gated,10,0",
        "contradicts itself: its rows have 1 failures, but its Aggregated row has 0",
    );
    check(
        "10.25,60.5,100.0,1.0",
        "10.25,60.4,100.0,1.0",
        "contradicts itself: the maximum of its rows is 60.5 ms, but that of its Aggregated row \
         is 60.4 ms",
    );
    check("GET,\"/b/?x=1,2\"", "GET,/a/", "line 3, column \"Name\": duplicate row \"/a/\"");
    check(",Aggregated", "GET,Aggregated", "is truncated: it has no Aggregated row");
    check("GET,/a/", ",Aggregated", "line 3, column \"Name\": a row after the Aggregated row");
    check("0.6,0.1,", "0.6,", "contradicts itself: line 2 has 21 columns, but the header has 22");
    check(
        "30\r\n,Agg",
        "30,1\r\n,Agg",
        "contradicts itself: line 3 has 23 columns, but the header has 22",
    );
}

#[test]
fn rows_of_na_are_rows_without_good_answers() {
    let na = ["N/A"; 11].join(",");
    let percentiles = "20,25,30,30,60,60,60,60,60,60,60";
    let error = refused(percentiles, &na);
    assert_eq!(error, "line 2, column \"50%\": N/A although there were good answers");
    let empty = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
                 Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,";
    let header = SOUND.lines().next().unwrap();
    assert!(header.starts_with(empty));
    let none = format!("{header}\r\n,Aggregated,0,0,0,0.0,0,0,0,0.0,0.0,{na}\r\n");
    assert_eq!(read_stats(none.as_bytes()).unwrap().stated.aggregate.latency, None);
    let odd = none.replace(&na, &["0"; 11].join(","));
    let error = read_stats(odd.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "line 2, column \"Request Count\": 0 although there are latencies");
}

#[test]
fn other_files_are_foreign_and_cut_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let check = |bytes: &[u8], is_foreign: bool, part: &str| {
        let path = folder.path().join("x_stats.csv");
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.is_foreign(), is_foreign, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    check(b"", false, "is empty");
    check(b"\r\n", false, "is empty");
    check(b"Type,Na", false, "is truncated: the header has no line end");
    check(b"Timestamp,User Count\r\n", true, "column 1 is \"Timestamp\"");
    check(b"hello", true, "column 1 is \"hello\"");
    check(b"\x7fELF\x00\xff\xfe\n", true, "line 1, column 1");
    let latin: Vec<u8> = SOUND.bytes().map(|byte| if byte == b'?' { 0xe9 } else { byte }).collect();
    check(&latin, true, "line 3 is not UTF-8");
    assert!(read_stats(SOUND.replace("/a/", "/é/").as_bytes()).is_ok());
    let missing = read(&folder.path().join("absent_stats.csv")).unwrap_err();
    assert!(missing.is_foreign() && missing.to_string().starts_with("cannot be read: "));
    assert!(read(folder.path()).unwrap_err().is_foreign());
}

#[test]
fn companions_must_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x_stats.csv");
    std::fs::write(&path, SOUND).unwrap();
    let known = |stats: LocustStats| stats.stated.failed_latencies;
    assert_eq!(known(locust(&path).unwrap()), FailedLatencies::Unknown);
    let failures = |rows: &str| {
        let text = format!("Method,Name,Error,Occurrences\r\n{rows}");
        std::fs::write(folder.path().join("x_failures.csv"), text).unwrap();
        locust(&path).map(known).map_err(|error| error.to_string())
    };
    assert_eq!(failures("GET,/a/,HTTPError(),1\r\n"), Ok(FailedLatencies::Included));
    let said = |rows: &str| failures(rows).unwrap_err();
    let before = "has an invalid companion file: x_failures.csv contradicts itself: ";
    assert_eq!(
        said(""),
        format!("{before}it has 0 failures of GET /a/, but the statistics have 1")
    );
    let two = said("GET,/a/,HTTPError(),1\r\nGET,/a/,Other(),1\r\n");
    assert_eq!(two, format!("{before}it has 2 failures of GET /a/, but the statistics have 1"));
    let stray = said("GET,/a/,HTTPError(),1\r\nPOST,/c/,HTTPError(),2\r\n");
    let words = "it has 2 failures of POST /c/, which is not in the statistics";
    assert_eq!(stray, format!("{before}{words}"));
    let cell = said("GET,/a/,HTTPError(),one\r\n");
    assert!(cell.ends_with("line 2, column \"Occurrences\": \"one\" is not a count"), "{cell}");
}

/// Error messages of Windows, in its code page.
#[test]
fn messages_of_a_code_page_judge_as_those_in_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x_stats.csv");
    let marked = [b"\xef\xbb\xbf".as_slice(), SOUND.as_bytes()].concat();
    std::fs::write(&path, marked).unwrap();
    let failures = b"Method,Name,Error,Occurrences\r\nGET,/a/,\"gesperrt, \xfcber\",1\r\n";
    std::fs::write(folder.path().join("x_failures.csv"), failures).unwrap();
    let traceback = b"Count,Message,Traceback,Nodes\r\n3,Schl\xfcssel,\"x\n  y\",local\r\n";
    std::fs::write(folder.path().join("x_exceptions.csv"), traceback).unwrap();
    let found = locust(&path).unwrap().companions;
    let exceptions = found.exceptions.unwrap();
    assert!(found.has_failures);
    assert_eq!((exceptions.count, exceptions.first.as_str()), (3, "Schl\u{fc}ssel"));
    let two = b"Method,Name,Error,Occurrences\r\nGET,/a/,\"\xfc\",2\r\n";
    std::fs::write(folder.path().join("x_failures.csv"), two).unwrap();
    let error = locust(&path).unwrap_err().to_string();
    assert!(error.contains("it has 2 failures of GET /a/"), "{error}");
}

#[test]
fn a_table_of_ours_is_known_by_what_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let beside = |name: &str| folder.path().join(name);
    let path = beside("perf_results_stats.csv");
    std::fs::write(&path, SOUND).unwrap();
    assert!(locust(&path).is_ok());
    std::fs::write(beside("perf_results.json"), "{\n  \"tool\": \"portcullis\",\n").unwrap();
    assert!(matches!(locust(&path), Err(ReadError::OwnTable)));
    std::fs::remove_file(beside("perf_results.json")).unwrap();
    let failures = "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n\
                    GET,/a/,timeout: no answer,1,2026-11-24T17:52:37.546Z,2026-11-24T17:52:37.546Z\r\n";
    std::fs::write(beside("perf_results_failures.csv"), failures).unwrap();
    assert!(matches!(locust(&path), Err(ReadError::OwnTable)));
}

proptest! {
    #[test]
    fn no_change_of_bytes_makes_it_panic(at in 0usize..SOUND.len(), byte in any::<u8>()) {
        let mut bytes = SOUND.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = read_stats(&bytes);
    }

    #[test]
    fn no_text_makes_it_panic(rows in "([a-z,\"\r\n0-9./N]|Aggregated|GET){0,80}") {
        let header = SOUND.lines().next().unwrap();
        let _ = read_stats(format!("{header}\r\n{rows}\r\n").as_bytes());
    }
}
