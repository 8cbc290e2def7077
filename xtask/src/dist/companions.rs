//! What is installed beside the program: manual pages and completions, below `share`.

use std::path::Path;

use anyhow::{Context, Result};
use portcullis::commands::manual;

/// The completions of each shell, and where Debian's packages keep them.
const SHELLS: [(manual::Shell, &str); 3] = [
    (manual::Shell::Bash, "bash-completion/completions/portcullis"),
    (manual::Shell::Zsh, "zsh/vendor-completions/_portcullis"),
    (manual::Shell::Fish, "fish/vendor_completions.d/portcullis.fish"),
];

/// Writes them into `share/` of a folder.
///
/// # Errors
/// The folder cannot be written to.
pub fn write(folder: &Path) -> Result<()> {
    super::renew(folder)?;
    let share = folder.join("share");
    let pages = share.join("man/man1");
    std::fs::create_dir_all(&pages)?;
    let page = |command: Option<&str>| {
        manual::manual_page(command).context("a command without a manual page")
    };
    std::fs::write(pages.join("portcullis.1"), page(None)?)?;
    for name in manual::command_names() {
        std::fs::write(pages.join(format!("portcullis-{name}.1")), page(Some(&name))?)?;
    }
    for (shell, path) in SHELLS {
        let path = share.join(path);
        std::fs::create_dir_all(path.parent().context("a path without a folder")?)?;
        std::fs::write(&path, manual::completion_script(shell))?;
    }
    Ok(())
}
