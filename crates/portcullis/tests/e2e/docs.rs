//! Every command that the documentation shows is run, and every whole
//! configuration is read.

use std::path::{Path, PathBuf};

use crate::harness::{HandMade, Project, development_bin, root};

/// The fenced blocks of a language in all pages, with the page's name.
fn blocks(language: &str) -> Vec<(String, String)> {
    let mut pages = vec![root().join("README.md"), root().join("fixtures/upstream/README.md")];
    gather(&root().join("docs"), &mut pages);
    let mut found = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let fence = format!("```{language}\n");
        for block in text.split(&fence).skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            found.push((page.display().to_string(), block.to_owned()));
        }
    }
    found
}

fn gather(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The distinct commands of the documentation, but for those of the fixture's
/// own page, which its own suite covers.
fn commands() -> Vec<String> {
    let mut commands: Vec<String> = blocks("sh")
        .into_iter()
        .filter(|(page, _)| !page.contains("fixtures/"))
        .flat_map(|(_, block)| block.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.trim().is_empty())
        .collect();
    commands.sort();
    commands.dedup();
    commands
}

/// The words of a command line; what single quotes enclose is one.
fn words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    let words = pieces.flat_map(|(index, piece)| match index % 2 {
        0 => piece.split_whitespace().map(str::to_owned).collect(),
        _ => vec![piece.to_owned()],
    });
    words.collect()
}

#[test]
fn every_shown_perf_command_runs() {
    let Some(bin) = development_bin("docs") else { return };
    let shown = commands();
    assert!(shown.iter().any(|command| command == "cargo xtask perf"), "{shown:?}");
    for command in shown.iter().filter(|command| command.contains("xtask perf")) {
        let (variables, flags) = command.split_once("cargo xtask perf").unwrap();
        let mut flags = words(flags);
        let server = flags.iter().any(|flag| flag == "--host").then(|| HandMade::start(&bin));
        let against = "[against]\nlimit = \"3s\"\n\n[scenario]\n";
        let mut project = Project::quick().with("[scenario]\n", against);
        if flags.iter().any(|flag| flag == "--update-baseline") {
            project = project.with("# [baseline]\n# file", "[baseline]\nfile");
        }
        let later = root().join("fixtures/upstream/perf/later-suite.toml");
        for flag in &mut flags {
            match (&server, flag.as_str()) {
                (Some(server), "http://127.0.0.1:8000") => flag.clone_from(&server.url),
                (_, path) if path.ends_with("later-suite.toml") => {
                    *flag = later.display().to_string();
                }
                _ => {}
            }
        }
        // Shortened: what is shown takes minutes. The last flag wins nothing, so
        // it is added only where the command leaves it open.
        if !flags.iter().any(|flag| flag == "-t" || flag == "--run-time") {
            flags.extend(["-t".to_owned(), "3s".to_owned()]);
        }
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let outcome = match variables.trim().split_once('=') {
            Some(("UPSTREAM_FAULTS", faults)) => {
                let outcome = project.run_with_faults(faults.trim_matches('"'), &flags);
                assert_ne!(outcome.code, Some(0), "{command}: {}", outcome.text);
                continue;
            }
            _ => project.run(&flags),
        };
        assert_eq!(outcome.code, Some(0), "{command}: {}", outcome.text);
    }
}

#[test]
fn every_other_shown_command_is_a_verb_that_exists() {
    let xtask = std::fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    for command in commands() {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            ["cargo", "xtask", verb @ ("test" | "lint"), ..] => {
                let variant = format!("    {}{}", verb[..1].to_uppercase(), &verb[1..]);
                assert!(xtask.contains(&variant), "{command}: no such verb");
            }
            ["make", verb] => {
                assert!(makefile.contains(&format!("\n{verb}:")), "{command}: no such target");
            }
            ["cargo", "xtask", verb @ ("check" | "report"), ..] => {
                let variant = format!("    {}{}(", verb[..1].to_uppercase(), &verb[1..]);
                assert!(xtask.contains(&variant), "{command}: no such verb");
            }
            ["portcullis", "baseline", ..] => {
                let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
                let folder = tempfile::tempdir().unwrap();
                let arguments = self::words(&command);
                let output = run.args(&arguments[1..]).current_dir(&folder).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("no perf.toml"), "{command}: {said}");
            }
            ["portcullis", "defaults"] => {
                let run = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
                let output = { run }.arg("defaults").output().unwrap();
                assert_eq!(output.stdout, portcullis_core::config::DEFAULTS.as_bytes());
            }
            // Their own tests run them; here they are only commands that exist.
            ["portcullis", verb @ ("init" | "doctor" | "config" | "history"), ..] => {
                let run = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
                let output = { run }.args([verb, "--help"]).output().unwrap();
                assert!(output.status.success(), "{command}");
            }
            ["portcullis", verb @ ("completions" | "man"), ..] => {
                let run = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
                let output = { run }.args(&words[1..]).output().unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                let part = if verb == "man" { ".TH portcullis" } else { "--until-sure" };
                assert!(output.status.success() && text.contains(part), "{command}: {text}");
            }
            _ => assert!(command.contains("cargo xtask perf"), "nothing runs {command:?}"),
        }
    }
}

#[test]
fn every_flag_and_exit_code_has_its_line_in_the_reference() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let help = { run }.args(["perf", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let page = std::fs::read_to_string(root().join("docs/reference/cli.md")).unwrap();
    let starts = |word: &&str| word.starts_with("--") && word.len() > 2;
    let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(starts);
    let flags: Vec<&str> = words.filter(|flag| *flag != "--help").collect();
    assert!(flags.len() > 15, "{help}");
    for flag in flags {
        assert!(page.contains(&format!("`{flag}")), "cli.md does not tell of {flag}");
    }
    let codes = portcullis_core::judge::EXIT_CODES.split_whitespace();
    for code in codes.filter(|word| word.parse::<u8>().is_ok()) {
        let found = page.contains(&format!("\n| {code} |"))
            || page.contains(&format!(", {code} |"))
            || page.contains(&format!("\n| {code},"));
        assert!(found, "cli.md does not tell of exit code {code}");
    }
}

#[test]
fn every_whole_configuration_is_valid() {
    let whole = blocks("toml").into_iter().filter(|(_, block)| block.starts_with("# perf.toml"));
    for (page, block) in whole {
        let loaded = portcullis_core::config::load(&block, None, &[]);
        assert!(loaded.is_ok(), "{page}: {:#?}", loaded.err());
    }
}

#[test]
fn the_workflow_runs_the_job_and_keeps_its_results() {
    let workflow = std::fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    for part in ["needs: test", "if: always()", "name: performance-results", "cargo xtask perf"] {
        assert!(workflow.contains(part), "ci.yml lacks {part:?}");
    }
    for line in workflow.lines().filter(|line| line.contains("uses:")) {
        let (_, pin) = line.split_once('@').unwrap();
        let (sha, tag) = pin.split_once(" # ").unwrap();
        assert!(sha.len() == 40 && tag.starts_with('v'), "not pinned: {line}");
    }
}

#[test]
fn the_readme_and_the_help_quote_the_error_rates_as_they_were_counted() {
    let counted = root().join("crates/portcullis/src/commands/error_rates.txt");
    let counted = std::fs::read_to_string(counted).unwrap();
    assert!(counted.starts_with("Counted live: "), "nothing was counted: {counted:?}");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&counted), "README.md does not say: {counted}");
    let mut portcullis = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let help = portcullis.args(["perf", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let said: Vec<&str> = help.lines().map(str::trim).collect();
    assert!(counted.lines().all(|line| said.contains(&line)), "{help}");
}
