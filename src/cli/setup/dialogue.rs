//! The conversation: questions one at a time, each answer checked at once. It reads and writes nothing by itself.

use super::answers::Answers;
use super::draft::Draft;
use super::layout;
use super::portal;
use super::question::Question;
use super::surroundings::Surroundings;
use super::way::Way;
use crate::secret::Secret;

const GREETING: &str = "\
A few questions, and saslgate's configuration is written, with what has to be done in the portal, in Exchange and in the mail client.
Enter takes what stands in [ ], ? explains, < goes back one question, Ctrl-C ends it. Nothing is written before the last question.";

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Step {
    /// Something is shown.
    Say(String),
    /// A line is wanted.
    Ask(Ask),
    /// Everything was said, and it is to be written.
    Done(Box<Answers>),
    /// Nothing is to be written; why.
    GaveUp(&'static str),
}

/// A question as it is shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ask {
    /// The question; empty when it is asked once more.
    pub(super) heading: String,
    /// What explains it, with what can be chosen; may be empty.
    pub(super) body: String,
    /// What stands in front of the answer.
    pub(super) prompt: String,
    /// Whether nobody may see the answer.
    pub(super) hidden: bool,
}

/// Where the conversation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum At {
    Asking(Question),
    Confirming,
    Agreed,
    Over(&'static str),
}

/// The conversation so far.
pub(super) struct Dialogue<'s> {
    surroundings: &'s dyn Surroundings,
    draft: Draft,
    /// What the command line has said, so that nobody is asked.
    fixed: Vec<Question>,
    /// Which files would be written beside the directory's own.
    beside: Vec<std::path::PathBuf>,
    been: Vec<Question>,
    at: At,
    say: Vec<String>,
    /// Mailboxes of the lines so far.
    collected: Vec<String>,
    /// Whether the question stands on the screen already.
    is_repeated: bool,
}

impl<'s> Dialogue<'s> {
    /// A conversation. `directory`: where files go, if that was said; `powershell`: a further file that is written.
    pub(super) fn new(
        surroundings: &'s dyn Surroundings,
        directory: Option<std::path::PathBuf>,
        powershell: Option<std::path::PathBuf>,
    ) -> Self {
        let fixed = directory.iter().map(|_| Question::Directory).collect();
        Self {
            surroundings,
            draft: Draft {
                directory,
                ..Draft::default()
            },
            fixed,
            beside: powershell.into_iter().collect(),
            been: Vec::new(),
            at: At::Asking(Question::Product),
            say: vec![GREETING.to_owned()],
            collected: Vec::new(),
            is_repeated: false,
        }
    }

    /// What is to be done next. After `Ask` a line has to be received.
    pub(super) fn step(&mut self) -> Step {
        if !self.say.is_empty() {
            return Step::Say(self.say.remove(0));
        }
        match self.at {
            At::Asking(question) => Step::Ask(self.ask(question)),
            At::Confirming => Step::Ask(self.confirmation()),
            At::Agreed => match self.draft.answers() {
                Some(answers) => Step::Done(Box::new(answers)),
                None => Step::GaveUp("something is missing: nothing was written"),
            },
            At::Over(why) => Step::GaveUp(why),
        }
    }

    /// Takes a line.
    pub(super) fn receive(&mut self, line: &Secret<String>) {
        let typed = line.expose().trim();
        match (self.at, typed) {
            (At::Asking(_) | At::Confirming, "<") => self.back(),
            (At::Asking(question), "?") => self.explain(question),
            (At::Asking(Question::Mailboxes), typed) => self.collect(typed),
            (At::Asking(question), typed) => self.answer(question, typed),
            (At::Confirming, typed) => self.confirm(typed),
            (At::Agreed | At::Over(_), _) => {}
        }
    }

    /// Nobody answers any more.
    pub(super) fn closed(&mut self) {
        self.at = At::Over("the answers ended before the last question: nothing was written");
    }

    fn answer(&mut self, question: Question, typed: &str) {
        let default = question.default(&self.draft, self.surroundings);
        let keeps_secret = question.is_hidden() && matches!(self.draft.secret, Some(Some(_)));
        let way = self.draft.way;
        let put = match (typed, default) {
            ("", _) if keeps_secret => Ok(()),
            ("", Some(default)) => self.draft.put(question, &default, self.surroundings),
            (typed, _) => self.draft.put(question, typed, self.surroundings),
        };
        match put {
            Ok(()) => {
                self.say_what_was_hidden(question, typed);
                self.say_what_was_replaced(question, way);
                self.go_on(question);
            }
            Err(why) => self.complain(&why),
        }
    }

    /// Whoever pasted something unseen wants to know that all of it came.
    fn say_what_was_hidden(&mut self, question: Question, typed: &str) {
        let is_taken = question.is_hidden() && matches!(self.draft.secret, Some(Some(_)));
        if is_taken && !typed.is_empty() {
            self.say
                .push(format!("  {} characters were taken.", typed.chars().count()));
        }
    }

    /// Whoever chose a way has to hear that a later answer took another one.
    fn say_what_was_replaced(&mut self, question: Question, before: Option<Way>) {
        if question != Question::SignsInAs || self.draft.way == before {
            return;
        }
        if let (Some(before), Some(now)) = (before, self.draft.way) {
            self.say.push(format!(
                "  This replaces \"{}\" by \"{}\".",
                before.name(),
                now.name()
            ));
        }
    }

