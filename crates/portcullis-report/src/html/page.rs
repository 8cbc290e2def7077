//! The frame of the page: head, policy, navigation, sections, foot.

use super::Section;
use super::markup::esc;
use super::policy::policy;
use crate::record::RunRecord;
use crate::wording;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The whole page.
pub fn whole(run: &RunRecord, header: &str, sections: &[Section]) -> String {
    let links = sections.iter().map(|one| format!("<a href=\"#{}\">{}</a>\n", one.id, one.title));
    let bodies = sections.iter().map(|one| {
        format!(
            "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}\
             </section>\n",
            one.id, one.title, one.body
        )
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta \
         name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n<link rel=\"icon\" \
         href=\"{icon}\">\n<style>{STYLE}</style>\n</head>\n<body class=\"{class}\">\n<a \
         class=\"skip\" href=\"#main\">To the results</a>\n{header}<nav \
         aria-label=\"Sections\">\n{links}</nav>\n<main id=\"main\">\n{bodies}</main>\n<footer>\
         Written by portcullis {version}. The same results as JSON and CSV lie beside this \
         file.</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        policy = policy(STYLE, SCRIPT),
        title = esc(&title(run)),
        icon = icon(run.exit_code),
        class = class(run.exit_code),
        links = links.collect::<String>(),
        bodies = bodies.collect::<String>(),
        version = env!("CARGO_PKG_VERSION"),
    )
}

fn title(run: &RunRecord) -> String {
    let of = run.commit.as_deref().unwrap_or(&run.target);
    format!("{} – performance of {}", wording::verdict(run.exit_code), wording::shortened(of, 60))
}

/// Passed, failed, or no measurement at all.
pub fn class(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "passed",
        1 => "failed",
        _ => "void",
    }
}

/// A dot in the verdict's colour, for the tab.
fn icon(exit_code: u8) -> String {
    let colour = match class(exit_code) {
        "passed" => "00795c",
        "failed" => "b8400a",
        _ => "7a5195",
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 \
         16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
    )
}
