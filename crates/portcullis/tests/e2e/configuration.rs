//! Bad input is refused before anything is started, all of it at once.

use crate::harness::Project;

fn untouched(project: &Project) {
    let artifacts = project.folder().join("project/.portcullis");
    assert!(!artifacts.exists(), "something was started");
}

#[test]
fn four_mistakes_are_reported_in_one_go() {
    let project = Project::quick()
        .with("spawn_rate = \"3/s\"", "spawn_rat = \"3/s\"")
        .with("duration = \"4s\"", "duration = \"30\"")
        .with("weight = 5", "weight = -1")
        .with("\"p95(detail) < 200ms per task\"", "\"p95(list_claim) < 200ms\"");
    let outcome = project.run(&[]);
    let parts = [
        "unknown key \"spawn_rat\" in [load]; did you mean \"spawn_rate\"?",
        "\"30\" has no unit",
        "weight = -1",
        "did you mean \"list_claims\"?",
        "4 problems; nothing was started",
    ];
    outcome.expect(2, &parts);
    untouched(&project);
}

#[test]
fn hosts_beyond_loopback_are_refused() {
    let project = Project::quick();
    let outcome = project.run(&["--host", "http://example.com"]);
    outcome.expect(2, &["--host: example.com is not this machine", "--allow-host"]);
    untouched(&project);
}

#[test]
fn a_run_that_is_over_before_its_users_run_is_refused() {
    let project = Project::quick();
    project.run(&["-u", "9", "-r", "1", "-t", "5s"]).expect(2, &["starting 9 users"]);
    untouched(&project);
}

#[test]
fn a_limit_that_no_request_is_ever_seen_beyond_is_refused() {
    let project = Project::quick();
    let outcome = project.run(&["--fail", "p95 < 31s"]);
    outcome.expect(2, &["p95 < 31s: requests time out after 30 s (load.request_timeout)"]);
    untouched(&project);
}

#[test]
fn usage_errors_are_exit_2_and_help_is_0() {
    let project = Project::quick();
    project.run(&["--no-such-flag"]).expect(2, &["--no-such-flag"]);
    project.run(&["-t", "30"]).expect(2, &["--run-time: load.duration = \"30\" has no unit"]);
    project.run(&["--config", "absent.toml"]).expect(2, &["absent.toml cannot be read"]);
    project.run(&["--profile", "labtop"]).expect(2, &["did you mean \"laptop\"?"]);
    let help = project.run(&["--help"]);
    help.expect(0, &["Exit codes:", "130"]);
    assert!(help.text.lines().count() <= 60, "--help does not fit a screen:\n{}", help.text);
}

#[test]
fn a_dry_run_prints_the_plan_and_starts_nothing() {
    let project = Project::quick();
    let outcome = project.run(&["--dry-run", "--seed", "7"]);
    let parts = [
        "manage.py migrate --noinput (within 10 m 00 s)",
        "seed 7",
        "task           list_claims × 5: GET /api/v1/claims/",
        "fail           unless the p95 latency of all requests is at most 500 ms",
    ];
    outcome.expect(0, &parts);
    untouched(&project);
}

#[test]
fn rules_of_the_command_line_are_added_and_told_in_words() {
    let project = Project::quick();
    let flags = ["--dry-run", "--fail", "p95(\"/api/v1/claims/\") < 2s abort after 10s", "--warn"];
    let parts = [
        "fail           unless the p95 latency of all requests is at most 500 ms",
        "fail           unless the p95 latency of all requests to /api/v1/claims/ is below 2000 \
         ms; ends the run early once it is surely violated, not in the first 10.0 s",
        "warn           unless the number of answers with status 429 of all requests is at most 0",
    ];
    project.run(&[&flags[..], &["status(429) <= 0"]].concat()).expect(0, &parts);
    let parts = [
        "--fail: threshold \"p95(list_claim) < 1s\", column 5: unknown task or group",
        "did you mean \"list_claims\"?",
        "--warn: duplicate rule \"p95 <= 500ms\"",
    ];
    let flags = ["--fail", "p95(list_claim) < 1s", "--warn", "p95 <= 500ms"];
    project.run(&flags).expect(2, &parts);
    untouched(&project);
}

#[test]
fn a_plan_that_cannot_call_every_task_is_warned_of() {
    let project = Project::quick();
    let flags = ["--dry-run", "-u", "1", "-r", "1", "-t", "1s"];
    project.run(&flags).expect(0, &["warning", "but 29 are needed to call every task"]);
}

#[test]
fn a_foreign_folder_is_not_taken_over() {
    let project = Project::quick();
    let mine = project.folder().join("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("thesis.txt"), "mine").unwrap();
    let out = mine.to_str().unwrap();
    project.run(&["--out", out]).expect(2, &["not empty and was not made by Portcullis"]);
    assert_eq!(std::fs::read_to_string(mine.join("thesis.txt")).unwrap(), "mine");
    project.run(&["--out", "/proc/nowhere"]).expect(2, &["cannot be written to"]);
}

#[test]
fn a_refused_run_leaves_no_older_verdict_to_be_uploaded() {
    let project = Project::quick();
    project.run(&["-t", "2s"]).expect(0, &[]);
    let refused = project.run(&["--profile", "absent"]);
    assert_eq!(refused.code, Some(2));
    assert!(!refused.has("perf_results.json") && !refused.has("perf_results_stats.csv"));
}

#[test]
fn a_server_on_every_address_is_refused() {
    let project = Project::quick().with("127.0.0.1:{port}", "0.0.0.0:{port}");
    project.run(&[]).expect(4, &["listens on all addresses"]);
}

#[test]
fn an_engine_that_cannot_be_replaced_is_refused() {
    let url = "DEBUG = \"True\", DATABASE_URL = \"mysql://u:p@127.0.0.1:1/x\"";
    let project = Project::quick().with("DEBUG = \"True\"", url);
    let outcome = project.run(&[]);
    outcome.expect(2, &["only SQLite and PostgreSQL databases", "mysql", "REFUSED:"]);
}

#[test]
fn another_engine_than_the_configured_one_is_refused() {
    let url = "DEBUG = \"True\", DATABASE_URL = \"postgres://u:p@127.0.0.1:1/x\"";
    let project = Project::quick().with("DEBUG = \"True\"", url);
    let parts = ["the settings use PostgreSQL (database default)", "django.database = \"sqlite\""];
    project.run(&[]).expect(2, &parts);
    let project = Project::quick().with("database = \"sqlite\"", "database = \"postgresql\"");
    let parts = ["the settings use no PostgreSQL", "django.database = \"postgresql\""];
    project.run(&["--fresh"]).expect(2, &parts);
}

#[test]
fn a_missing_seed_file_is_refused_before_the_start() {
    let project = Project::quick().with("seed_user_a.py", "seed_user_z.py");
    project.run(&[]).expect(2, &["django.seed does not exist", "seed_user_z.py"]);
    untouched(&project);
}
