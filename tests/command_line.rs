//! What every command has in common: help that teaches, a word for who mistypes one, and colours for terminals only.
#![allow(clippy::unwrap_used)] // a test may fail

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use saslgate::cli;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Every command that is listed, those below others included, each with what is typed for it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut found = Vec::new();
    for command in cli::command().get_subcommands().filter(|one| !one.is_hide_set()) {
        let name = command.get_name().to_owned();
        found.push((vec![name.clone()], command.clone()));
        for below in command.get_subcommands() {
            found.push((vec![name.clone(), below.get_name().to_owned()], below.clone()));
        }
    }
    let of_demo = usize::from(cfg!(feature = "demo"));
    assert!(found.len() >= 16 + of_demo, "{} commands", found.len());
    found
}

#[test]
fn every_command_has_examples_and_exit_codes_in_its_help() {
    for (name, command) in commands() {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        let examples: Vec<_> = examples.take_while(|line| line.starts_with("  ")).collect();
        assert!(!examples.is_empty(), "{name:?}: {help}");
        let typed = format!("saslgate {}", name.join(" "));
        assert!(
            examples[0].trim_start().starts_with(&typed),
            "{name:?}: {}",
            examples[0]
        );
        let codes = help
            .lines()
            .find(|line| line.starts_with("Exit codes"))
            .unwrap_or_default();
        assert!(codes.contains(": 0 "), "{name:?}: {help}");
        assert!(command.get_about().is_some(), "{name:?}");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name:?} {}", argument.get_id());
        }
    }
}

/// Runs it with nothing of this machine's colours.
fn saslgate(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saslgate"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "SASLGATE_CONFIG"] {
        command.env_remove(variable);
    }
    let command = command.args(args).envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn whoever_mistypes_a_command_or_an_option_is_told_the_nearest() {
    let table: [(&[&str], &str); 8] = [
        (&["stauts"], "'status'"),
        (&["sigin", "a@x"], "'sign-in'"),
        (&["sign-ot", "a@x"], "'sign-out'"),
        (&["chekc"], "'check'"),
        (&["relaod"], "'reload'"),
        (&["status", "--problem"], "'--problems'"),
        (&["sign-in", "a@x", "--devise"], "'--device'"),
        (&["check", "--expose"], "'--exposed'"),
    ];
    for (typed, nearest) in table {
        let output = saslgate(typed, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{typed:?}: {said}");
        assert!(
            said.contains("similar") && said.contains(nearest),
            "{typed:?}: {said}"
        );
    }
}

/// A folder with a configuration that has a warning, and an account that nobody has signed in for.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "[app]\ntenant = \"contoso.com\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
                client_secret_file = \"secret\"\ngrant = \"authorization_code\"\n\n[[account]]\nlogin = \"alice@contoso.com\"\n\
                password = \"sg1:here:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"\n\
                [store]\npath = \"state/tokens\"\n";
    fs::write(folder.path().join("saslgate.toml"), text).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "value").unwrap();
    fs::set_permissions(secret, fs::Permissions::from_mode(0o644)).unwrap();
    folder
}

fn config(folder: &Path) -> String {
    folder.join("saslgate.toml").to_str().unwrap().to_owned()
}

/// `NO_COLOR` of no-color.org, `CLICOLOR` and `CLICOLOR_FORCE` of bixense.com/clicolors.
#[test]
fn colours_are_for_terminals_unless_somebody_says_otherwise() {
    let folder = folder();
    let file = config(folder.path());
    let commands: [&[&str]; 5] = [
        &["--help"],
        &["stauts"],
        &["check", "--config", &file],
        &["status", "--config", &file],
        &["status", "--config", &file, "--problems"],
    ];
    let variables: [(&[(&str, &str)], bool); 5] = [
        // Standard output is no terminal here.
        (&[], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        (&[("CLICOLOR", "1")], false),
    ];
    let mut seen = 0;
    for command in commands {
        let plain = saslgate(command, &[]);
        for (variables, is_coloured) in variables {
            let output = saslgate(command, variables);
            let said = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(
                said.contains('\u{1b}'),
                is_coloured,
                "{command:?} {variables:?}: {said}"
            );
            assert_eq!(output.status.code(), plain.status.code(), "{command:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 25);
}

/// What programs read stays what it is.
#[test]
fn json_is_never_coloured() {
    let folder = folder();
    let file = config(folder.path());
    let table: [&[&str]; 3] = [
        &["check", "--exposed", "--json"],
        &["status", "--json"],
        &["status", "--json", "--problems"],
    ];
    for command in table {
        let output = saslgate(
            &[command, &["--config", &file]].concat(),
            &[("CLICOLOR_FORCE", "1")],
        );
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(told.is_object(), "{command:?}");
    }
}

/// Whoever set it up without root has it below the home directory; an empty variable names no file.
#[test]
fn a_configuration_that_nobody_names_is_looked_for_where_setup_puts_it() {
    let home = tempfile::tempdir().unwrap();
    let variables = [
        ("XDG_CONFIG_HOME", home.path().to_str().unwrap()),
        ("SASLGATE_CONFIG", ""),
    ];
    let looked = |command: &str| {
        let output = saslgate(&[command], &variables);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let file = home.path().join("saslgate/saslgate.toml");
    for (command, expected) in [("check", 2), ("run", 2), ("status", 3)] {
        let (code, said) = looked(command);
        assert_eq!(code, Some(expected), "{command}: {said}");
        for word in [
            "/etc/saslgate/saslgate.toml",
            file.to_str().unwrap(),
            "`saslgate setup`",
            "--config",
            "SASLGATE_CONFIG",
        ] {
            assert!(said.contains(word), "{command}: {word}: {said}");
        }
    }
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::copy(config(folder().path()), &file).unwrap();
    let (_, said) = looked("check");
    assert!(
        said.contains(&format!("{}:", file.display())) && !said.contains("`saslgate setup`"),
        "{said}"
    );
}