    /// Several lines are pasted at once, so that each is taken by itself, and an empty one ends them.
    fn collect(&mut self, typed: &str) {
        if typed.is_empty() {
            let collected = self.collected.join(",");
            return self.answer(Question::Mailboxes, &collected);
        }
        match super::typed::mailboxes(typed) {
            Ok(more) => {
                self.collected.extend(more);
                self.is_repeated = true;
            }
            Err(why) => self.complain(&why),
        }
    }

    fn complain(&mut self, why: &str) {
        self.say.push(format!("  {why}."));
        self.is_repeated = true;
    }

    fn explain(&mut self, question: Question) {
        let mut text = question.more(&self.draft);
        if question == Question::ClientId
            && let Some(registration) = portal::Registration::of_draft(&self.draft)
        {
            text = format!(
                "{text}\nWhat is to be registered:\n\n{}",
                portal::steps(&registration)
            );
        }
        self.say.push(text);
        self.is_repeated = true;
    }

    fn go_on(&mut self, from: Question) {
        self.collected.clear();
        self.is_repeated = false;
        self.been.push(from);
        let after = Question::ALL
            .into_iter()
            .skip_while(|question| *question != from)
            .skip(1);
        let mut wanted =
            after.filter(|question| !self.fixed.contains(question) && question.applies(&self.draft));
        self.at = wanted.next().map_or(At::Confirming, At::Asking);
    }

    fn back(&mut self) {
        self.collected.clear();
        self.is_repeated = false;
        match self.been.pop() {
            Some(question) => self.at = At::Asking(question),
            None => self.say.push("  This is the first question.".to_owned()),
        }
    }

    fn ask(&self, question: Question) -> Ask {
        let default = question.default(&self.draft, self.surroundings);
        let shown = default.map_or(String::new(), |default| format!(" [{default}]"));
        let prompt = match question {
            Question::Mailboxes if !self.collected.is_empty() => {
                format!("{} so far; one more, or Enter: ", self.collected.len())
            }
            Question::Secret if matches!(self.draft.secret, Some(Some(_))) => {
                "> [the one typed before]: ".to_owned()
            }
            _ if shown.is_empty() => "> ".to_owned(),
            _ => format!(">{shown}: "),
        };
        let (heading, body) = if self.is_repeated {
            (String::new(), String::new())
        } else {
            (question.heading().to_owned(), body(question, &self.draft))
        };
        Ask {
            heading,
            body,
            prompt,
            hidden: question.is_hidden(),
        }
    }

    /// What would be written, and what stands in its way.
    fn confirmation(&self) -> Ask {
        let Some(answers) = self.draft.answers() else {
            return Ask {
                heading: "Something is missing: < goes back".to_owned(),
                body: String::new(),
                prompt: "> ".to_owned(),
                hidden: false,
            };
        };
        let layout = layout::of(
            &answers,
            self.beside.first().map(|path| &**path),
            self.surroundings,
        );
        let replaced = layout.replaced(self.surroundings);
        let default = if replaced.is_empty() { "yes" } else { "no" };
        let (heading, mut body) = if self.is_repeated {
            (String::new(), String::new())
        } else {
            ("Write this?".to_owned(), layout.to_string())
        };
        if !replaced.is_empty() && !self.is_repeated {
            body += "\nThere already: ";
            body += &replaced.join(", ");
            body += ". yes replaces it, and keeps the old one beside it as .old, and each mailbox's local password as it is";
        }
        Ask {
            heading,
            body,
            prompt: format!("> yes or no [{default}]: "),
            hidden: false,
        }
    }

    /// What the answers come to, in one line.
    fn summary(&self) -> String {
        let Some(answers) = self.draft.answers() else {
            return "something is missing: < goes back".to_owned();
        };
        let more = match answers.mailboxes.len() {
            0 | 1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        format!(
            "{}, tenant {}, client id {}, {}{more}, {}; yes writes the files above and sends nothing anywhere, < goes back",
            answers.product.facts().name,
            answers.tenant,
            answers.client_id.as_deref().unwrap_or("later"),
            answers.mailboxes.first().map_or("no mailbox", String::as_str),
            answers.way.name(),
        )
    }

    fn confirm(&mut self, typed: &str) {
        let is_default_yes = self.confirmation().prompt.contains("[yes]");
        match typed.to_ascii_lowercase().as_str() {
            "" if is_default_yes => self.at = At::Agreed,
            "y" | "yes" => self.at = At::Agreed,
            "" | "n" | "no" => self.at = At::Over("nothing was written"),
            "?" => self.complain(&self.summary()),
            _ => self.complain("write yes or no, or < to go back"),
        }
    }
}

fn body(question: Question, draft: &Draft) -> String {
    let choices = question.choices(draft);
    let widest = choices
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    // Long sentences stand below their names, short ones beside them.
    let beside = choices.iter().all(|(_, about)| about.len() < 80) && widest < 40;
    let mut text = question.about(draft).to_owned() + question.by_keyboard();
    for (at, (name, about)) in choices.iter().enumerate() {
        let number = at + 1;
        let line = match about {
            &"" => format!("{number:>2}  {name}"),
            about if beside => format!("{number:>2}  {name:<widest$}  {about}"),
            about => format!("{number:>2}  {name}\n     {about}"),
        };
        text += "\n ";
        text += &line;
    }
    text
}
