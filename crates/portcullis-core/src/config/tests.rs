//! Tests of decoding: the bundled files are valid, and all mistakes are reported together.

use super::*;

const BUNDLED: &str = include_str!("../../../../perf.toml");

fn problems(text: &str) -> Vec<String> {
    match load(text, None, &[]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(|problem| problem.show("perf.toml")).collect(),
    }
}

/// The bundled file with one line replaced.
fn with(from: &str, to: &str) -> String {
    assert!(BUNDLED.contains(from), "perf.toml no longer has {from:?}");
    BUNDLED.replacen(from, to, 1)
}

#[test]
fn the_bundled_file_is_valid_with_every_profile() {
    for profile in [None, Some("laptop"), Some("ci"), Some("preflight")] {
        let loaded = load(BUNDLED, profile, &[]).unwrap();
        assert_eq!(loaded.config.scenario.tasks.len(), 10);
        assert_eq!(loaded.config.thresholds.len(), 6);
    }
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_lines() {
    let text = with("duration = \"30s\"", "duration = \"30\"")
        .replacen("weight = 5", "weight = -1", 1)
        .replacen("spawn_rate = ", "spawn_rat = ", 1)
        .replacen("\"p95 <= 500ms\"", "\"p95(list_claim) < 1s\"", 1);
    let found = problems(&text);
    let line = |needle: &str| text.lines().position(|l| l.contains(needle)).unwrap() + 1;
    let check = |needle: &str, part: &str| {
        let prefix = format!("perf.toml:{}:", line(needle));
        let hit = found.iter().any(|p| p.starts_with(&prefix) && p.contains(part));
        assert!(hit, "{needle}: {found:#?}");
    };
    check("duration = \"30\"", "has no unit");
    check("weight = -1", "must be between 0");
    check("spawn_rat = ", "did you mean \"spawn_rate\"?");
    check("p95(list_claim)", "did you mean \"list_claims\"?");
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn each_impossible_value_is_one_problem() {
    let check = |from: &str, to: &str, part: &str| {
        let found = problems(&with(from, to));
        assert!(found.iter().any(|p| p.contains(part)), "{to}: {found:#?}");
        assert_eq!(found.len(), 1, "{to}: {found:#?}");
    };
    check("users = 5", "users = 0", "must be between 1");
    let pattern = "ignore = [\"docs/**\", \"a[\"]\nseed_user =";
    check("seed_user =", pattern, "django.ignore = \"a[\"");
    check("users = 5", "users = \"5\"", "must be a whole number");
    check("spawn_rate = \"1/s\"", "spawn_rate = \"0/s\"", "above zero");
    check("duration = \"30s\"", "duration = \"0s\"", "longer than zero");
    check("min = \"1s\", max", "min = \"9s\", max", "min is longer than max");
    check("database = \"sqlite\"", "database = \"mysql\"", "expected \"auto\"");
    let database = |text: &str, part: &str| {
        check("[load]", &format!("[database]\n{text}\n[load]"), part);
    };
    database("version = 9", "between 10 and 99");
    database("version = \"16.2\"", "must be a whole number");
    database("port = 0", "between 1 and 65535");
    database("settings = { \"a b\" = 1 }", "not a setting's name");
    database("url = \"mysql://h/n\"", "must begin with postgres://");
    database("url = \"postgres://h/n\"\nurl_variable = \"X\"", "exclude another");
    database("binarie = \"x\"", "did you mean \"binaries\"?");
    check("[load]", "[laod]\nx = 1\n[load]", "did you mean \"load\"?");
    check("name = \"search_claims\"", "name = \"list_claims\"", "two tasks are named");
    check("{{ id }}/", "{{ idd }}/", "did you mean \"id\"?");
    check("{{ id }}/", "{{ id /", "no matching }}");
    check("path = \"/api/v1/dashboard/\"", "path = \"dashboard\"", "must begin with /");
    check("path = \"/api/v1/dashboard/\"", "path = \"/x\"\nmethod = \"GTE\"", "unknown method");
    check("Bearer {{ token }}", "Bearer x", "must contain {{ token }}");
    check("\"login.p95 < 2s\"", "\"error_rate < 1%\"", "duplicate rule");
    check("http://127.0.0.1:8000", "ftp://x", "not an http:// or https:// URL");
    check("health = \"/health/\"", "health = \"health/\"", "must begin with /");
    check("port = 8000", "port = 99999", "between 1 and 65535");
    check("set = { DEBUG", "set = { PYTHONPATH", "set by Portcullis itself");
    check("127.0.0.1:{port}", "127.0.0.1:8000", "must contain {port}");
    check("weight = 5", "weight = 5\nweight = 6", "not valid TOML");
    check(
        "path = \"/api/v1/dashboard/\"",
        "path = \"/x/?a=1&b=2\"",
        "write the parameters into query: path = \"/x/\", query = { a = \"1\", b = \"2\" }",
    );
    check("settings = \"hello_world.settings\"", "", "with --host URL (load.host)");
    check("root = \"fixtures/upstream\" ", "", "missing key \"project.root\"");
    check("\"p95 <= 500ms\"", "\"p95 <= 500\"", "\"500ms\" or \"500s\"");
    check("python = \"3.11\"", "python = \"3.12.1\"", "\"==3.12\", \">=3.10,<3.13\"");
    let path = "path = \"/api/v1/dashboard/\"";
    check(path, &format!("{path}\njson = {{ x = [nan] }}"), "json: JSON has no dates, infinity");
    check("[django.overrides]", "[django.overrides]\nX = inf", "infinity and nan");
    check("wait = { min", "order = \"dek\"\nwait = { min", "did you mean \"deck\"?");
    check("wait = { min", "wait = { pacing = \"1s\", min", "needs one of");
    check("/api/v1/auth/token/", "/{{ x }}/", "the login: unknown value");
    check("pass = [\"UPSTREAM_FAULTS\"]", "pass = [\"PYTHONPATH\"]", "set by Portcullis itself");
    check("[django.overrides]", "[steps]\nmigrate = []\n[django.overrides]", "must name a command");
    check("from = 1, to = 10", "from = 11, to = 10", "from is greater");
    check("[profile.laptop.load]", "[profile.laptop.laod]", "did you mean \"load\"?");
}

#[test]
fn each_impossible_load_is_one_problem() {
    let check = |written: &str, expected: &str| {
        let found = problems(&with("[load]\n", &format!("[load]\n{written}\n")));
        assert_eq!(found.len(), 1, "{written}: {found:#?}");
        assert!(found[0].contains(expected), "{expected}: {found:#?}");
    };
    check("arrival_rate = \"0/s\"", "above zero");
    check("arrival_rate = \"50\"", "has no unit");
    check("arrivals = \"poison\"", "did you mean \"poisson\"?");
    check("warm_up = 5", "must be a duration");
    check("workers = 0", "between 1 and 64");
    check("requests = 0", "1 or more");
    check("stages = [{ users = 1, over = \"1s\" }]\narrival_rate = \"1/s\"", "use either");
    check("stages = [{ over = \"1s\" }, { users = 1, over = \"1s\" }]", "either users or rate");
    let both = "[{ users = 1, over = \"1s\" }, { rate = \"1/s\", over = \"1s\" }]";
    check(&format!("stages = {both}"), "must all have users or all have rate");
    check("stages = [{ users = 0, over = \"1s\" }]", "nothing to measure");
    check("warm_up = \"9s\"\nstages = [{ users = 1, over = \"9s\" }]", "nothing to measure");
}

#[test]
fn stages_replace_users_rate_and_duration_but_not_flags() {
    let text = with("[load]\n", "[load]\nstages = [{ users = 9, over = \"2s\" }]\n");
    let load_section = load(&text, None, &[]).unwrap().config.load;
    assert_eq!((load_section.users, load_section.duration.as_secs()), (9, 2));
    let value = Value::Integer(3);
    let flag = FlagValue::new(Place::Flag("--users"), "load.users", value, MergeMode::Over);
    let found = load(&text, None, &[flag]).unwrap_err();
    assert!(found[0].message.contains("remove the flag"), "{found:?}");
}

#[test]
fn a_scenario_without_any_weight_is_refused() {
    let text: String = BUNDLED
        .lines()
        .map(|line| if line.starts_with("weight") { "weight = 0" } else { line })
        .collect::<Vec<_>>()
        .join("\n");
    assert!(problems(&text).iter().any(|p| p.contains("all weights are 0")));
}

#[test]
fn a_task_and_a_group_cannot_share_a_name() {
    let found = problems(&with("name = \"search_claims\"", "name = \"list\""));
    assert!(found.iter().any(|p| p.contains("\"list\" is the name of both a task and a group")));
}

#[test]
fn a_group_needs_a_name_that_rules_can_say() {
    let found = problems(&with("group = \"detail\"", "group = \"a b\""));
    assert!(found.iter().any(|p| p.contains("\"a b\" is not a valid group name")), "{found:#?}");
}

#[test]
fn overrides_are_merged_however_they_are_written() {
    let written = "A = { B = 1 }\nC.D.E = \"x\"\n\"F.G\" = [1]\nH = {}\n";
    let text = with("[django.overrides]\n", &format!("[django.overrides]\n{written}"));
    let overrides = load(&text, None, &[]).unwrap().config.django.overrides;
    let shown: Vec<String> =
        overrides.iter().map(|(path, value)| format!("{path}={value}")).collect();
    assert_eq!(shown, ["A.B=1", "C.D.E=\"x\"", "F.G=[1]", "H={}"]);
}

#[test]
fn a_wait_of_another_kind_replaces_the_default() {
    let wait = |written: &str| {
        let text = with("wait = { min = \"1s\", max = \"3s\" }", written);
        load(&text, None, &[]).unwrap().config.scenario.users[0].wait
    };
    let two = std::time::Duration::from_secs(2);
    assert_eq!(wait("wait = { constant = \"2s\" }"), crate::scenario::Wait::Constant(two));
    assert_eq!(wait("wait = { pacing = \"2s\" }"), crate::scenario::Wait::Pacing(two));
    assert_eq!(wait("wait.exponential_mean = \"2s\""), crate::scenario::Wait::Exponential(two));
}

#[test]
fn header_names_have_no_case() {
    let text = with("wait = {", "headers = { accept-encoding = \"identity\" }\nwait = {");
    let tasks = load(&text, None, &[]).unwrap().config.scenario.tasks;
    let headers = &tasks[0].steps[0].request.headers;
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Accept", "accept-encoding"]);
}

#[test]
fn flags_win_over_profile_file_and_defaults() {
    let flag = |flag, path, value| FlagValue::new(Place::Flag(flag), path, value, MergeMode::Over);
    let flags = [
        flag("-u", "load.users", Value::Integer(9)),
        flag("-t", "load.duration", Value::Text("2m".to_owned())),
    ];
    let load_of = |profile, flags: &[FlagValue]| load(BUNDLED, profile, flags).unwrap().config.load;
    assert_eq!(load_of(Some("laptop"), &[]).duration.as_secs(), 60);
    assert_eq!(load_of(Some("laptop"), &flags).duration.as_secs(), 120);
    assert_eq!(load_of(None, &flags).users, 9);
    let wrong = [flag("-t", "load.duration", Value::Text("2".to_owned()))];
    let found = load(BUNDLED, None, &wrong).unwrap_err();
    assert!(found[0].show("perf.toml").starts_with("-t: "), "{found:?}");
}

#[test]
fn an_unknown_profile_is_named_with_the_nearest() {
    let found = load(BUNDLED, Some("labtop"), &[]).unwrap_err();
    assert!(found[0].message.contains("did you mean \"laptop\"?"), "{found:?}");
}

#[test]
fn the_effective_configuration_is_toml_without_secrets() {
    let loaded = load(BUNDLED, Some("laptop"), &[]).unwrap();
    let shown = to_redacted_toml(&loaded.tree);
    assert!(!shown.contains("testpass123"), "{shown}");
    assert!(shown.contains("password = \"***\"") && shown.contains("token = \"access\""));
    let again = load(&shown, None, &[]).unwrap();
    assert_eq!(again.config.load.duration.as_secs(), 60);
    assert_eq!(again.config.scenario.tasks.len(), 10);
}

/// The bundled file with another `[thresholds]` section.
fn with_thresholds(section: &str) -> String {
    let (before, rest) = BUNDLED.split_once("[thresholds]\n").unwrap();
    let (_, after) = rest.split_once("# Profiles").unwrap();
    format!("{before}[thresholds]\n{section}\n# Profiles{after}")
}

#[test]
fn a_rule_is_a_line_or_a_table_that_says_more() {
    use crate::threshold::Policy::{Estimate, Prove};
    let text = with_thresholds(
        r#"
        fail = [
            "p95 < 500ms",
            { rule = "p99 < 2s", after = "10s", abort = true, policy = "prove" },
            { rule = "max < 9s", policy = "estimate" },
            { rule = "error_rate < 5% abort", after = "5s" },
            "p50(\"/api/v1/claims/\") < 300ms prove",
        ]
        warn = ["rps >= 1/s"]
        "#,
    );
    let told = |text: &str| {
        let rules = load(text, None, &[]).unwrap().config.thresholds;
        let told = rules.iter().map(|r| (r.abort, r.after.map(|a| a.as_secs()), r.policy));
        told.collect::<Vec<_>>()
    };
    let plain = (false, None, Estimate);
    let (late, early) = ((true, Some(10), Prove), (true, Some(5), Estimate));
    assert_eq!(told(&text), [plain, late, plain, early, (false, None, Prove), plain]);
    // Set for all rules, except the one that sets its own policy.
    let proven = (false, None, Prove);
    let text = text.replacen("[thresholds]\n", "[thresholds]\npolicy = \"prove\"\n", 1);
    let early = (true, Some(5), Prove);
    assert_eq!(told(&text), [proven, late, plain, early, proven, proven]);
}

#[test]
fn each_impossible_rule_is_one_problem_where_it_stands() {
    let check = |item: &str, at: &str, part: &str| {
        let text = with_thresholds(&format!("fail = [{item}]"));
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{item}: {found:#?}");
        assert!(found[0].contains(part), "{item}: {found:#?}");
        let line = text.lines().position(|line| line.starts_with("fail = ")).unwrap() + 1;
        let column = format!("fail = [{item}]").find(at).unwrap() + 1;
        let place = format!("perf.toml:{line}:{column}: ");
        assert!(found[0].starts_with(&place), "{item}: {place}{found:#?}");
    };
    check("{ rule = \"p96 < 5ms\" }", "\"p96", "did you mean \"p9");
    check("{ rule = \"p95 < 5ms\", after = \"10s\" }", "\"10s", "after needs abort");
    check("{ rule = \"p95 < 5ms\", abort = 1 }", "1 }", "must be true or false");
    check("{ rule = \"p95 < 5ms abort\", abort = true }", "true", "remove abort");
    check("{ rule = \"p95 < 5ms prove\", policy = \"estimate\" }", "\"est", "remove policy");
    check("{ rule = \"p95 < 5ms abort after 1s\", after = \"2s\" }", "\"2s", "remove after");
    check("{ rule = \"p95 < 5ms\", policy = \"proof\" }", "\"proof", "did you mean \"prove\"?");
    check("{ rule = \"p95 < 5ms\", abrot = true }", "abrot", "did you mean \"abort\"?");
    check("{ rule = 5 }", "5", "thresholds.fail.rule must be a string");
    check("{ abort = true }", "{", "missing key \"rule\"");
    check("5", "5", "must be a string, or a table with a rule, not a whole number");
    check("\"p95 < 5ms\", { rule = \"p95 < 5ms\" }", "\"p95 < 5ms\" }", "duplicate rule");
    check("\"p95(\\\"/api/v1/claim/\\\") < 5ms\"", "\"p95", "did you mean \"/api/v1/claims/\"?");
    let found = problems(&with_thresholds("warn = [{ rule = \"p95 < 5ms\", abort = true }]"));
    assert!(found.len() == 1 && found[0].contains("a warning cannot end the run"), "{found:#?}");
    let found = problems(&with_thresholds("policy = \"sure\""));
    assert!(found.len() == 1 && found[0].contains("expected estimate or prove"), "{found:#?}");
}

#[test]
fn rules_of_flags_come_behind_those_of_the_file() {
    let flag = |flag, path, rule: &str| {
        let node = Node { value: Value::Text(rule.to_owned()), at: Place::Flag(flag) };
        FlagValue::new(node.at, path, Value::List(vec![node]), MergeMode::Behind)
    };
    let fail = |rule| flag("--fail", "thresholds.fail", rule);
    let warn = |rule| flag("--warn", "thresholds.warn", rule);
    let rules =
        |flags: &[FlagValue]| load(BUNDLED, Some("laptop"), flags).unwrap().config.thresholds;
    let texts: Vec<String> =
        rules(&[fail("max < 9s"), warn("mean < 1s")]).into_iter().map(|r| r.text).collect();
    assert_eq!((texts.len(), texts[4].as_str(), texts[7].as_str()), (8, "max < 9s", "mean < 1s"));

    let refused = |flag| {
        let found = load(BUNDLED, None, &[flag]).unwrap_err();
        found.iter().map(|problem| problem.show("perf.toml")).collect::<Vec<_>>().join("\n")
    };
    let said = refused(fail("p95(list_claim) < 1s"));
    let begins = "--fail: threshold \"p95(list_claim) < 1s\", column 5: ";
    assert!(said.starts_with(begins) && said.ends_with("did you mean \"list_claims\"?"), "{said}");
    assert_eq!(refused(warn("p95 <= 500ms")), "--warn: duplicate rule \"p95 <= 500ms\"");
    // A flag does not hide a mistake in the file.
    let found = load(&with_thresholds("fail = 5"), None, &[fail("max < 9s")]).unwrap_err();
    assert!(found[0].message.contains("must be a list"), "{found:?}");
}

#[test]
fn rules_that_are_tables_are_written_out_and_read_again() {
    let lists = [
        r#"fail = [{ rule = "p95 < 5ms", abort = true, after = "3s" }]"#,
        r#"fail = ["p95(\"/api/v1/claims/\") < 5ms", { rule = "max < 1s", policy = "prove" }]"#,
        "[[thresholds.fail]]\nrule = \"p95 < 5ms\"\n[[thresholds.fail]]\nrule = \"max < 1s\"",
    ];
    for list in lists {
        let loaded = load(&with_thresholds(list), None, &[]).unwrap();
        let again = load(&to_redacted_toml(&loaded.tree), None, &[]).unwrap();
        assert!(!loaded.config.thresholds.is_empty());
        assert_eq!(again.config.thresholds, loaded.config.thresholds, "{list}");
    }
}

/// The `[thresholds]` sections that the documentation shows.
#[test]
fn every_shown_section_of_rules_is_valid() {
    let page = include_str!("../../../../docs/reference/thresholds.md");
    let blocks: Vec<&str> = page
        .split("```toml\n[thresholds]\n")
        .skip(1)
        .map(|b| b.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() > 1, "{blocks:?}");
    for block in blocks {
        assert_eq!(problems(&with_thresholds(block)), [""; 0], "{block}");
    }
}

#[test]
fn a_rule_is_found_at_its_line_also_in_a_profile() {
    let text = format!("{BUNDLED}\n[profile.strict.thresholds]\nfail = [\n    \"p99 < 1s\",\n]\n");
    let place = |needle: &str| text.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let of = |profile, severity, rule: &str| {
        line_of_rule(&load(&text, profile, &[]).unwrap().tree, severity, rule)
    };
    assert_eq!(of(None, "fail", "error_rate <= 5%"), Some(place("\"error_rate <= 5%\"")));
    assert_eq!(of(None, "warn", "login.p95 < 2s"), Some(place("login.p95")));
    assert_eq!(of(None, "fail", "login.p95 < 2s"), None);
    assert_eq!(of(Some("strict"), "fail", "p99 < 1s"), Some(place("p99 < 1s")));
}

#[test]
fn a_section_is_found_at_its_line_and_so_are_rules_on_the_baseline() {
    let text = format!(
        "{BUNDLED}\n[baseline]\nfile = \"b.json\"\nfail = [\n    \"p95 <= baseline * 2\",\n]\n"
    );
    let place = |needle: &str| text.lines().position(|line| line.contains(needle)).map(|at| at + 1);
    let tree = load(&text, None, &[]).unwrap().tree;
    assert_eq!(line_of_section(&tree, "against"), place("[against.overrides]"));
    assert_eq!(line_of_section(&tree, "scenario"), place("[scenario]"));
    let rule = "p95 <= baseline * 2";
    assert_eq!(line_of_rule(&tree, "fail", rule), place(rule));
    let plain = BUNDLED.replace("[against.overrides]", "[django.more]");
    let (plain, _) = plain.split_once("[django.more]").unwrap();
    let tree = load(plain, None, &[]).unwrap().tree;
    assert_eq!(line_of_section(&tree, "against"), None, "the defaults' own");
}

#[test]
fn an_old_name_of_a_key_is_read_with_a_warning() {
    let task = |key: &str| {
        let text = DEFAULT_TASK.replace("KEY", key);
        load(&text, None, &[])
            .map(|loaded| (loaded.config.scenario.tasks[0].max_calls, loaded.config.renamed))
    };
    assert_eq!(task("max_calls = 7").unwrap(), (Some(7), Vec::new()));
    let warning = "scenario.task: \"budget\" is now called \"max_calls\"".to_owned();
    assert_eq!(task("budget = 7").unwrap(), (Some(7), vec![warning]));
    let both = task("budget = 7\nmax_calls = 7").unwrap_err();
    assert!(both[0].message.contains("unknown key \"budget\""), "{}", both[0].message);
    let wrong = task("budget = 0").unwrap_err();
    assert!(wrong[0].message.contains("scenario.task.budget"), "{}", wrong[0].message);
}

/// A configuration with one task, and a placeholder for a key of it.
const DEFAULT_TASK: &str = r#"
[load]
host = "http://127.0.0.1:1"
[scenario]
[[scenario.task]]
name = "a"
path = "/"
KEY
[thresholds]
fail = ["p95 <= 500ms"]
"#;

#[test]
fn a_rule_that_always_holds_is_refused_where_it_stands_and_read_in_results() {
    let text = DEFAULT_TASK.replace("KEY", "").replace("p95 <= 500ms", "error_rate <= 100%");
    let problems = load(&text, None, &[]).unwrap_err();
    let said = "threshold \"error_rate <= 100%\" always holds, whatever is measured";
    assert!(problems[0].message.starts_with(said), "{}", problems[0].message);
    assert_eq!(problems[0].at.line(), Some(10));
    let read = load_with(&text, None, &[], Labels::Any, &any_variable).unwrap();
    assert_eq!(read.config.thresholds.iter().filter(|rule| rule.is_vacuous()).count(), 1);
}
