//! Whatever is wrong with the service: the right exit code, and a sentence
//! that names it.

use crate::harness::Project;

#[test]
fn a_slow_list_endpoint_is_red_and_named() {
    let outcome = Project::quick().run_with_faults("claims.payer_summary=delay:700ms", &[]);
    outcome.expect(1, &["violated: p95(get_payer_summary) = ", "limit < 500 ms", "FAILED:"]);
    assert!(!outcome.text.contains("violated: p95(list_reports)"), "{}", outcome.text);
}

#[test]
fn a_rare_slow_endpoint_does_not_hide_in_the_aggregate() {
    let outcome = Project::quick().run_with_faults("reports=delay:3s", &[]);
    outcome.expect(1, &["violated: p95(list_reports) = ", "FAILED:"]);
}

#[test]
fn one_error_in_ten_is_red() {
    let flags = ["-u", "5", "-r", "5", "-t", "8s"];
    let outcome = Project::quick().run_with_faults("*=status:500@0.1", &flags);
    outcome.expect(1, &["violated: error_rate = ", "limit <= 5.00 %"]);
    assert!(outcome.artifact("perf_results_failures.csv").contains("status: status 500"));
}

#[test]
fn a_refused_login_is_no_measurement() {
    let outcome = Project::quick().run_with_faults("login=status:401", &[]);
    outcome.expect(5, &["the login of user 1 failed: status 401", "INVALID:"]);
}

#[test]
fn a_sixth_login_is_throttled_and_said() {
    let outcome = Project::quick().run(&["-u", "6", "-r", "6"]);
    let parts =
        ["the login of user ", "429 throttled", "retry after", "scenario.login.shared = true"];
    outcome.expect(5, &parts);
}

#[test]
fn a_server_that_is_never_healthy_is_not_measured() {
    let project = Project::quick().with("ready_timeout = \"60s\"", "ready_timeout = \"4s\"");
    let outcome = project.run_with_faults("health=503", &[]);
    outcome.expect(4, &["not ready within 4 s; /health/: status 503", "logs/server.log"]);
    assert!(!outcome.has("perf_results_stats.csv"));
    assert_eq!(outcome.results()["exit_code"], 4);
}

#[test]
fn a_server_that_becomes_healthy_late_is_measured() {
    let outcome = Project::quick().run_with_faults("health=503:4s", &["-t", "2s"]);
    outcome.expect(0, &["/health/ is healthy, verified as our process"]);
}

#[test]
fn a_server_that_ends_at_its_start_is_shown_with_its_words() {
    let outcome = Project::quick().run_with_faults("start=exit:3", &[]);
    outcome.expect(4, &["the server ended before it was ready: exit status: 3", "    | "]);
    assert!(outcome.artifact("logs/server.log").contains("exit"));
}

#[test]
fn a_server_that_dies_in_mid_run_is_never_judged_green() {
    let outcome = Project::quick().run_with_faults("start=exit:3:6s", &["-t", "40s"]);
    outcome.expect(4, &["the server died during the load: exit status: 3", "ERROR:"]);
    assert!(outcome.artifact("perf_results_stats.csv").contains("Aggregated"));
}

#[test]
fn a_task_that_the_service_does_not_have_ends_the_run_by_its_line() {
    let project =
        Project::quick().with("path = \"/api/v1/reports/\"", "path = \"/api/v1/report/\"");
    let outcome = project.run(&["-t", "40s"]);
    outcome.expect(5, &["list_reports: 404 at GET /api/v1/report/?page_size=25, perf.toml:"]);
    assert!(!outcome.text.contains("load 1/"), "{}", outcome.text);
    // Another method is a mistake of the same kind.
    let post = "path = \"/api/v1/reports/\"\nmethod = \"DELETE\"";
    let project = Project::quick().with("path = \"/api/v1/reports/\"", post);
    project.run(&["-t", "40s"]).expect(5, &["list_reports: 405 at DELETE /api/v1/reports/"]);
    // What the task accepts is an answer.
    let gone = "path = \"/api/v1/report/\"\naccept = [404]";
    let text = std::fs::read_to_string(crate::harness::root().join("perf.toml")).unwrap();
    let task = &text[text.find("path = \"/api/v1/reports/\"").unwrap()..];
    let check = task.find("check = ").unwrap();
    let task = &task[..check + task[check..].find('\n').unwrap()];
    Project::quick().with(task, gone).run(&["-t", "2s"]).expect(0, &["PASSED"]);
}

#[test]
fn a_server_error_in_the_first_round_is_judged_and_named() {
    let rule = ["--fail", "error_rate(list_reports) <= 1%"];
    let outcome = Project::quick().run_with_faults("reports=status:500", &rule);
    let named = "first round: list_reports: GET /api/v1/reports/";
    outcome.expect(1, &[named, "violated: error_rate(list_reports) = 100.00 %"]);
}

#[test]
fn tables_without_rows_are_no_measurement() {
    let project = Project::quick();
    let outcome = project.run_with_faults("seed=only_user", &[]);
    let parts =
        ["list_claims has no data", "list_uploads has no data", "GET /api/v1/claims/", "0 items"];
    outcome.expect(5, &parts);
    // What a fault made is no template for the next run.
    project.run(&["-t", "2s"]).expect(0, &[]);
}

#[test]
fn a_seed_that_makes_nothing_is_found_out() {
    let project = Project::quick();
    let outcome = project.run_with_faults("seed=nothing", &[]);
    outcome.expect(3, &["no user with username = \"user_a\"", "main guard"]);
}

#[test]
fn a_failing_migration_stops_the_run() {
    let project = Project::quick();
    let outcome = project.run_with_faults("migrate=raise", &[]);
    outcome.expect(3, &["the migrations: ", "logs/migrate.log", "ERROR:"]);
    assert!(outcome.artifact("logs/migrate.log").contains("Traceback"));
}

#[test]
fn a_seed_that_raises_half_way_leaves_nothing_behind() {
    let project = Project::quick();
    project.run_with_faults("seed=raise@half", &[]).expect(3, &["the seed: ", "logs/seed.log"]);
    project.run_with_faults("seed=raise@half", &[]).expect(3, &["the seed: "]);
    project.run(&["-t", "2s"]).expect(0, &[]);
}

#[test]
fn connections_closed_without_an_answer_are_failures() {
    let outcome = Project::quick().run_with_faults("dashboard=close", &["-t", "6s"]);
    outcome.expect(1, &["violated: error_rate = "]);
    assert!(outcome.artifact("perf_results_failures.csv").contains("get_dashboard,reset: "));
}

#[test]
fn an_html_page_with_status_200_is_a_failed_validation() {
    let outcome = Project::quick().run_with_faults("reports=html", &[]);
    outcome.expect(5, &["list_reports has no data", "not JSON"]);
}
