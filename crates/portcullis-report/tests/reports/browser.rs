//! The page in a real browser: no complaint on its console, which is where
//! violations of the policy are told; it sorts, filters, unfolds, and is not wider
//! than the window.
#![allow(clippy::disallowed_methods, reason = "a browser is a program of its own")]

use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_report::{RunReport, html};

use crate::runs;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser on the path; without one a test is skipped by name.
fn browser(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = places.into_iter().find(|place| place.is_file());
    if found.is_none() {
        eprintln!("skipped: {test} (no Chromium on the path)");
    }
    found
}

/// What the page is once its script has run, and what was said on its console.
fn open(browser: &Path, page: &str, fragment: &str, width: u32) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, page).unwrap();
    let output = Command::new("timeout")
        .args(["-k", "5", "90"])
        .arg(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--no-first-run", "--enable-logging=stderr", "--virtual-time-budget=2000"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--window-size={width},900"))
        .arg("--dump-dom")
        .arg(format!("file://{}{fragment}", file.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let console = said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned);
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(dom.contains("</html>"), "the browser did not come so far: {said}");
    (dom, console.collect())
}

fn check(browser: &Path, name: &str, run: &RunReport) -> String {
    let (dom, console) = open(browser, &html::write(run), "#task-0", 1200);
    assert_eq!(console, Vec::<String>::new(), "{name}");
    dom
}

#[test]
fn no_page_complains() {
    let Some(browser) = browser("no_page_complains") else { return };
    let dom = check(&browser, "red", &runs::red());
    for part in ["<button type=\"button\">task</button>", "<details class=\"task\" open", "readout"]
    {
        assert!(dom.contains(part), "the script did not run: {part}");
    }
    check(&browser, "broken", &runs::broken());
    let hostile = check(&browser, "hostile", &runs::hostile(&runs::HOSTILE.concat()));
    assert_eq!(hostile.matches("<script").count(), 1, "a text became a script");
    assert!(!hostile.contains("<img"), "a text became an image");
}

/// Does what a person does, and writes down what comes of it.
const DRIVER: &str = "
addEventListener('load', () => {
  const table = document.querySelector('table.sorts');
  const names = () => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent.trim());
  const said = [];
  const button = (name) => [...table.querySelectorAll('thead button')].find((one) => one.textContent === name);
  button('p95').click();
  said.push(names()[0]);
  button('p95').click();
  said.push(names()[0]);
  button('task').click();
  said.push(names()[0]);
  const input = document.querySelector('.filter input');
  input.value = 'DRIFT';
  input.dispatchEvent(new Event('input'));
  said.push(names().join('+'));
  const page = document.documentElement;
  said.push(page.scrollWidth <= page.clientWidth ? 'fits' : 'too wide: ' + page.scrollWidth);
  document.title = said.join(' ');
});";

#[test]
fn tables_sort_and_filter_and_a_narrow_window_is_wide_enough() {
    let Some(browser) = browser("tables_sort_and_filter") else { return };
    let page = html::write(&runs::red());
    // The driver is no part of the page, whose policy would refuse it.
    let start = page.find("<meta http-equiv").unwrap();
    let end = start + page[start..].find('>').unwrap() + 1;
    let driven = format!("{}{}", &page[..start], &page[end..])
        .replace("</body>", &format!("<script>{DRIVER}</script></body>"));
    let (dom, console) = open(&browser, &driven, "", 400);
    assert_eq!(console, Vec::<String>::new());
    let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    assert_eq!(
        title,
        Some(
            "list_claims get_claim_detail filter_claims_by_payer \
             filter_drift_by_severity+list_drift_events fits"
        )
    );
}
