//! `saslgate man`: the manual page, made of the same texts as `--help`. Packages put it in place.
//!
//! One page for all commands: whoever has no network on the machine that fails searches one text.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Cli, complain};
use crate::config;

/// What `--help` does not say: what the program leaves on a machine, in the language of manual pages.
const FILES_AND_SIGNALS: &str = r".SH FILES
.TP
.I /etc/saslgate/saslgate.toml
The configuration, unless
.B \-\-config
or
.B SASLGATE_CONFIG
names another one.
.TP
.I ~/.config/saslgate/saslgate.toml
The same, where that one is not there
.RB ( XDG_CONFIG_HOME
names another directory than
.IR ~/.config ).
.TP
.I /var/lib/saslgate
Sign\-ins, sealed, and the socket by which commands reach the running saslgate, for a configuration below
.IR /etc .
.SH SIGNALS
.TP
.B SIGHUP
Read the configuration again. One with a problem in it changes nothing.
.TP
.BR SIGTERM ,\  SIGINT
Take no new sessions, let running ones finish for
.B drain
seconds, end. The second one ends at once.
.SH ENVIRONMENT
.TP
.B SASLGATE_CONFIG
The configuration, where
.B \-\-config
does not name one.
.TP
.B SASLGATE_CONTAINER
1 inside a container, as its image says.
.TP
.BR HTTPS_PROXY ,\  ALL_PROXY ,\  NO_PROXY
How token requests and webhooks leave this network. Mail goes straight.
.PP
Where there is no configuration file, variables describe one app, one account, and where mail clients connect. Beside a
file they are an error.
";

const SEE_ALSO: &str = ".SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
";

/// Makes `\*(Aq` an apostrophe that can be copied, in groff and elsewhere.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// What `man` is told.
#[derive(Args)]
pub(super) struct ManArgs {}

/// Prints the manual page.
pub(super) fn run(_args: &ManArgs) -> ExitCode {
    match page() {
        Ok(page) => {
            // Whoever reads us may stop reading.
            let _ = anstream::stdout().write_all(page.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("the manual page can't be made: {error}"));
            ExitCode::from(2)
        }
    }
}

/// The page in the language of man(7).
fn page() -> io::Result<String> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let man = Man::new(program.clone()).manual("saslgate");
    let mut page = APOSTROPHE.to_owned();
    page += &rendered(|to| {
        man.render_title(to)?;
        man.render_name_section(to)?;
        man.render_synopsis_section(to)?;
        man.render_description_section(to)
    })?;
    page += ".SH EXAMPLES\n";
    page += &as_it_stands(&after(&program));
    for command in program.get_subcommands().filter(|one| !one.is_hide_set()) {
        page += &of_command("saslgate", command)?;
    }
    page += FILES_AND_SIGNALS;
    page += &variables();
    page += SEE_ALSO;
    Ok(page)
}

/// The variables of a configuration without a file, of the table by which they are read.
fn variables() -> String {
    let mut text = String::new();
    for (name, meaning) in config::variables() {
        // Writing to a string cannot fail.
        let _ = write!(text, ".TP\n.B {}\n{}\n", escaped(name), escaped(&meaning));
    }
    text
}

/// The section of one command, in which the usual sections are subsections, and those of the commands below it.
fn of_command(above: &str, command: &Command) -> io::Result<String> {
    let name = format!("{above} {}", command.get_name());
    let man = Man::new(command.clone());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let sections = rendered(|to| {
        man.render_synopsis_section(to)?;
        man.render_options_section(to)
    })?;
    let sections = sections
        .replace("\n.SH ", "\n.SS ")
        .replace(".SH SYNOPSIS", ".SS SYNOPSIS");
    let mut text = format!(".SH \"{}\"\n{}.\n", escaped(&name), escaped(&about));
    text += &sections;
    let after = after(command);
    if !after.is_empty() {
        text += ".SS EXAMPLES AND EXIT CODES\n";
        text += &as_it_stands(&after);
    }
    for below in command.get_subcommands() {
        text += &of_command(&name, below)?;
    }
    Ok(text)
}

fn rendered(render: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<String> {
    let mut bytes = Vec::new();
    render(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    // Each part begins with it; the page needs it once.
    Ok(text.replace(APOSTROPHE, ""))
}

fn after(command: &Command) -> String {
    command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Lines that are not filled: commands stand below one another.
fn as_it_stands(text: &str) -> String {
    let mut lines = String::from(".nf\n");
    for line in text.lines() {
        let _ = writeln!(lines, "{}", escaped(line));
    }
    lines + ".fi\n"
}

/// A line that says to man(7) what it says to a reader: a hyphen to copy, a backslash, no command at the beginning.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) {
        return format!("\\&{line}");
    }
    line
}
