use super::*;
use crate::provider::Protocol;

fn step(account: Option<&str>, step: &str, outcome: StepOutcome) -> TestStep {
    TestStep {
        of: StepTold {
            account: account.map(Into::into),
            protocol: Some(Protocol::Imap),
            step: step.into(),
        },
        millis: 12,
        outcome,
    }
}

fn failed() -> StepOutcome {
    StepOutcome::Failed {
        trouble: TroubleTold {
            code: Some("AuthenticateFailed".into()),
            what: "no".into(),
            why: "because".into(),
            fix: "do this".into(),
        },
        takes: "an hour".into(),
        commands: vec!["Do-This -Now".into()],
    }
}

fn passed() -> StepOutcome {
    StepOutcome::Passed("yes".into())
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// What is printed of these steps.
fn said(brief: bool, steps: &[TestStep]) -> (String, u8) {
    let mut told = Told::new(false, brief);
    let mut text: String = steps.iter().map(|step| told.take(step)).collect();
    text += &told.rest();
    (plain(&text), told.code())
}

#[test]
fn a_failed_step_says_what_why_fix_and_how_long() {
    assert_eq!(
        plain(&text_of(&step(Some("a@x"), "login", failed()))),
        "  login     FAILED    12 ms  no [AuthenticateFailed]\n    why:   because\n    fix:   do this\n    takes: an hour\n    paste: \
         (as an administrator, in PowerShell with the module ExchangeOnlineManagement)\n      Connect-ExchangeOnline\n      Do-This -Now\n"
    );
    assert_eq!(
        plain(&text_of(&step(
            Some("a@x"),
            "dns",
            StepOutcome::Passed("1.1.1.1".into())
        ))),
        "  dns       ok        12 ms  1.1.1.1\n"
    );
}

/// Scripts read it, so its shape is a promise.
#[test]
fn json_has_a_key_for_each_outcome() {
    let line = serde_json::to_string(&step(Some("a@x"), "login", failed())).unwrap();
    assert_eq!(
        line,
        r#"{"account":"a@x","protocol":"imap","step":"login","millis":12,"failed":{"code":"AuthenticateFailed","what":"no","why":"because","fix":"do this","takes":"an hour","commands":["Do-This -Now"]}}"#
    );
    let back: TestStep = serde_json::from_str(&line).unwrap();
    assert_eq!(code(&back.outcome), 2);
}

#[test]
fn steps_stand_below_what_they_belong_to() {
    let skipped = || StepOutcome::Skipped("x".into());
    let (text, code) = said(
        false,
        &[
            step(None, "tcp", passed()),
            step(Some("a@x"), "dns", passed()),
            step(Some("a@x"), "tcp", passed()),
            step(Some("b@x"), "token", skipped()),
        ],
    );
    assert_eq!(code, 0);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "saslgate",
            "",
            "",
            "a@x imap",
            "",
            "",
            "",
            "b@x imap",
            "",
            "",
            "What could be tested works. No mailbox was opened where a step was left out: the line with - says why. Nothing was sent."
        ]
    );
}

/// Nobody finds one fault among 1,600 lines.
#[test]
fn of_two_hundred_accounts_the_faults_stand_on_the_last_screen() {
    const SCREEN: usize = 24;
    let mut steps = Vec::new();
    for number in 0..200 {
        let account = format!("user{number}@contoso.com");
        for name in ["token", "dns", "tcp", "tls"] {
            steps.push(step(Some(&account), name, passed()));
        }
        let login = if number == 7 { failed() } else { passed() };
        steps.push(step(Some(&account), "login", login));
    }
    let (text, code) = said(true, &steps);
    assert_eq!(code, 2);
    assert_eq!(text.matches("ok      user").count(), 199);
    assert!(text.contains("ok      user6@contoso.com imap  60 ms\nuser7@contoso.com imap\n  token "));
    let lines: Vec<_> = text.lines().collect();
    let screen = lines[lines.len() - SCREEN..].join("\n");
    assert!(
        screen.ends_with(
            "\nWhat does not work, or should be looked at:
  FAILED  user7@contoso.com imap, login: no [AuthenticateFailed]
          fix: do this

200 logins tested: 199 fine, 1 failing.

Something does not work: do what the fix says, and test again. Nothing was sent."
        ),
        "{screen}"
    );
}

#[test]
fn a_fault_that_everybody_has_is_not_said_two_hundred_times() {
    let names: Vec<_> = (0..200).map(|number| format!("user{number}@x")).collect();
    let steps: Vec<_> = names
        .iter()
        .map(|name| step(Some(name), "token", failed()))
        .collect();
    let (text, _) = said(true, &steps);
    assert_eq!(text.matches("why:   because").count(), 1);
    assert_eq!(
        text.matches("the same as for user0@x by imap, above").count(),
        199
    );
    let recalled = text.split("What does not work").nth(1).unwrap();
    assert_eq!(recalled.matches("FAILED").count(), 1);
    assert!(
        recalled.contains("the same for user1@x imap, user2@x imap, "),
        "{recalled}"
    );
    assert!(
        recalled.contains("user10@x imap and 189 more\n\n200 logins tested: 200 failing."),
        "{recalled}"
    );
}

#[test]
fn two_hundred_causes_are_not_said_once_more() {
    let names: Vec<_> = (0..200).map(|number| format!("user{number}@x")).collect();
    let failed = |name: &str| match failed() {
        StepOutcome::Failed {
            mut trouble,
            takes,
            commands,
        } => {
            trouble.fix = format!("do this for {name}");
            StepOutcome::Failed {
                trouble,
                takes,
                commands,
            }
        }
        other => other,
    };
    let steps: Vec<_> = names
        .iter()
        .map(|name| step(Some(name), "login", failed(name)))
        .collect();
    let (text, _) = said(true, &steps);
    let recalled = text.split("What does not work").nth(1).unwrap();
    assert_eq!(recalled.matches("FAILED").count(), 20);
    assert!(
        recalled.contains("  and 180 more\n\n200 logins tested: 200 failing."),
        "{recalled}"
    );
}

/// One app gives the tokens of all protocols, so one refusal of the provider's is one fault.
#[test]
fn one_cause_in_three_protocols_is_said_once() {
    let mut steps: Vec<_> = Protocol::ALL.map(|_| step(Some("a@x"), "token", failed())).into();
    for (step, protocol) in steps.iter_mut().zip(Protocol::ALL) {
        step.of.protocol = Some(protocol);
    }
    let (text, code) = said(false, &steps);
    assert_eq!((code, text.matches("why:   because").count()), (2, 1));
    assert_eq!(
        text.matches("token     FAILED    12 ms  the same as by imap, above\n")
            .count(),
        2
    );
    assert!(
        text.contains("  FAILED  a@x imap, token: no [AuthenticateFailed]\n          fix: do this\n          the same for pop3, smtp\n"),
        "{text}"
    );
}

#[test]
fn one_login_is_not_summed_up_twice() {
    let (text, code) = said(false, &[step(Some("a@x"), "login", failed())]);
    assert_eq!((text.matches("FAILED").count(), code), (1, 2));
    assert!(!text.contains("tested"), "{text}");
    let (text, code) = said(true, &[]);
    assert_eq!((text.as_str(), code), ("\nThere was nothing to test.\n", 0));
}
