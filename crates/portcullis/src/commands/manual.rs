//! What a package or a shell is given: the defaults, completions, manual pages.

use clap::CommandFactory;
use portcullis_core::config::DEFAULTS;

use crate::args::Cli;
use crate::console;

/// Prints the default configuration.
pub fn defaults() -> u8 {
    console::print_plain(DEFAULTS);
    0
}

/// Prints completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut script);
    console::print_plain(&String::from_utf8_lossy(&script));
    0
}

/// Prints the manual page, or that of a command; its exit code.
pub fn page(command: Option<&str>) -> u8 {
    let mut whole = Cli::command();
    whole.build();
    let page = match command {
        None => Some(&whole),
        Some(name) => whole.find_subcommand(name),
    };
    let Some(page) = page else {
        let names: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
        let known = names.join(", ");
        let what = format!("unknown command {:?}; the commands are {known}", command.unwrap_or(""));
        console::complain(&what);
        return 2;
    };
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(page.clone()).render(&mut text);
    console::print_plain(&String::from_utf8_lossy(&text));
    0
}
