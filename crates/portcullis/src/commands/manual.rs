//! Texts for packages and shells: default configuration, completions, manual pages.

use clap::CommandFactory;
pub use clap_complete::Shell;
use portcullis_core::config::DEFAULTS;

use crate::args::Cli;
use crate::console;

/// Prints the default configuration.
pub fn defaults() -> u8 {
    console::print_plain(DEFAULTS);
    0
}

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> u8 {
    console::print_plain(&completion_script(shell));
    0
}

/// Prints the manual page of the program or of a command; returns the exit code.
pub fn page(command: Option<&str>) -> u8 {
    let Some(text) = manual_page(command) else {
        let known = command_names().join(", ");
        let what = format!("unknown command {:?}; the commands are {known}", command.unwrap_or(""));
        console::complain(&what);
        return 2;
    };
    console::print_plain(&text);
    0
}

/// The completions for a shell.
pub fn completion_script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page of the program or of a command, in roff; `None` for an unknown command.
pub fn manual_page(command: Option<&str>) -> Option<String> {
    let mut whole = Cli::command();
    whole.build();
    let page = match command {
        None => &whole,
        Some(name) => whole.find_subcommand(name)?,
    };
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(page.clone()).render(&mut text);
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The names of the commands that the help shows.
pub fn command_names() -> Vec<String> {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| command.get_name().to_owned()).collect()
}
