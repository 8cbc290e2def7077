//! How to repeat the run: the command, and the used configuration.

use super::Section;
use super::markup::esc;
use crate::record::RunRecord;
use crate::wording::shortened;

/// A longer configuration is cut; its own file has all of it.
const LONGEST: usize = 40_000;

/// The section.
pub fn section(run: &RunRecord) -> Section {
    let is_cut = run.configuration.chars().count() > LONGEST;
    let cut = if is_cut { " The rest is in perf_effective.toml." } else { "" };
    let body = format!(
        "<p>This command repeats the tasks, values and waits:</p>\n<pre tabindex=\"0\"><code>{}</code></pre>\n\
         <details>\n<summary>The effective configuration: defaults, file, profile and \
         flags</summary>\n<pre tabindex=\"0\"><code>{}</code></pre>\n<p>{cut}</p>\n</details>\n",
        esc(&run.command()),
        esc(&shortened(&run.configuration, LONGEST))
    );
    Section { id: "repeat", title: "Repeat this run", body }
}
